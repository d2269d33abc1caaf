//! What each session got, against what it had to get.

use std::collections::HashMap;

use super::memberships::{Memberships, Part};
use super::messages::{Conversation, Messages, Whose};
use super::{Record, Violation};
use crate::types::{ConversationId, Device, GroupId, Seq, UserId};

type Positions = HashMap<ConversationId, Seq>;

struct Session {
    user: UserId,
    device: Device,
    opened_at: usize,
    /// Where its device stood when it began.
    start: Positions,
    /// How far it has come, in the conversations of which it got anything.
    reached: Positions,
}

struct Deliveries<'a> {
    messages: &'a Messages<'a>,
    /// The conversations that have to be looked at for a user: their direct ones, and all groups.
    direct: HashMap<UserId, Vec<&'a Conversation<'a>>>,
    groups: Vec<&'a Conversation<'a>>,
    crashes: bool,
    sessions: HashMap<u64, Session>,
    acked: HashMap<(UserId, Device), Positions>,
    memberships: Memberships,
    /// Each group's last message seen so far.
    latest: HashMap<GroupId, Seq>,
    violations: Vec<Violation>,
}

/// Looks at all records once more, now that it is known who sent what.
pub(super) fn violations<'a>(
    records: &[Record],
    messages: &'a Messages<'a>,
    crashes: bool,
) -> Vec<Violation> {
    let mut deliveries = Deliveries::new(messages, crashes);
    for (at, record) in records.iter().enumerate() {
        if let Err(violation) = deliveries.take(record, at) {
            deliveries.violations.push(violation);
        }
    }
    deliveries.find_strangers();
    deliveries.violations
}

impl<'a> Deliveries<'a> {
    fn new(messages: &'a Messages<'a>, crashes: bool) -> Self {
        let mut direct = HashMap::<_, Vec<_>>::new();
        for of in messages.iter() {
            if let Some((low, high)) = of.id.users() {
                direct.entry(low).or_default().push(of);
                if low != high {
                    direct.entry(high).or_default().push(of);
                }
            }
        }
        Self {
            messages,
            direct,
            groups: messages.iter().filter(|of| of.id.as_group().is_some()).collect(),
            crashes,
            sessions: HashMap::new(),
            acked: HashMap::new(),
            memberships: Memberships::default(),
            latest: HashMap::new(),
            violations: Vec::new(),
        }
    }

    fn take(&mut self, record: &Record, at: usize) -> Result<(), Violation> {
        match record {
            Record::Opened {
                session,
                user,
                device,
            } => self.open(*session, *user, device, at),
            Record::Joining { user, group } => {
                self.memberships.joining(*group, *user, self.latest(*group));
            }
            Record::Joined { user, group } => {
                let of = self.messages.get(ConversationId::group(*group));
                self.memberships
                    .joined(*group, *user, self.latest(*group), at, of);
            }
            Record::Leaving { user, group } => self.memberships.leaving(*group, *user),
            Record::Left { user, group } => {
                let of = self.messages.get(ConversationId::group(*group));
                self.memberships.left(*group, *user, at, of);
            }
            Record::Sent {
                conversation, seq, ..
            } => self.seen(*conversation, *seq),
            Record::Delivered {
                session,
                conversation,
                seq,
                ..
            } => {
                self.seen(*conversation, *seq);
                self.delivered(*session, *conversation, *seq)?;
            }
            Record::Acked {
                session,
                conversation,
                seq,
            } => self.acked(*session, *conversation, *seq)?,
            Record::ReadToEnd { session } => self.read_to_end(*session, at)?,
            Record::Sending { .. }
            | Record::Failed { .. }
            | Record::Refused { .. }
            | Record::GivenUp { .. } => {}
        }
        Ok(())
    }

    fn latest(&self, group: GroupId) -> Seq {
        self.latest.get(&group).copied().unwrap_or_default()
    }

    fn seen(&mut self, conversation: ConversationId, seq: Seq) {
        if let Some(group) = conversation.as_group() {
            let latest = self.latest.entry(group).or_default();
            *latest = seq.max(*latest);
        }
    }

    /// A device that was never seen starts where its user's furthest device stands.
    fn open(&mut self, session: u64, user: UserId, device: &Device, at: usize) {
        let key = (user, device.clone());
        if !self.acked.contains_key(&key) {
            let mut furthest = Positions::new();
            let devices = self.acked.iter().filter(|((owner, _), _)| *owner == user);
            for (&conversation, &seq) in devices.flat_map(|(_, positions)| positions) {
                let position = furthest.entry(conversation).or_default();
                *position = seq.max(*position);
            }
            self.acked.insert(key.clone(), furthest);
        }
        let opened = Session {
            user,
            device: device.clone(),
            opened_at: at,
            start: self.acked.get(&key).cloned().unwrap_or_default(),
            reached: Positions::new(),
        };
        self.sessions.insert(session, opened);
    }

