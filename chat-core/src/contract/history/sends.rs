//! What became of each send, however often it was tried.

use std::collections::HashMap;

use super::Violation;
use super::messages::{Conversation, Whose};
use crate::types::{ConversationId, MessageId, Seq, UserId};

/// How an attempt ended; of several in one session, the greatest counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outcome {
    Open,
    Failed,
    Duplicate,
    Stored,
}

#[derive(Debug)]
struct Attempt {
    session: u64,
    is_first: bool,
    outcome: Outcome,
}

#[derive(Debug, Default)]
struct Send {
    seq: Option<Seq>,
    begun_at: Option<usize>,
    attempts: Vec<Attempt>,
    refused: bool,
    given_up: bool,
}

/// All sends, by the place of their conversation, their sender and their id.
#[derive(Debug, Default)]
pub(super) struct Sends<'a>(HashMap<(usize, UserId, &'a MessageId), Send>);

/// One send of somebody.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key<'a> {
    pub(super) place: usize,
    pub(super) user: UserId,
    pub(super) id: &'a MessageId,
}

impl<'a> Sends<'a> {
    fn entry(&mut self, key: Key<'a>) -> &mut Send {
        self.0.entry((key.place, key.user, key.id)).or_default()
    }

    /// Notes a message's number; answers the one that was noted first.
    pub(super) fn numbered(&mut self, key: Key<'a>, seq: Seq) -> Seq {
        *self.entry(key).seq.get_or_insert(seq)
    }

    /// Notes an attempt, or how it ended.
    pub(super) fn tried(&mut self, key: Key<'a>, session: u64, outcome: Outcome, at: usize) {
        let send = self.entry(key);
        send.begun_at.get_or_insert(at);
        if let Some(attempt) = send.attempts.iter_mut().find(|old| old.session == session) {
            attempt.outcome = attempt.outcome.max(outcome);
            return;
        }
        send.attempts.push(Attempt {
            session,
            is_first: send.attempts.is_empty(),
            outcome,
        });
    }

    pub(super) fn refused(&mut self, key: Key<'a>) {
        self.entry(key).refused = true;
    }

    pub(super) fn given_up(&mut self, key: Key<'a>) {
        self.entry(key).given_up = true;
    }

    /// Tells the conversations who sent what, and what is wrong with the sends by themselves.
    pub(super) fn settle(self, conversations: &mut [Conversation<'a>]) -> Vec<Violation> {
        let mut violations = Vec::new();
        for ((place, user, id), send) in self.0 {
            let Some(conversation) = conversations.get_mut(place) else {
                continue;
            };
            violations.extend(send.violation(conversation.id, user, id));
            match send.seq.and_then(|seq| conversation.slot_mut(seq)) {
                Some(slot) => {
                    slot.begun_at = send.begun_at.map(|at| at.min(slot.known_at));
                    slot.senders = send.attempts.iter().map(Attempt::whose).collect();
                }
                None if !send.refused => conversation.lost_sends += 1,
                None => {}
            }
        }
        violations
    }
}

impl Send {
    fn violation(&self, conversation: ConversationId, user: UserId, id: &MessageId) -> Option<Violation> {
        match self.seq {
            Some(seq) if self.refused => {
                return Some(Violation::StoredThoughRefused { conversation, seq });
            }
            _ => {}
        }
        let is_answered = self.attempts.iter().any(Attempt::is_answered);
        let is_open = !self.attempts.is_empty() && !is_answered && !self.refused && !self.given_up;
        is_open.then(|| Violation::NeverAnswered {
            user,
            conversation,
            id: id.clone(),
        })
    }
}

impl Attempt {
    fn is_answered(&self) -> bool {
        self.outcome >= Outcome::Duplicate
    }

    /// Nobody but the session that tried first, or stored it, can be sure of having stored it.
    fn whose(&self) -> (u64, Whose) {
        let whose = match self.outcome {
            Outcome::Stored => Whose::Own,
            Outcome::Open if self.is_first => Whose::Own,
            Outcome::Open | Outcome::Failed | Outcome::Duplicate => Whose::PerhapsOwn,
        };
        (self.session, whose)
    }
}
