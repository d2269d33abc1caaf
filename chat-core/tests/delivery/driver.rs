//! Does what a script says on two nodes, and writes down what the users see.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use chat_core::contract::history::{History, Record, Violation};
use chat_core::faulty::Faults;
use chat_core::ports::{CreateGroup, GroupStore, NewGroup};
use chat_core::protocol::{Ack, AckMode, Event, OutgoingMessage, Recipient, Sent};
use chat_core::types::{ConversationId, Description, Device, GroupId, MessageId, Seq, User};
use chat_core::{Chat, Error, ErrorCode, Session, SessionHandle, SessionOptions};
use futures_util::future::join_all;
use tokio::time::{sleep, timeout};

use crate::script::{DEVICES, GROUPS, Send, Step, To, USERS};
use crate::setting::{Setting, backends, limits};

/// Runs a script in time of its own, with everything read to the end, and answers what is wrong.
pub(crate) fn run(script: &[Step], setting: &Setting) -> Vec<Violation> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut driver = Driver::start(setting).await;
        for step in script {
            driver.take(step).await;
        }
        driver.finish().await
    })
}

struct Open {
    number: u64,
    node: usize,
    session: Session,
    /// How many sends had an answer when it began.
    sends_before: usize,
}

/// A message that was sent, to be sent again.
struct Past {
    user: usize,
    to: Recipient,
    id: MessageId,
}

struct Driver {
    chats: [Chat; 2],
    faults: Faults,
    users: Vec<User>,
    groups: Vec<GroupId>,
    members: HashSet<(usize, usize)>,
    open: HashMap<usize, Open>,
    sent: Vec<Past>,
    /// How many sends had an answer.
    sends: usize,
    sessions: u64,
    history: History,
}

impl Driver {
    async fn start(setting: &Setting) -> Self {
        let faults = Faults::default();
        faults.lose_notices(setting.seed, setting.lost_per_mille);
        let backends = backends(setting, &faults);
        let limits = limits(setting);
        let chats = [(); 2].map(|()| Chat::builder(backends.clone()).limits(limits.clone()).start());
        let mut users = Vec::new();
        for number in 0..USERS {
            let name = format!("user {number}").parse().unwrap();
            users.push(chats[0].ensure_user(name).await.unwrap());
        }
        let mut driver = Self {
            chats,
            faults,
            users,
            groups: Vec::new(),
            members: HashSet::new(),
            open: HashMap::new(),
            sent: Vec::new(),
            sends: 0,
            sessions: 0,
            history: History::default(),
        };
        driver.create_groups(&*backends.stores.groups).await;
        driver
    }

    /// User 0 makes all groups.
    async fn create_groups(&mut self, store: &dyn GroupStore) {
        for number in 0..GROUPS {
            let group = NewGroup {
                id: None,
                name: format!("group {number}").parse().unwrap(),
                description: Description::default(),
                creator: self.users[0].id,
            };
            let CreateGroup::Created(membership) = store.create_group(&group, GROUPS).await.unwrap() else {
                panic!("the group is not made");
            };
            let group = membership.group.id;
            self.groups.push(group);
            self.members.insert((number, 0));
            self.history.push(Record::Joined {
                user: self.users[0].id,
                group,
            });
        }
    }

    async fn take(&mut self, step: &Step) {
        match step {
            Step::Open { device, node } => self.open(*device, *node).await,
            Step::Close { device } => self.close(*device).await,
            Step::Send(sends) => self.send(sends).await,
            Step::Read {
                device,
                events,
                acknowledges,
            } => self.read(*device, *events, *acknowledges).await,
            Step::Join { device, group } => self.join(*device, *group).await,
            Step::Leave { device, group } => self.leave(*device, *group).await,
            Step::Gap => self.faults.emit_gap(),
            Step::Wait { millis } => sleep(Duration::from_millis(*millis)).await,
        }
    }

    // ---- sessions ----

    async fn open(&mut self, device: usize, node: usize) {
        self.close(device).await;
        let user = self.users[device / 2].id;
        let name = Device::parse(&format!("device-{device}")).unwrap();
        self.sessions += 1;
        let number = self.sessions;
        self.history.push(Record::Opened {
            session: number,
            user,
            device: name.clone(),
        });
        let options = SessionOptions {
            device: name,
            ack: AckMode::Client,
        };
        let session = self.chats[node].session(user, options).await.unwrap();
        self.open.insert(
            device,
            Open {
                number,
                node,
                session,
                sends_before: self.sends,
            },
        );
    }

    /// Ends a session, and gives its acknowledgements the time to be written.
    async fn close(&mut self, device: usize) {
        if self.open.remove(&device).is_some() {
            sleep(Duration::from_millis(100)).await;
        }
    }

    // ---- sending ----

    async fn send(&mut self, sends: &[Send]) {
        let mut messages = Vec::new();
        for send in sends {
            let Some(message) = self.message(send) else {
                continue;
            };
            let devices = if send.twice {
                vec![send.device, send.device ^ 1]
            } else {
                vec![send.device]
            };
            let handles = devices.iter().filter_map(|device| self.open.get(device));
            messages.extend(handles.map(|open| {
                let handle = SessionHandle::clone(&open.session);
                (send.device / 2, open.number, handle, message.clone())
            }));
        }
        let sending = messages.into_iter().map(async |(user, number, handle, message)| {
            let to = message.to;
            (user, number, to, handle.send(message).await)
        });
        for (user, number, to, result) in join_all(sending).await {
            self.sent(user, number, to, result);
        }
    }

