//! A browser that is driven step by step, and waits for what it is to show.

use std::time::Duration;

use chat_test_services::{ChromeDriver, eventually};
use fantoccini::elements::Element;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Map, Value, json};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

/// How long a browser may take to end.
const GRACE: Duration = Duration::from_secs(10);

/// A session with a browser of its own. Dropping it ends the browser.
#[derive(Debug)]
pub(crate) struct Browser {
    // Every step blocks: nothing goes on between two of them but the browser itself.
    runtime: Runtime,
    client: Client,
}

impl Browser {
    /// Starts a browser that keeps what it is told under the name of a profile, and asks for English.
    ///
    /// # Panics
    /// Where it does not start.
    pub(crate) fn start(driver: &ChromeDriver, profile: &str) -> Self {
        Self::start_in(driver, profile, "en")
    }

    /// The same in another language.
    ///
    /// # Panics
    /// Where it does not start.
    pub(crate) fn start_in(driver: &ChromeDriver, profile: &str, language: &str) -> Self {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let options = json!({
            "args": driver.arguments(profile, language),
            "binary": ChromeDriver::browser(),
        });
        let capabilities = Map::from_iter([
            ("goog:chromeOptions".to_owned(), options),
            // The authority of a test is trusted by nobody.
            ("acceptInsecureCerts".to_owned(), json!(true)),
        ]);
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities);
        let client = runtime
            .block_on(builder.connect(&driver.url()))
            .expect("a browser starts");
        Self { runtime, client }
    }

    /// Goes to an address.
    pub(crate) fn go_to(&self, url: &str) {
        self.wait_for(self.client.goto(url));
    }

    /// Loads the page anew.
    pub(crate) fn reload(&self) {
        self.wait_for(self.client.refresh());
    }

    /// Opens a further tab, which the steps after this one are for. Answers its handle.
    pub(crate) fn open_tab(&self) -> fantoccini::wd::WindowHandle {
        let tab = self.wait_for(self.client.new_window(true)).handle;
        self.switch_to(tab.clone());
        tab
    }

    /// The tab that the steps are for.
    pub(crate) fn tab(&self) -> fantoccini::wd::WindowHandle {
        self.wait_for(self.client.window())
    }

    /// Goes over to another tab.
    pub(crate) fn switch_to(&self, tab: fantoccini::wd::WindowHandle) {
        self.wait_for(self.client.switch_to_window(tab));
    }

    /// Closes the tab that the steps are for.
    pub(crate) fn close_tab(&self) {
        self.wait_for(self.client.close_window());
    }

    /// Has the browser do what the driver has no step for.
    pub(crate) fn issue(&self, command: impl WebDriverCompatibleCommand + Send + 'static) {
        self.wait_for(self.client.issue_cmd(command));
    }

    /// What can be seen, as a PNG.
    #[allow(dead_code, reason = "only the test on two nodes takes pictures")]
    pub(crate) fn picture(&self) -> Vec<u8> {
        self.wait_for(self.client.screenshot())
    }

    /// What a function's body answers in the page.
    pub(crate) fn evaluate(&self, script: &str) -> Value {
        self.wait_for(self.client.execute(script, Vec::new()))
    }

    /// Clicks on what can be seen and clicked, once it is there.
    pub(crate) fn click(&self, selector: &str) {
        self.until(&format!("a click on {selector}"), || {
            let element = self.find(selector)?;
            self.runtime.block_on(element.click()).ok()
        });
    }

    /// Fills a field in the place of what is in it.
    pub(crate) fn fill(&self, selector: &str, text: &str) {
        self.until(&format!("an input {selector}"), || {
            let element = self.find(selector)?;
            self.runtime.block_on(element.clear()).ok()?;
            self.runtime.block_on(element.send_keys(text)).ok()
        });
    }

    /// Types where the focus is.
    pub(crate) fn press(&self, keys: &str) {
        let focused = self.wait_for(self.client.active_element());
        self.wait_for(focused.send_keys(keys));
    }

    /// Waits until a script answers this.
    pub(crate) fn wait_until(&self, script: &str, expected: &Value) {
        let mut last = Value::Null;
        let met = eventually(script, || {
            last = self.evaluate(script);
            (last == *expected).then_some(())
        });
        if met.is_err() {
            panic!("{script}\nexpected {expected:#}\nin vain; the last was {last:#}");
        }
    }

    /// Waits for the text of an element that can be seen.
    pub(crate) fn wait_for_text(&self, selector: &str, text: &str) {
        let script = format!(
            "const found = document.querySelector({}); return found?.checkVisibility() ? found.textContent : null",
            json!(selector)
        );
        self.wait_until(&script, &json!(text));
    }

    fn find(&self, selector: &str) -> Option<Element> {
        self.runtime
            .block_on(self.client.find(Locator::Css(selector)))
            .ok()
    }

    fn until<T>(&self, what: &str, attempt: impl FnMut() -> Option<T>) -> T {
        eventually(what, attempt).unwrap_or_else(|error| panic!("{error}\n{}", self.evaluate(SHOWN)))
    }

    fn wait_for<T>(&self, step: impl Future<Output = Result<T, fantoccini::error::CmdError>>) -> T {
        self.runtime
            .block_on(step)
            .expect("the browser does what it is told")
    }
}

/// What a failure shows of the page.
const SHOWN: &str = "return document.body.innerText";

impl Drop for Browser {
    fn drop(&mut self) {
        let client = self.client.clone();
        // Where it does not end, its driver ends it. A timer is made within the runtime.
        let _ = self
            .runtime
            .block_on(async { timeout(GRACE, client.close()).await });
    }
}