    fn acked(&mut self, session: u64, conversation: ConversationId, seq: Seq) -> Result<(), Violation> {
        let Session { user, device, .. } = find(&self.sessions, session)?;
        let key = (*user, device.clone());
        let positions = self.acked.entry(key).or_default();
        let position = positions.entry(conversation).or_default();
        *position = seq.max(*position);
        Ok(())
    }

    fn delivered(&mut self, session: u64, conversation: ConversationId, got: Seq) -> Result<(), Violation> {
        let reader = find(&self.sessions, session)?;
        let (user, position) = (reader.user, reader.position(conversation));
        let part = self.part(reader, conversation);
        let (Some(part), Some(of)) = (
            part.filter(|part| got > part.after),
            self.messages.get(conversation),
        ) else {
            return Err(Violation::NotEntitled {
                session,
                conversation,
                seq: got,
            });
        };
        if of.whose(session, got) == Some(Whose::Own) {
            return Err(Violation::OwnDelivered {
                session,
                conversation,
                seq: got,
            });
        }
        let begins = self.crashes && !reader.reached.contains_key(&conversation);
        if got <= position && !begins {
            let from = position.max(part.owed_after.unwrap_or_default());
            return Err(Violation::Repeated {
                session,
                conversation,
                expected: next_due(of, session, from),
                got,
            });
        }
        if let Some(reader) = self.sessions.get_mut(&session) {
            reader.reached.insert(conversation, got);
        }
        let from = part.owed_after.map_or(got, |owed_after| position.max(owed_after));
        let expected = next_due(of, session, from);
        if expected < got {
            return Err(Violation::Skipped {
                session,
                conversation,
                expected,
                got,
            });
        }
        if let Some(group) = conversation.as_group()
            && part.tells
            && part.owed_after != Some(part.after)
        {
            let skipped = last_due(of, session, position, got);
            self.memberships.narrow(group, user, skipped, got.previous());
        }
        Ok(())
    }

    fn read_to_end(&mut self, session: u64, at: usize) -> Result<(), Violation> {
        let reader = find(&self.sessions, session)?;
        let direct = self.direct.get(&reader.user).into_iter().flatten();
        for &of in direct.chain(&self.groups) {
            let part = self.part(reader, of.id).filter(|part| part.stays);
            let Some(owed_after) = part.and_then(|part| part.owed_after) else {
                continue;
            };
            let mut due = of.messages_after(reader.position(of.id).max(owed_after));
            let missing = due.find(|(_, slot)| slot.known_at < at && slot.whose(session).is_none());
            self.violations.extend(missing.map(|(seq, _)| Violation::Lost {
                session,
                conversation: of.id,
                seq,
            }));
        }
        Ok(())
    }

    fn part(&self, reader: &Session, conversation: ConversationId) -> Option<Part> {
        match conversation.as_group() {
            Some(group) => self
                .memberships
                .part(group, reader.user, reader.opened_at, self.crashes),
            None => conversation.other(reader.user).map(|_| Part::WHOLE),
        }
    }

    fn find_strangers(&mut self) {
        for of in self.messages.iter() {
            let may_write = |user: UserId, seq| match of.id.as_group() {
                Some(group) => self.memberships.may_write(group, user, seq),
                None => of.id.other(user).is_some(),
            };
            let strange = of.messages().filter(|(seq, slot)| !may_write(slot.from, *seq));
            self.violations
                .extend(strange.map(|(seq, slot)| Violation::WrittenByStranger {
                    user: slot.from,
                    conversation: of.id,
                    seq,
                }));
        }
    }
}

impl Session {
    fn position(&self, conversation: ConversationId) -> Seq {
        let reached = self.reached.get(&conversation);
        let position = reached.or_else(|| self.start.get(&conversation));
        position.copied().unwrap_or_default()
    }
}

fn find(sessions: &HashMap<u64, Session>, session: u64) -> Result<&Session, Violation> {
    sessions
        .get(&session)
        .ok_or(Violation::UnknownSession { session })
}

/// The next message that a session has to get: it is not told of what it sent.
fn next_due(of: &Conversation<'_>, session: u64, after: Seq) -> Seq {
    let mut next = after.next();
    while of.whose(session, next).is_some() {
        next = next.next();
    }
    next
}

/// The last message between two that a session would have to get, were it owed to it; 0 for none.
fn last_due(of: &Conversation<'_>, session: u64, after: Seq, before: Seq) -> Seq {
    let mut last = before.previous();
    while last > after && of.whose(session, last).is_some() {
        last = last.previous();
    }
    if last > after { last } else { Seq::ZERO }
}