    fn message(&mut self, send: &Send) -> Option<OutgoingMessage> {
        self.open.get(&send.device)?;
        let user = send.device / 2;
        let past: Vec<_> = self.sent.iter().filter(|past| past.user == user).collect();
        if let Some(index) = send.repeats
            && !past.is_empty()
        {
            let Past { to, id, .. } = past[index % past.len()];
            return Some(OutgoingMessage::text(*to, "again").unwrap().with_id(id.clone()));
        }
        let to = match send.to {
            To::User(user) => Recipient::User(self.users[user].id),
            To::Group(group) => Recipient::Group(self.groups[group]),
        };
        let message = OutgoingMessage::text(to, "hello").unwrap();
        if !send.has_id && !send.twice {
            return Some(message);
        }
        let id = MessageId::parse(&format!("m-{}", self.sent.len())).unwrap();
        self.sent.push(Past {
            user,
            to,
            id: id.clone(),
        });
        Some(message.with_id(id))
    }

    fn sent(&mut self, user: usize, session: u64, to: Recipient, result: Result<Sent, Error>) {
        self.sends += 1;
        match result {
            Ok(sent) => self.history.push(Record::Sent {
                session,
                conversation: sent.conversation,
                seq: sent.seq,
                id: sent.id,
                duplicate: sent.duplicate,
            }),
            Err(error) => {
                let group = self
                    .groups
                    .iter()
                    .position(|&group| to == Recipient::Group(group));
                let is_stranger = group.is_some_and(|group| !self.members.contains(&(group, user)));
                assert!(is_stranger, "a member's message was refused: {error}");
                assert_eq!(error.code(), ErrorCode::Forbidden);
            }
        }
    }

    // ---- groups ----

    async fn join(&mut self, device: usize, group: usize) {
        let Some(open) = self.open.get(&device) else {
            return;
        };
        open.session.join_group(self.groups[group]).await.unwrap();
        if self.members.insert((group, device / 2)) {
            self.history.push(Record::Joined {
                user: self.users[device / 2].id,
                group: self.groups[group],
            });
        }
    }

    async fn leave(&mut self, device: usize, group: usize) {
        let Some(open) = self.open.get(&device) else {
            return;
        };
        if !self.members.remove(&(group, device / 2)) {
            return;
        }
        open.session.leave_group(self.groups[group]).await.unwrap();
        self.history.push(Record::Left {
            user: self.users[device / 2].id,
            group: self.groups[group],
        });
        let node = open.node;
        if self
            .open
            .get(&(device ^ 1))
            .is_some_and(|other| other.node != node)
        {
            // The other node may learn of it by pull only.
            sleep(Duration::from_millis(500)).await;
        }
    }

    // ---- reading ----

    async fn read(&mut self, device: usize, events: usize, acknowledges: bool) {
        let Some(mut open) = self.open.remove(&device) else {
            return;
        };
        let mut reached = HashMap::new();
        for _ in 0..events {
            let patience = Duration::from_millis(30);
            match timeout(patience, self.next(&mut open, &mut reached)).await {
                Ok(()) => {}
                Err(_) => break,
            }
        }
        if acknowledges {
            self.acknowledge(&open, reached).await;
        }
        self.open.insert(device, open);
    }

    async fn read_to_end(&mut self, device: usize) {
        let Some(mut open) = self.open.remove(&device) else {
            return;
        };
        let mut reached = HashMap::new();
        let patience = Duration::from_secs(2);
        while timeout(patience, self.next(&mut open, &mut reached))
            .await
            .is_ok()
        {}
        self.history.push(Record::ReadToEnd { session: open.number });
        self.acknowledge(&open, reached).await;
        self.open.insert(device, open);
    }

    async fn next(&mut self, open: &mut Open, reached: &mut HashMap<ConversationId, Seq>) {
        let event = open.session.next_event().await.expect("the session goes on");
        match event {
            Event::Message(message) => {
                reached.insert(message.conversation, message.seq);
                self.history.push(Record::Delivered {
                    session: open.number,
                    conversation: message.conversation,
                    seq: message.seq,
                    from: message.from.id,
                    id: message.id,
                });
            }
            // What was stored before the session began has come. What was sent since may come later.
            Event::Synced if self.sends == open.sends_before => {
                self.history.push(Record::ReadToEnd { session: open.number });
            }
            _ => {}
        }
    }

    async fn acknowledge(&mut self, open: &Open, reached: HashMap<ConversationId, Seq>) {
        for (conversation, seq) in reached {
            match open.session.ack(Ack { conversation, seq }).await {
                Ok(()) => self.history.push(Record::Acked {
                    session: open.number,
                    conversation,
                    seq,
                }),
                // Whoever has left a group has nothing to acknowledge there.
                Err(error) => assert_eq!(error.code(), ErrorCode::Forbidden),
            }
        }
    }

    // ---- the end ----

    /// Every device reads to the end, then does so again in a session on the other node.
    async fn finish(mut self) -> Vec<Violation> {
        let mut nodes = [0; DEVICES];
        for (device, node) in nodes.iter_mut().enumerate() {
            match self.open.get(&device) {
                Some(open) => *node = open.node,
                None => self.open(device, 0).await,
            }
        }
        for device in 0..DEVICES {
            self.read_to_end(device).await;
        }
        for (device, node) in nodes.into_iter().enumerate() {
            self.open(device, 1 - node).await;
            self.read_to_end(device).await;
        }
        self.open.clear();
        for chat in &self.chats {
            chat.shutdown().await;
        }
        self.history.violations()
    }
}
