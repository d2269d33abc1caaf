//! What a user does in the page of the chat, and what they see there.

use serde_json::json;

use super::browser::Browser;

/// The password of everybody.
pub(crate) const PASSWORD: &str = "correct horse";
/// The key that sends and confirms.
pub(crate) const ENTER: &str = "\u{e007}";
/// The key that goes to the next thing that can be used.
pub(crate) const TAB: &str = "\u{e004}";
/// The key that leaves.
pub(crate) const ESCAPE: &str = "\u{e00c}";

/// The key that begins a new line together with Enter.
pub(crate) const SHIFT: &str = "\u{e008}";
/// The end of it.
pub(crate) const RELEASE: &str = "\u{e000}";
/// The key that goes to what is above.
pub(crate) const UP: &str = "\u{e013}";
/// The key that goes to what is below.
pub(crate) const DOWN: &str = "\u{e015}";

/// What the page says while there is no connection.
pub(crate) const OFFLINE: &str = "No connection. Messages are kept and sent later.";

/// The messages that are shown, stored and waiting, in their order.
const MESSAGES: &str =
    "return [...document.querySelectorAll('#messages .body')].map((body) => body.textContent)";
/// How many messages wait.
const WAITING: &str = "return document.querySelectorAll('#messages .waiting').length";

impl Browser {
    /// Registers a user on the page of a server, and waits until they are in.
    pub(crate) fn register(&self, url: &str, name: &str) {
        self.go_to(url);
        self.fill("#login [name=name]", name);
        self.fill("#login [name=password]", PASSWORD);
        self.click("#login [value=register]");
        self.wait_for_state("Connected");
        self.wait_for_text("#me", name);
    }

    /// Waits for what the page says of the connection.
    pub(crate) fn wait_for_state(&self, state: &str) {
        self.wait_for_text("#state", state);
    }

    /// Opens the conversation with a user, by name.
    pub(crate) fn open_chat_with(&self, name: &str) {
        self.click("#new-chat");
        self.fill("#dialog [name=name]", name);
        self.press(ENTER);
        self.wait_for_text("#title", name);
    }

    /// Opens the notes of the user of the page, who is known by name.
    pub(crate) fn open_notes(&self) {
        self.click("#new-chat");
        let name = self.evaluate("return document.getElementById('me').textContent");
        self.fill("#dialog [name=name]", name.as_str().expect("a name"));
        self.press(ENTER);
        self.wait_for_text("#title", "Notes to myself");
    }

    /// Adds a friend by name.
    pub(crate) fn befriend(&self, name: &str) {
        self.click("#add-friend");
        self.fill("#dialog [name=name]", name);
        self.press(ENTER);
        self.wait_for_text("#title", name);
    }

    /// Writes into the conversation that is open.
    pub(crate) fn write(&self, text: &str) {
        self.fill("#body", &format!("{text}{ENTER}"));
    }

    /// Puts a text into the conversation that is open as if it was pasted, and sends it. The driver types no emoji.
    pub(crate) fn paste(&self, text: &str) {
        self.evaluate(&format!(
            "document.getElementById('body').value = {}",
            json!(text)
        ));
        self.click("#composer [type=submit]");
    }

    /// Notes what the page sends from now on, in `window.sent`, and its connection, in `window.socket`.
    pub(crate) fn note_frames(&self) {
        self.evaluate(
            "window.sent = []; \
             const send = WebSocket.prototype.send; \
             WebSocket.prototype.send = function (data) { \
               window.socket = this; \
               window.sent.push(JSON.parse(data)); \
               return send.call(this, data); \
             }",
        );
    }

    /// Waits until these messages are shown in this order, and no others.
    pub(crate) fn wait_for_messages(&self, expected: &[&str]) {
        self.wait_until(MESSAGES, &json!(expected));
    }

    /// Waits until as many messages wait to be sent.
    pub(crate) fn wait_for_waiting(&self, count: usize) {
        self.wait_until(WAITING, &json!(count));
    }

    /// Waits for an entry of a list: its title, and what stands below and beside it.
    pub(crate) fn wait_for_entry(&self, list: &str, title: &str, note: &str) {
        let script = format!(
            "return [...document.querySelectorAll('#{list} button')].some((button) => \
             button.children[0].textContent === {} && \
             [...button.children].slice(1).some((part) => part.textContent.includes({})))",
            json!(title),
            json!(note),
        );
        self.wait_until(&script, &json!(true));
    }
}
