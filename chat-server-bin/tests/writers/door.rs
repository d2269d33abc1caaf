//! A group that a writer enters and leaves all the time, while others write there.

use std::time::Duration;

use chat_core::contract::history::Record;
use chat_core::types::{ConversationId, GroupId, Seq, UserId};
use serde_json::{Value, json};
use tokio::time::Instant;

/// The time between two changes, in milliseconds.
const PAUSE: std::ops::Range<u64> = 300..1_500;

/// The `ref` of its requests.
pub(super) const REF: &str = "door";

#[derive(Debug)]
pub(super) struct Door {
    user: UserId,
    group: GroupId,
    is_inside: bool,
    /// What the group had when its user came in: of what came later all is theirs.
    owed_after: Seq,
    /// A change was asked for and has no clear answer yet.
    is_changing: bool,
    /// It was asked for more than once, so the first time may have done it.
    is_repeated: bool,
    /// The request went out on the session that goes on.
    sent_at: Option<Instant>,
    due: Instant,
}

impl Door {
    pub(super) fn new(user: UserId, group: GroupId) -> Self {
        Self {
            user,
            group,
            is_inside: true,
            owed_after: Seq::ZERO,
            is_changing: false,
            is_repeated: false,
            sent_at: None,
            due: Instant::now(),
        }
    }

    pub(super) const fn conversation(&self) -> ConversationId {
        ConversationId::group(self.group)
    }

    pub(super) fn recipient(&self) -> Value {
        json!({"group": self.group})
    }

    /// Whether its user may write there.
    pub(super) const fn is_open(&self) -> bool {
        self.is_inside && !self.is_changing
    }

    /// After which message its user has to get all of the group's; `None` where they may be outside.
    pub(super) fn owed_after(&self) -> Option<Seq> {
        self.is_open().then_some(self.owed_after)
    }

    pub(super) const fn is_changing(&self) -> bool {
        self.is_changing
    }

    pub(super) const fn waits_since(&self) -> Option<Instant> {
        self.sent_at
    }

    /// When the next request is due; `begins` tells whether a new change may begin.
    pub(super) fn next_due(&self, begins: bool) -> Option<Instant> {
        (self.sent_at.is_none() && (self.is_changing || begins)).then_some(self.due)
    }

    /// The next request, with what to write down before it goes out.
    pub(super) fn next(&mut self, begins: bool) -> Option<(Record, Value)> {
        let now = Instant::now();
        self.next_due(begins).filter(|&due| due <= now)?;
        self.is_repeated = self.is_changing;
        self.is_changing = true;
        self.sent_at = Some(now);
        let (user, group) = (self.user, self.group);
        Some(if self.is_inside {
            let request = json!({"type": "leave_group", "ref": REF, "group": group});
            (Record::Leaving { user, group }, request)
        } else {
            let request = json!({"type": "join_group", "ref": REF, "group": group});
            (Record::Joining { user, group }, request)
        })
    }

    pub(super) const fn cut_off(&mut self) {
        self.sent_at = None;
    }

    /// The request can be made again at a time; answers when it went out.
    pub(super) fn failed(&mut self, due: Instant) -> Instant {
        self.due = due;
        self.sent_at.take().expect("what is answered went out")
    }

    /// The request was answered when the group had come as far as `head`; answers what to write down, and when it went
    /// out.
    pub(super) fn changed(
        &mut self,
        answer: &Value,
        head: Seq,
        random: &mut fastrand::Rng,
    ) -> (Record, Instant) {
        let expected = if self.is_inside {
            "group_left"
        } else {
            "group_joined"
        };
        let is_late = self.is_inside && self.is_repeated && answer["code"] == "forbidden";
        assert!(
            answer["type"] == expected || is_late,
            "{expected} expected: {answer}"
        );
        self.is_inside = !self.is_inside;
        self.is_changing = false;
        self.owed_after = head;
        self.due = Instant::now() + Duration::from_millis(random.u64(PAUSE));
        let (user, group) = (self.user, self.group);
        let record = if self.is_inside {
            Record::Joined { user, group }
        } else {
            Record::Left { user, group }
        };
        (record, self.sent_at.take().expect("what is answered went out"))
    }
}
