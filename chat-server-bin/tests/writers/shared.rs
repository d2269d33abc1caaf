//! What all writers write down.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use chat_core::contract::history::{History, Record};
use chat_core::types::{ConversationId, Seq, UserId};
use tokio::sync::watch;

use super::wire::Fronts;

/// What the writers have to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing new, for the so-manieth time; what has no answer is sent again.
    Rest(u64),
    /// Write on and on.
    Write,
    /// Rest, begin a new session for the so-manieth time, and read all there is.
    Reopen(u64),
}

/// Counts of what happened so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    /// Sessions that came as far as `synced`.
    pub(crate) sessions: usize,
    /// Of these, how many ended without a goodbye.
    pub(crate) losses: usize,
    /// Of these, how many ended with which goodbye.
    pub(crate) goodbyes: BTreeMap<String, usize>,
    /// Goodbyes that say when to come back.
    pub(crate) goodbyes_with_a_time: usize,
    /// Sends that were answered with `sent`, and of these the duplicates.
    pub(crate) sent: usize,
    pub(crate) duplicates: usize,
    /// Sends that had no answer when their connection ended.
    pub(crate) cut_off: usize,
    /// Requests that were answered with `unavailable`; each says when to try again.
    pub(crate) unavailable: usize,
    /// The longest time that any answer took, of whatever kind.
    pub(crate) slowest_answer: Duration,
    /// Connections that were given up because no answer came.
    pub(crate) silent: usize,
    /// Events `message`.
    pub(crate) delivered: usize,
    /// Times that somebody joined or left a group.
    pub(crate) membership_changes: usize,
    /// Sessions in which somebody read to the end.
    pub(super) read_to_end: usize,
}

/// How one writer stands.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Standing {
    /// What it last knew that it has to do.
    pub(super) phase: Option<Phase>,
    /// It has a session, in which all that was stored before has come.
    pub(super) is_live: bool,
    /// Requests that have to be made again or are not answered.
    pub(super) pending: usize,
    /// It got everything that was sent to it.
    pub(super) is_up_to_date: bool,
}

/// What the writers know together.
#[derive(Debug)]
pub(super) struct Log {
    history: History,
    pub(super) report: Report,
    pub(super) standings: Vec<Standing>,
    sessions: u64,
    direct_heads: HashMap<UserId, HashMap<ConversationId, Seq>>,
    group_heads: HashMap<ConversationId, Seq>,
}

#[derive(Debug)]
pub(super) struct Shared {
    log: Mutex<Log>,
    pub(super) fronts: Fronts,
    pub(super) phase: watch::Sender<Phase>,
}

impl Shared {
    pub(super) fn new(fronts: Fronts) -> Self {
        Self {
            log: Mutex::new(Log {
                history: History::with_crashes(),
                report: Report::default(),
                standings: Vec::new(),
                sessions: 0,
                direct_heads: HashMap::new(),
                group_heads: HashMap::new(),
            }),
            fronts,
            phase: watch::Sender::new(Phase::Rest(0)),
        }
    }

    pub(super) fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().expect("no writer has failed")
    }
}

impl Log {
    pub(super) fn next_session(&mut self) -> u64 {
        self.sessions += 1;
        self.sessions
    }

    pub(super) fn push(&mut self, record: Record) {
        match &record {
            Record::Sent {
                conversation, seq, ..
            } => self.head_moved(*conversation, *seq),
            Record::Delivered { .. } => self.report.delivered += 1,
            Record::ReadToEnd { .. } => self.report.read_to_end += 1,
            _ => {}
        }
        self.history.push(record);
    }

    fn head_moved(&mut self, conversation: ConversationId, seq: Seq) {
        let Some((low, high)) = conversation.users() else {
            let head = self.group_heads.entry(conversation).or_default();
            *head = seq.max(*head);
            return;
        };
        for user in [low, high] {
            let heads = self.direct_heads.entry(user).or_default();
            let head = heads.entry(conversation).or_default();
            *head = seq.max(*head);
        }
    }

    /// The last messages of a user's direct conversations.
    pub(super) fn direct_heads(&self, user: UserId) -> impl Iterator<Item = (ConversationId, Seq)> {
        let heads = self.direct_heads.get(&user).into_iter().flatten();
        heads.map(|(&conversation, &seq)| (conversation, seq))
    }

    pub(super) fn group_head(&self, conversation: ConversationId) -> Seq {
        self.group_heads.get(&conversation).copied().unwrap_or_default()
    }

    pub(super) const fn history(&self) -> &History {
        &self.history
    }
}
