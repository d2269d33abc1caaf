//! All writers, and what they do together.

use std::net::SocketAddr;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::writer::{Until, Writer};
use crate::history::{Device, check};
use crate::support::Server;

const PASSWORD: &str = "correct horse";
/// How long the writers may take to get ready; only a failure waits that long.
const READY: Duration = Duration::from_secs(60);
/// Members of each of the small groups; one group has everybody.
const GROUP_SIZE: usize = 10;
/// The first users have a second device, which only listens.
const LISTENERS: usize = 5;

/// Many users, some with a second device, in groups.
#[derive(Debug)]
pub(crate) struct Crowd {
    writers: Vec<Writer>,
    random: fastrand::Rng,
}

impl Crowd {
    /// Registers the users, makes their groups, and logs every device in once, so that it has to
    /// get everything from the first message on.
    pub(crate) fn register(server: &Server, count: usize, seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut wires: Vec<_> = (0..count).map(|_| server.connect()).collect();
        let mut users = Vec::new();
        for (index, wire) in wires.iter_mut().enumerate() {
            let name = format!("user {index}");
            let reply =
                wire.request(&json!({"type": "register", "ref": 1, "name": name, "password": PASSWORD}));
            users.push(reply["user"]["id"].as_u64().unwrap_or_else(|| panic!("{reply}")));
        }
        let mut tokens = Vec::new();
        for (wire, id) in wires.iter_mut().zip(&users) {
            let login = json!({"type": "login", "ref": 2, "id": id, "password": PASSWORD, "device": "desk"});
            tokens.push(token(&wire.request(&login)));
        }
        let mut groups = vec![Vec::new(); count];
        let rows =
            std::iter::once((0, count)).chain((0..count).step_by(GROUP_SIZE).map(|at| (at, GROUP_SIZE)));
        for (number, (from, size)) in rows.enumerate() {
            let create = json!({"type": "create_group", "ref": 3, "name": format!("group {number}")});
            let group = wires[from].request(&create)["group"]["id"].as_u64().unwrap();
            for index in from..(from + size).min(count) {
                let joined = wires[index].request(&json!({"type": "join_group", "ref": 4, "group": group}));
                assert_eq!(joined["type"], "group_joined", "{joined}");
                groups[index].push(group);
            }
        }
        let mut writers = Vec::new();
        for index in 0..count {
            let writer = |device: &str, token: &str, random| {
                Writer::new(
                    users[index],
                    device,
                    token,
                    users.clone(),
                    groups[index].clone(),
                    random,
                )
            };
            writers.push(writer("desk", &tokens[index], random.fork()));
            if index < LISTENERS {
                let mut wire = server.connect();
                let login = json!({"type": "login", "ref": 5, "token": tokens[index], "device": "phone"});
                let reply = wire.request(&login);
                assert_eq!(reply["type"], "welcome", "{reply}");
                writers.push(writer("phone", &tokens[index], random.fork()).listening());
            }
        }
        Self { writers, random }
    }

    /// All write until `end` has ended the server, some time within `milliseconds` after all had
    /// begun. Answers how many sends were without an answer then.
    pub(crate) fn write_until_the_end(
        &mut self,
        address: SocketAddr,
        milliseconds: std::ops::Range<u64>,
        end: impl FnOnce(),
    ) -> usize {
        let pause = Duration::from_millis(self.random.u64(milliseconds));
        let count = self.writers.len();
        let (ready, all_ready) = sync_channel(count);
        let began = thread::scope(|scope| {
            let mut starts = Vec::new();
            for writer in &mut self.writers {
                let ready = ready.clone();
                let (start, started) = sync_channel::<()>(1);
                starts.push(start);
                scope.spawn(move || {
                    writer.session(address, Until::Closed, || {
                        ready.send(()).expect("the crowd waits");
                        // Ends when the crowd lets go of the other side.
                        let _ = started.recv();
                    });
                });
            }
            let began = (0..count).all(|_| all_ready.recv_timeout(READY).is_ok());
            drop(starts);
            // Nothing comes any more: this is the pause before the end.
            let silence = all_ready.recv_timeout(pause);
            end();
            began && silence == Err(RecvTimeoutError::Timeout)
        });
        assert!(began, "not all writers began");
        self.writers.iter().map(Writer::unanswered).sum()
    }

    /// All send again what was not answered, then look whether anything is left to get.
    pub(crate) fn settle(&mut self, address: SocketAddr) {
        // When the second session begins, everybody's sends have been answered.
        for _ in 0..2 {
            thread::scope(|scope| {
                for writer in &mut self.writers {
                    scope.spawn(move || writer.session(address, Until::Answered, || ()));
                }
            });
        }
    }

    /// All give up what was not answered. Answers its ids.
    pub(crate) fn give_up(&mut self) -> Vec<String> {
        self.writers.iter_mut().flat_map(Writer::give_up).collect()
    }

    /// Whether any device got a message with this id.
    pub(crate) fn saw(&self, id: &str) -> bool {
        self.writers.iter().any(|writer| writer.saw(id))
    }

    /// The goodbyes of the last sessions.
    pub(crate) fn last_goodbyes(&self) -> impl Iterator<Item = Option<&Value>> {
        self.writers.iter().map(Writer::last_goodbye)
    }

    /// How many sends were answered.
    pub(crate) fn sent(&self) -> usize {
        self.writers.iter().map(Writer::sent).sum()
    }

    /// Checks all that was seen so far.
    pub(crate) fn check(&self) -> Result<(), String> {
        let devices: Vec<Device> = self.writers.iter().map(Writer::device).collect();
        check(&devices)
    }
}

fn token(welcome: &Value) -> String {
    welcome["token"]
        .as_str()
        .unwrap_or_else(|| panic!("{welcome}"))
        .to_owned()
}
