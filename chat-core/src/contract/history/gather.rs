//! One order, each message once: what can be told without looking at sessions' positions.

use std::collections::HashMap;

use super::messages::{Messages, index};
use super::sends::{Key, Outcome, Sends};
use super::{Record, Violation};
use crate::types::{ConversationId, MessageId, Seq, UserId};

struct Gathering<'a> {
    users: HashMap<u64, UserId>,
    messages: Messages<'a>,
    sends: Sends<'a>,
    /// No number can be greater where there are no holes.
    most: usize,
    violations: Vec<Violation>,
}

/// Looks at all records once, and answers what is wrong with the messages by themselves.
pub(super) fn gather(records: &[Record]) -> (Messages<'_>, Vec<Violation>) {
    let mut gathering = Gathering {
        users: HashMap::new(),
        messages: Messages::default(),
        sends: Sends::default(),
        most: records.len(),
        violations: Vec::new(),
    };
    for (at, record) in records.iter().enumerate() {
        if let Err(violation) = gathering.take(record, at) {
            gathering.violations.push(violation);
        }
    }
    gathering.finish()
}

impl<'a> Gathering<'a> {
    fn take(&mut self, record: &'a Record, at: usize) -> Result<(), Violation> {
        match record {
            Record::Opened { session, user, .. } => {
                self.users.insert(*session, *user);
            }
            Record::Sending {
                session,
                conversation,
                id,
            } => self.tried(*session, *conversation, id, Outcome::Open, at)?,
            Record::Failed {
                session,
                conversation,
                id,
            } => self.tried(*session, *conversation, id, Outcome::Failed, at)?,
            Record::Sent {
                session,
                conversation,
                seq,
                id,
                duplicate,
            } => {
                let outcome = match duplicate {
                    true => Outcome::Duplicate,
                    false => Outcome::Stored,
                };
                self.tried(*session, *conversation, id, outcome, at)?;
                let user = self.key(*session, *conversation, id)?.user;
                self.seen(*conversation, *seq, user, Some(id), at)?;
            }
            Record::Refused {
                session,
                conversation,
                id,
            } => {
                let key = self.key(*session, *conversation, id)?;
                self.sends.refused(key);
            }
            Record::GivenUp {
                session,
                conversation,
                id,
            } => {
                let key = self.key(*session, *conversation, id)?;
                self.sends.given_up(key);
            }
            Record::Delivered {
                conversation,
                seq,
                from,
                id,
                ..
            } => self.seen(*conversation, *seq, *from, id.as_ref(), at)?,
            Record::Joining { .. } | Record::Joined { .. } | Record::Leaving { .. } | Record::Left { .. } => {
            }
            Record::Acked { .. } | Record::ReadToEnd { .. } => {}
        }
        Ok(())
    }

    fn tried(
        &mut self,
        session: u64,
        conversation: ConversationId,
        id: &'a MessageId,
        outcome: Outcome,
        at: usize,
    ) -> Result<(), Violation> {
        let key = self.key(session, conversation, id)?;
        self.sends.tried(key, session, outcome, at);
        Ok(())
    }

    fn key(
        &mut self,
        session: u64,
        conversation: ConversationId,
        id: &'a MessageId,
    ) -> Result<Key<'a>, Violation> {
        let user = *self
            .users
            .get(&session)
            .ok_or(Violation::UnknownSession { session })?;
        let place = self.messages.place_of_new(conversation);
        Ok(Key { place, user, id })
    }

    fn seen(
        &mut self,
        conversation: ConversationId,
        seq: Seq,
        from: UserId,
        id: Option<&'a MessageId>,
        at: usize,
    ) -> Result<(), Violation> {
        let place = self.messages.place_of_new(conversation);
        let Some(index) = index(seq).filter(|&index| index < self.most) else {
            let seq = seq.previous();
            return Err(Violation::Hole { conversation, seq });
        };
        let Some(of) = self.messages.conversations.get_mut(place) else {
            return Ok(());
        };
        let slot = of.slot_or_new(index, from, at);
        let news = id.filter(|&id| slot.id.is_none_or(|known| known != id));
        let is_shared = slot.from != from || (news.is_some() && slot.id.is_some());
        slot.id = slot.id.or(id);
        if let Some(id) = news {
            let first = self.sends.numbered(
                Key {
                    place,
                    user: from,
                    id,
                },
                seq,
            );
            if first != seq {
                self.violations.push(Violation::StoredTwice {
                    conversation,
                    id: id.clone(),
                    first,
                    second: seq,
                });
            }
        }
        match is_shared {
            true => Err(Violation::SharedNumber { conversation, seq }),
            false => Ok(()),
        }
    }

    fn finish(self) -> (Messages<'a>, Vec<Violation>) {
        let Self {
            mut messages,
            sends,
            mut violations,
            ..
        } = self;
        violations.extend(sends.settle(&mut messages.conversations));
        for conversation in &mut messages.conversations {
            conversation.order_beginnings();
            violations.extend(conversation.hole());
        }
        (messages, violations)
    }
}
