//! Backends and nodes on the files of one folder.

use std::path::PathBuf;

use chat_test_services::eventually;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::events::events;
use crate::support::http::get;
use crate::support::{Server, Wire};

/// A folder with a store, event logs and certificates.
#[derive(Debug)]
pub(crate) struct Stage(TempDir);

impl Stage {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A file of the folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The same as text.
    pub(crate) fn path(&self, name: &str) -> String {
        self.file(name).display().to_string()
    }

    /// A backend of this name on the folder's store.
    pub(crate) fn backend(&self, name: &str, more: &[&str]) -> Server {
        let store = format!("sqlite:{}", self.path("chat.db"));
        self.start(&["backend", "--store", &store, "--node", name], name, more)
    }

    /// A node of this name on a store.
    pub(crate) fn node(&self, name: &str, store: &str, more: &[&str]) -> Server {
        self.start(&["--store", store, "--node", name], name, more)
    }

    fn start(&self, arguments: &[&str], name: &str, more: &[&str]) -> Server {
        let log = format!("file:{}", self.path(&format!("{name}.jsonl")));
        let around = ["--event-log", &log, "--http", "127.0.0.1:0"];
        Server::start(&[arguments, &around, more].concat())
    }

    /// What the server of this name recorded, in order.
    pub(crate) fn events(&self, name: &str) -> Vec<Value> {
        events(&self.file(&format!("{name}.jsonl")))
    }

    /// The fields of the first record of an event, once it is there.
    pub(crate) fn recorded(&self, name: &str, event: &str) -> Value {
        let found = eventually(&format!("{name} records {event}"), || {
            let events = self.events(name).into_iter();
            let mut records = events.filter(|record| record["event"] == event);
            records.next()
        });
        found.unwrap()["fields"].clone()
    }
}

/// Where these backends are, for a node.
pub(crate) fn at(scheme: &str, backends: &[&Server]) -> String {
    let addresses: Vec<_> = backends
        .iter()
        .map(|backend| backend.address().to_string())
        .collect();
    format!("{scheme}://{}", addresses.join(","))
}

/// Waits until `/readyz` of a server answers like this.
pub(crate) fn wait_for_readiness(server: &Server, status: u16, body: &str) {
    let answered = eventually(&format!("/readyz answers {status} {body:?}"), || {
        let answer = get(server.http(), "/readyz");
        ((answer.status, answer.body.as_str()) == (status, body)).then_some(())
    });
    answered.unwrap();
}

/// Two users of a node.
#[derive(Debug)]
pub(crate) struct Pair {
    alice: Wire,
    bob: Wire,
    bob_id: u64,
    sent: u64,
}

impl Pair {
    /// Registers and logs in both.
    pub(crate) fn on(node: &Server) -> Self {
        let (mut alice, mut bob) = (node.connect(), node.connect());
        alice.begin_as("alice");
        let (bob_id, _) = bob.begin_as("bob");
        let sent = 0;
        Self {
            alice,
            bob,
            bob_id,
            sent,
        }
    }

    /// One message from the one to the other; both see it with the next number.
    pub(crate) fn exchange(&mut self) {
        let number = self.sent + 1;
        let reply = self.send(number);
        assert_eq!(
            (&reply["type"], &reply["seq"]),
            (&json!("sent"), &json!(number)),
            "{reply}"
        );
        self.sent = number;
        let delivered = self.bob.frame();
        let expected = (&json!(number), &json!(number.to_string()));
        assert_eq!((&delivered["seq"], &delivered["body"]), expected, "{delivered}");
    }

    /// The reply to sending a message of this number.
    pub(crate) fn send(&mut self, number: u64) -> Value {
        let id = format!("message-{number}");
        let to = json!({"user": self.bob_id});
        self.alice
            .request(&json!({"type": "send", "ref": id, "id": id, "to": to, "body": number.to_string()}))
    }
}
