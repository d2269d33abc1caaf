//! One device that writes, and remembers what came.

use std::collections::VecDeque;
use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::history::{Device, Seen, Session};
use crate::support::Wire;

/// Sends that wait for their answers at the same time.
const WINDOW: usize = 4;

/// How long a session lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// Writes on until the server closes the connection.
    Closed,
    /// Writes nothing new: until all was answered and all that is stored has come.
    Answered,
}

/// A send without an answer.
#[derive(Clone, Debug)]
struct Unanswered {
    id: String,
    to: Value,
}

/// One device of a user.
#[derive(Debug)]
pub(super) struct Writer {
    user: u64,
    token: String,
    users: Vec<u64>,
    groups: Vec<u64>,
    writes: bool,
    random: fastrand::Rng,
    made: u64,
    unanswered: VecDeque<Unanswered>,
    device: Device,
    goodbye: Option<Value>,
}

impl Writer {
    pub(super) fn new(
        user: u64,
        device: &str,
        token: &str,
        users: Vec<u64>,
        groups: Vec<u64>,
        random: fastrand::Rng,
    ) -> Self {
        let direct = users.iter().map(|&other| direct(user, other));
        let conversations = direct
            .chain(groups.iter().map(|group| format!("g:{group}")))
            .collect();
        Self {
            device: Device {
                name: format!("{user}-{device}"),
                conversations,
                sessions: Vec::new(),
            },
            user,
            token: token.to_owned(),
            users,
            groups,
            writes: true,
            random,
            made: 0,
            unanswered: VecDeque::new(),
            goodbye: None,
        }
    }

    /// The same, but it writes nothing.
    pub(super) fn listening(self) -> Self {
        Self {
            writes: false,
            ..self
        }
    }

    pub(super) fn unanswered(&self) -> usize {
        self.unanswered.len()
    }

    /// Gives up what was not answered; answers the ids.
    pub(super) fn give_up(&mut self) -> Vec<String> {
        let given_up: Vec<_> = self.unanswered.drain(..).map(|send| send.id).collect();
        for session in &mut self.device.sessions {
            session.first_sends.retain(|id| !given_up.contains(id));
        }
        given_up
    }

    pub(super) fn sent(&self) -> usize {
        self.device
            .sessions
            .iter()
            .map(|session| session.sent.len())
            .sum()
    }

    pub(super) fn saw(&self, id: &str) -> bool {
        let sessions = self.device.sessions.iter();
        sessions
            .flat_map(|session| &session.received)
            .any(|seen| seen.id == id)
    }

    pub(super) const fn last_goodbye(&self) -> Option<&Value> {
        self.goodbye.as_ref()
    }

    pub(super) fn device(&self) -> Device {
        self.device.clone()
    }

    /// One session of the device; `ready` is called when all that was stored has come.
    pub(super) fn session(&mut self, address: SocketAddr, until: Until, ready: impl FnOnce()) {
        let mut wire = Wire::connect(address);
        self.goodbye = None;
        self.device.sessions.push(Session::default());
        let (_, device) = self.device.name.split_once('-').expect("the name has two parts");
        wire.send(&json!({"type": "login", "ref": "login", "token": self.token, "device": device}));
        let mut ready = Some(ready);
        let mut retries: VecDeque<_> = self.unanswered.clone();
        let mut waiting = 0;
        while let Some(frame) = wire.next_frame() {
            if frame["type"] == "synced"
                && let Some(ready) = ready.take()
            {
                ready();
            }
            waiting -= usize::from(self.take(&mut wire, &frame));
            if ready.is_some() {
                continue;
            }
            if until == Until::Answered && self.unanswered.is_empty() {
                return;
            }
            while waiting < WINDOW && self.writes {
                let Some(send) = self.next_send(&mut retries, until) else {
                    break;
                };
                if wire.send_bytes(format!("{send}\n").as_bytes()).is_err() {
                    break;
                }
                waiting += 1;
            }
        }
        assert!(until == Until::Closed, "the server closed the connection");
    }

    /// Takes a frame in; answers whether it is the reply to a send.
    fn take(&mut self, wire: &mut Wire, frame: &Value) -> bool {
        let session = self.device.sessions.last_mut().expect("a session has begun");
        match frame["type"].as_str() {
            Some("sent") => {
                let seen = seen(frame);
                assert_eq!(frame["ref"], frame["id"], "{frame}");
                let first = self.unanswered.pop_front().expect("a send waits");
                assert_eq!(first.id, seen.id, "the replies come in the order of the sends");
                session.sent.push(seen);
                return true;
            }
            Some("message") => {
                let seen = seen(frame);
                // Not every message, so that some come again after a crash.
                if self.random.u8(..) < 64 {
                    let ack = json!({"type": "ack", "conversation": seen.conversation, "seq": seen.seq});
                    // The server may be gone by now.
                    let _ = wire.send_bytes(format!("{ack}\n").as_bytes());
                }
                session.received.push(seen);
            }
            Some("goodbye") => self.goodbye = Some(frame.clone()),
            Some("welcome" | "synced" | "presence") => {}
            _ => panic!("{}: {frame}", self.device.name),
        }
        false
    }

    /// First what was not answered on an earlier session, then something new.
    fn next_send(&mut self, retries: &mut VecDeque<Unanswered>, until: Until) -> Option<Value> {
        let session = self.device.sessions.last_mut().expect("a session has begun");
        let next = if let Some(retry) = retries.pop_front() {
            session.retries.insert(retry.id.clone());
            retry
        } else if until == Until::Closed {
            self.made += 1;
            let new = Unanswered {
                id: format!("{}-{}", self.user, self.made),
                to: match self.random.u8(..10) {
                    0 => json!({"group": self.groups[0]}),
                    1..5 => json!({"group": self.groups[1]}),
                    _ => json!({"user": self.random.choice(&self.users)}),
                },
            };
            session.first_sends.insert(new.id.clone());
            self.unanswered.push_back(new.clone());
            new
        } else {
            return None;
        };
        Some(json!({"type": "send", "ref": next.id, "id": next.id, "to": next.to, "body": next.id}))
    }
}

fn direct(one: u64, other: u64) -> String {
    format!("d:{}:{}", one.min(other), one.max(other))
}

fn seen(frame: &Value) -> Seen {
    Seen {
        conversation: frame["conversation"]
            .as_str()
            .expect("it has a conversation")
            .to_owned(),
        seq: frame["seq"].as_u64().expect("it has a place"),
        id: frame["id"].as_str().expect("it has the sender's id").to_owned(),
    }
}
