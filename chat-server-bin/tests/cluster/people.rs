//! Users, and sessions that lose no event while they wait for a reply.

use std::collections::VecDeque;

use serde_json::{Value, json};

use crate::harness::Cluster;
use crate::support::Wire;

/// The password of everybody whose password is not the subject.
pub(crate) const PASSWORD: &str = "correct horse";

/// A user, who can log in without the cost of a password.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) id: u64,
    pub(crate) name: String,
    token: String,
}

impl Person {
    /// Registers a user, who had a session and is away now.
    pub(crate) fn register(cluster: &Cluster, name: &str) -> Self {
        let mut wire = cluster.connect();
        let (id, token) = wire.begin_here_as(name);
        wire.close();
        Self {
            id,
            name: name.to_owned(),
            token,
        }
    }

    /// Begins a session through nginx, and takes everything that is stored for it.
    pub(crate) fn log_in(&self, cluster: &Cluster) -> Session {
        self.log_in_over(cluster.connect())
    }

    /// Begins a session on this node, and takes everything that is stored for it.
    pub(crate) fn log_in_to(&self, cluster: &Cluster, node: usize) -> Session {
        self.log_in_over(cluster.connect_to(node))
    }

    fn log_in_over(&self, mut wire: Wire) -> Session {
        let welcome = wire.request(&json!({"type": "login", "ref": "login", "token": self.token}));
        assert_eq!(welcome["type"], "welcome", "{welcome}");
        let mut session = Session {
            wire,
            welcome,
            stored: Vec::new(),
            events: VecDeque::new(),
        };
        session.receive_stored();
        session
    }

    /// The request that logs a device in.
    pub(crate) fn login(&self, device: &str) -> Value {
        json!({"type": "login", "ref": "login", "token": self.token, "device": device})
    }

    /// Begins a session of a device on a connection, and reads on until it is live.
    pub(crate) fn begin(&self, mut wire: Wire, device: &str) -> Wire {
        let welcome = wire.request(&self.login(device));
        assert_eq!(welcome["type"], "welcome", "{welcome}");
        while wire.frame()["type"] != "synced" {}
        wire
    }

    /// The conversation of this user with another.
    pub(crate) fn conversation_with(&self, other: &Self) -> String {
        format!("d:{}:{}", self.id.min(other.id), self.id.max(other.id))
    }
}

/// A session that has got everything that was stored before it.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) wire: Wire,
    pub(crate) welcome: Value,
    /// The messages that came before `synced`.
    pub(crate) stored: Vec<Value>,
    /// What came while a reply was awaited.
    events: VecDeque<Value>,
}

impl Session {
    fn receive_stored(&mut self) {
        loop {
            let event = self.wire.frame();
            match event["type"].as_str() {
                Some("message") => self.stored.push(event),
                Some("synced") => return,
                _ => self.events.push_back(event),
            }
        }
    }

    /// Sends a request and answers its reply; events that come before it are kept.
    pub(crate) fn request(&mut self, request: &Value) -> Value {
        self.wire.send(request);
        self.reply(&request["ref"])
    }

    /// The reply that carries this `ref`; events that come before it are kept.
    pub(crate) fn reply(&mut self, reference: &Value) -> Value {
        loop {
            let frame = self.wire.frame();
            if &frame["ref"] == reference {
                return frame;
            }
            self.events.push_back(frame);
        }
    }

    /// The next event of this kind; others before it are passed over.
    pub(crate) fn event(&mut self, kind: &str) -> Value {
        loop {
            let event = self.events.pop_front().unwrap_or_else(|| self.wire.frame());
            if event["type"] == kind {
                return event;
            }
        }
    }

    /// The next message.
    pub(crate) fn message(&mut self) -> Value {
        self.event("message")
    }

    /// Sends a text and answers `sent`.
    pub(crate) fn send(&mut self, to: &Value, body: &str) -> Value {
        let sent = self.request(&json!({"type": "send", "ref": "send", "to": to, "body": body}));
        assert_eq!(sent["type"], "sent", "{sent}");
        sent
    }

    /// Acknowledges a conversation up to this message.
    pub(crate) fn acknowledge(&mut self, message: &Value) {
        let ack = json!({"type": "ack", "ref": "ack", "conversation": message["conversation"], "seq": message["seq"]});
        let acked = self.request(&ack);
        assert_eq!(acked["type"], "acked", "{acked}");
    }

    /// The last messages of a conversation.
    pub(crate) fn history(&mut self, conversation: &str) -> Vec<Value> {
        let request =
            json!({"type": "history", "ref": "history", "conversation": conversation, "limit": 200});
        let history = self.request(&request);
        let messages = history["messages"].as_array();
        messages.unwrap_or_else(|| panic!("{history}")).clone()
    }

    /// Makes a group; answers its id.
    pub(crate) fn create_group(&mut self, name: &str, description: &str) -> u64 {
        let create =
            json!({"type": "create_group", "ref": "create", "name": name, "description": description});
        let created = self.request(&create);
        created["group"]["id"]
            .as_u64()
            .unwrap_or_else(|| panic!("{created}"))
    }

    /// Becomes a member of a group.
    pub(crate) fn join(&mut self, group: u64) {
        let joined = self.request(&json!({"type": "join_group", "ref": "join", "group": group}));
        assert_eq!(joined["type"], "group_joined", "{joined}");
    }
}

/// The values of one field.
pub(crate) fn field(frames: &[Value], name: &str) -> Vec<Value> {
    frames.iter().map(|frame| frame[name].clone()).collect()
}
