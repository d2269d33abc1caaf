//! One device that writes, comes back after every loss, and writes down what it sees.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chat_core::contract::history::Record;
use chat_core::types::{ConversationId, Device, GroupId, MessageId, Seq, UserId};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::door::Door;
use super::outbox::{Outbox, Pending};
use super::session;
use super::shared::{Shared, Standing};

/// The pause after a loss, in milliseconds; it doubles with every further one up to its end.
const PAUSES: std::ops::Range<u64> = 20..160;

/// Who a writer is, and to whom they write.
#[derive(Clone, Debug)]
pub(super) struct Role {
    pub(super) user: UserId,
    pub(super) device: Device,
    pub(super) users: Arc<[UserId]>,
    /// Of which it is a member for good, at least two: everybody's, its own, perhaps the door's.
    pub(super) groups: Vec<GroupId>,
    /// The time from one new send to the next; `None` for who writes nothing.
    pub(super) pause: Option<Duration>,
}

/// Why a session ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// The connection was lost or refused; the server may have said how long to wait.
    Lost(Option<Duration>),
    /// To begin another one.
    ByItself,
}

#[derive(Debug)]
pub(super) struct Writer {
    pub(super) role: Role,
    pub(super) token: String,
    pub(super) door: Option<Door>,
    pub(super) random: fastrand::Rng,
    pub(super) outbox: Outbox,
    pub(super) next_new: Instant,
    pub(super) shared: Arc<Shared>,
    /// Its place among the writers.
    pub(super) place: usize,
    /// What it acknowledged, on any session.
    pub(super) acked: HashMap<ConversationId, Seq>,
    /// How often it was asked to begin a new session, and whether it has still to read that one.
    pub(super) reopened: u64,
    pub(super) has_to_read: bool,
    made: u64,
}

impl Writer {
    pub(super) fn new(
        role: Role,
        token: String,
        door: Option<GroupId>,
        shared: Arc<Shared>,
        place: usize,
        random: fastrand::Rng,
    ) -> Self {
        Self {
            door: door.map(|group| Door::new(role.user, group)),
            role,
            token,
            random,
            outbox: Outbox::default(),
            next_new: Instant::now(),
            shared,
            place,
            acked: HashMap::new(),
            reopened: 0,
            has_to_read: false,
            made: 0,
        }
    }

    /// One session after the other, until the task is dropped.
    pub(super) async fn run(mut self) {
        let mut pause = PAUSES.start;
        loop {
            let begun = Instant::now();
            let ended = session::run(&mut self).await;
            self.note_end();
            let Ended::Lost(advice) = ended else {
                pause = PAUSES.start;
                continue;
            };
            if begun.elapsed() > Duration::from_secs(1) {
                pause = PAUSES.start;
            }
            let wait = Duration::from_millis(self.random.u64(pause..pause * 2));
            sleep(wait.max(advice.unwrap_or_default())).await;
            pause = (pause * 2).min(PAUSES.end);
        }
    }

    fn note_end(&mut self) {
        let cut_off = self.outbox.cut_off();
        if let Some(door) = &mut self.door {
            door.cut_off();
        }
        let mut log = self.shared.log();
        log.report.cut_off += cut_off;
        log.standings[self.place] = Standing::default();
    }

    pub(super) fn push(&self, record: Record) {
        self.shared.log().push(record);
    }

    /// Something new, to somebody.
    pub(super) fn make_send(&mut self) {
        self.made += 1;
        let id = format!("{}-{}", self.role.user, self.made);
        let id = MessageId::parse(&id).expect("ids are short");
        let door = self.door.as_ref().filter(|door| door.is_open());
        let (to, conversation) = match (self.random.u8(..10), door) {
            (0..2, Some(door)) => (door.recipient(), door.conversation()),
            (0, None) => to_group(self.role.groups[0]),
            (..5, _) => to_group(self.role.groups[1]),
            (5, _) if self.role.groups.len() > 2 => to_group(self.role.groups[2]),
            _ => {
                let other = *self.random.choice(&*self.role.users).expect("there are users");
                let conversation = ConversationId::direct(self.role.user, other);
                (json!({"user": other}), conversation)
            }
        };
        self.outbox.add(Pending::new(id, to, conversation));
    }
}

fn to_group(group: GroupId) -> (Value, ConversationId) {
    (json!({"group": group}), ConversationId::group(group))
}
