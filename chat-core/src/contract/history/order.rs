//! One order, each message once: what can be told without looking at sessions' positions.

use std::collections::{BTreeSet, HashMap};

use super::{Record, Violation};
use crate::types::{ConversationId, MessageId, Seq, UserId};

/// What is known of the messages, whoever saw them.
#[derive(Default)]
struct Messages<'a> {
    by_id: HashMap<(ConversationId, UserId, &'a MessageId), Seq>,
    by_seq: HashMap<(ConversationId, Seq), (UserId, Option<&'a MessageId>)>,
    numbers: HashMap<ConversationId, BTreeSet<Seq>>,
    unanswered: HashMap<ConversationId, usize>,
    violations: Vec<Violation>,
}

pub(super) fn violations(records: &[Record]) -> Vec<Violation> {
    let mut users = HashMap::new();
    let mut messages = Messages::default();
    for record in records {
        match record {
            Record::Opened { session, user, .. } => {
                users.insert(*session, *user);
            }
            Record::Sent {
                session,
                conversation,
                seq,
                id,
                ..
            } => match users.get(session) {
                Some(&user) => messages.seen(*conversation, *seq, user, Some(id)),
                None => messages
                    .violations
                    .push(Violation::UnknownSession { session: *session }),
            },
            Record::Delivered {
                conversation,
                seq,
                from,
                id,
                ..
            } => messages.seen(*conversation, *seq, *from, id.as_ref()),
            Record::Unanswered { conversation } => {
                *messages.unanswered.entry(*conversation).or_default() += 1;
            }
            Record::Joined { .. } | Record::Left { .. } | Record::Acked { .. } | Record::ReadToEnd { .. } => {
            }
        }
    }
    messages.find_holes();
    messages.violations
}

impl<'a> Messages<'a> {
    fn seen(&mut self, conversation: ConversationId, seq: Seq, from: UserId, id: Option<&'a MessageId>) {
        self.numbers.entry(conversation).or_default().insert(seq);
        let known = self.by_seq.entry((conversation, seq)).or_insert((from, id));
        let same_id = known.1.is_none() || id.is_none() || known.1 == id;
        if known.0 != from || !same_id {
            self.violations
                .push(Violation::SharedNumber { conversation, seq });
        }
        known.1 = known.1.or(id);
        let Some(id) = id else { return };
        let first = *self.by_id.entry((conversation, from, id)).or_insert(seq);
        if first != seq {
            self.violations.push(Violation::StoredTwice {
                conversation,
                id: id.clone(),
                first,
                second: seq,
            });
        }
    }

    fn find_holes(&mut self) {
        for (&conversation, numbers) in &self.numbers {
            let last = numbers.last().map_or(0, |seq| seq.get());
            let holes = last.saturating_sub(numbers.len() as u64);
            let allowed = self.unanswered.get(&conversation).copied().unwrap_or(0) as u64;
            if holes > allowed {
                let mut seq = Seq::ZERO.next();
                while numbers.contains(&seq) {
                    seq = seq.next();
                }
                self.violations.push(Violation::Hole { conversation, seq });
            }
        }
    }
}
