//! A server with a page, a way to it that can break, and the driver of the browsers.

use chat_test_services::{ChromeDriver, TcpProxy};
use serde_json::json;

use super::browser::Browser;
use super::page::{OFFLINE, PASSWORD};
use super::support::{Server, Wire};

/// What a test of the page stands on.
#[derive(Debug)]
pub(crate) struct Scene {
    /// Ends before the server does, so that no browser asks for what is gone.
    pub(crate) driver: ChromeDriver,
    /// Passes on to the server until it is told otherwise.
    pub(crate) line: TcpProxy,
    server: Server,
}

impl Scene {
    /// Starts all of it, on a store in memory.
    ///
    /// # Panics
    /// Where a part does not start.
    pub(crate) fn start() -> Self {
        Self::start_with(&["--store", "memory:"])
    }

    /// The same with further settings, of which one names the store.
    ///
    /// # Panics
    /// Where a part does not start.
    pub(crate) fn start_with(settings: &[&str]) -> Self {
        let server = Server::start(&[&["--http", "127.0.0.1:0"], settings].concat());
        Self {
            driver: ChromeDriver::start().unwrap_or_else(|error| panic!("{error}")),
            line: TcpProxy::start(server.http()).expect("a free port"),
            server,
        }
    }

    /// Takes the network from a browser that has the page over the line, and closes what was open, until the browser
    /// finds it again.
    pub(crate) fn cut_off(&self, browser: &Browser) {
        browser.lose_network();
        self.line.cut().expect("the line can be cut");
        self.line.resume().expect("the line can be used again");
        browser.wait_for_state(OFFLINE);
    }

    /// Has the server drain and end.
    pub(crate) fn end_server(&mut self) {
        self.server.terminate();
    }

    /// Starts it again at the same addresses.
    ///
    /// # Panics
    /// Where it does not start.
    pub(crate) fn start_server_again(&mut self, settings: &[&str]) {
        let (listen, http) = (self.server.address().to_string(), self.server.http().to_string());
        self.server = Server::start_at(&listen, &[&["--http", &http], settings].concat());
    }

    /// The page, straight from the server.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.server.http())
    }

    /// The page as another machine asks for it without TLS: browsers trust such a page less than one from their own.
    pub(crate) fn url_elsewhere(&self) -> String {
        format!("http://chat.test:{}/", self.server.http().port())
    }

    /// The page over the line that can break.
    pub(crate) fn url_over_line(&self) -> String {
        format!("http://{}/", self.line.address())
    }

    /// A connection beside the page, for what no page does.
    pub(crate) fn connect(&self) -> Wire {
        self.server.connect()
    }
}

/// The user of the page on another device of theirs.
///
/// # Panics
/// Where the server refuses.
pub(crate) fn phone_of(scene: &Scene, name: &str) -> Wire {
    let mut phone = scene.connect();
    let login =
        json!({"type": "login", "ref": "login", "name": name, "password": PASSWORD, "device": "phone"});
    assert_eq!(phone.request(&login)["type"], "welcome");
    phone
}

/// Alice has the page, and Bob a connection beside it. The scene is the first, so that it ends last.
///
/// # Panics
/// Where a part does not start.
pub(crate) fn alice_and_bob() -> (Scene, Browser, Wire) {
    let scene = Scene::start();
    let alice = Browser::start(&scene.driver, "alice");
    alice.register(&scene.url(), "alice");
    let mut bob = scene.connect();
    bob.begin_as("bob");
    (scene, alice, bob)
}
