//! What Chromium makes a page believe: another screen, other colours, no network.

use axum::http::Method;
use fantoccini::wd::WebDriverCompatibleCommand;
use serde_json::{Value, json};
use url::{ParseError, Url};

use super::browser::Browser;

/// What the user's system prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colours {
    Light,
    Dark,
}

/// A command of Chromium's own protocol, for what `WebDriver` lacks.
#[derive(Debug)]
struct Command {
    name: &'static str,
    fields: Value,
}

impl WebDriverCompatibleCommand for Command {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!(
            "session/{}/goog/cdp/execute",
            session.unwrap_or_default()
        ))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        let body = json!({"cmd": self.name, "params": self.fields});
        (Method::POST, Some(body.to_string()))
    }
}

impl Browser {
    /// Shows pages on a screen of this size; a window cannot be made as narrow as a telephone.
    pub(crate) fn show_on(&self, width: u32, height: u32) {
        let screen = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.tell("Emulation.setDeviceMetricsOverride", screen);
    }

    /// Has pages look as where the system prefers these colours.
    pub(crate) fn prefer(&self, colours: Colours) {
        let value = match colours {
            Colours::Light => "light",
            Colours::Dark => "dark",
        };
        let features = json!([{"name": "prefers-color-scheme", "value": value}]);
        self.tell("Emulation.setEmulatedMedia", json!({"features": features}));
    }

    /// Takes the network away from the page that is open: it is told so, and gets no new connection. A WebSocket that is
    /// open stays so.
    pub(crate) fn lose_network(&self) {
        self.tell("Network.enable", json!({}));
        self.emulate_network(true);
    }

    /// Gives the network back.
    pub(crate) fn find_network(&self) {
        self.emulate_network(false);
    }

    fn emulate_network(&self, offline: bool) {
        let conditions =
            json!({"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1});
        self.tell("Network.emulateNetworkConditions", conditions);
        self.wait_until("return navigator.onLine", &json!(!offline));
    }

    fn tell(&self, name: &'static str, fields: Value) {
        self.issue(Command { name, fields });
    }
}
