//! What each session got, against what it had to get.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{Record, Violation};
use crate::types::{ConversationId, Device, GroupId, Seq, UserId};

type Positions = HashMap<ConversationId, Seq>;

struct Session {
    user: UserId,
    device: Device,
    /// Where its device stood when it began.
    start: Positions,
    /// How far it has come, in the conversations of which it got anything.
    reached: Positions,
}

struct Deliveries {
    crashes: bool,
    /// What a session sent itself. It may be answered after a later message was delivered, so it is
    /// gathered before anything is judged.
    own: HashSet<(u64, ConversationId, Seq)>,
    /// What a session sent again: it may get it or not.
    repeated: HashSet<(u64, ConversationId, Seq)>,
    sessions: HashMap<u64, Session>,
    acked: HashMap<(UserId, Device), Positions>,
    /// The last message of the group when the member joined.
    members: HashMap<(GroupId, UserId), Seq>,
    sent: HashMap<ConversationId, BTreeSet<Seq>>,
    violations: Vec<Violation>,
}

pub(super) fn violations(records: &[Record], crashes: bool) -> Vec<Violation> {
    let mut deliveries = Deliveries {
        crashes,
        own: sends(records, false),
        repeated: sends(records, true),
        sessions: HashMap::new(),
        acked: HashMap::new(),
        members: HashMap::new(),
        sent: HashMap::new(),
        violations: Vec::new(),
    };
    for record in records {
        if let Err(violation) = deliveries.take(record) {
            deliveries.violations.push(violation);
        }
    }
    deliveries.violations
}

fn sends(records: &[Record], repeated: bool) -> HashSet<(u64, ConversationId, Seq)> {
    let sends = records.iter().filter_map(|record| match record {
        Record::Sent {
            session,
            conversation,
            seq,
            duplicate,
            ..
        } if *duplicate == repeated => Some((*session, *conversation, *seq)),
        _ => None,
    });
    sends.collect()
}

impl Deliveries {
    fn take(&mut self, record: &Record) -> Result<(), Violation> {
        match record {
            Record::Opened {
                session,
                user,
                device,
            } => self.open(*session, *user, device),
            Record::Joined { user, group } => {
                let joined = self.last_sent(ConversationId::group(*group));
                self.members.entry((*group, *user)).or_insert(joined);
            }
            Record::Left { user, group } => {
                self.members.remove(&(*group, *user));
            }
            Record::Sent {
                session,
                conversation,
                seq,
                duplicate,
                ..
            } => {
                self.sent.entry(*conversation).or_default().insert(*seq);
                let (session, conversation, seq) = (*session, *conversation, *seq);
                if !duplicate && !self.takes_part(self.session(session)?.user, conversation) {
                    return Err(Violation::WrittenByStranger {
                        session,
                        conversation,
                        seq,
                    });
                }
            }
            Record::Unanswered { .. } => {}
            Record::Delivered {
                session,
                conversation,
                seq,
                ..
            } => self.delivered(*session, *conversation, *seq)?,
            Record::Acked {
                session,
                conversation,
                seq,
            } => self.acked(*session, *conversation, *seq)?,
            Record::ReadToEnd { session } => self.read_to_end(*session)?,
        }
        Ok(())
    }

    fn session(&self, session: u64) -> Result<&Session, Violation> {
        self.sessions
            .get(&session)
            .ok_or(Violation::UnknownSession { session })
    }

    /// A device that was never seen starts where its user's furthest device stands.
    fn open(&mut self, session: u64, user: UserId, device: &Device) {
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
            start: self.acked.get(&key).cloned().unwrap_or_default(),
            reached: Positions::new(),
        };
        self.sessions.insert(session, opened);
    }

    fn acked(&mut self, session: u64, conversation: ConversationId, seq: Seq) -> Result<(), Violation> {
        let Session { user, device, .. } = self.session(session)?;
        let key = (*user, device.clone());
        let position = self
            .acked
            .entry(key)
            .or_default()
            .entry(conversation)
            .or_default();
        *position = seq.max(*position);
        Ok(())
    }

    fn delivered(&mut self, session: u64, conversation: ConversationId, got: Seq) -> Result<(), Violation> {
        let reader = self.session(session)?;
        if !self.takes_part(reader.user, conversation) {
            return Err(Violation::NotEntitled {
                session,
                conversation,
                seq: got,
            });
        }
        if self.own.contains(&(session, conversation, got)) {
            return Err(Violation::OwnDelivered {
                session,
                conversation,
                seq: got,
            });
        }
        let expected = self.next_due(session, reader, conversation, got);
        let is_first = !reader.reached.contains_key(&conversation);
        let begins_anew = is_first && self.crashes && got <= expected;
        let reached = self.position(reader, conversation).max(got);
        let reached = if begins_anew { got } else { reached };
        if let Some(reader) = self.sessions.get_mut(&session) {
            reader.reached.insert(conversation, reached);
        }
        if got == expected || begins_anew {
            Ok(())
        } else if got > expected {
            Err(Violation::Skipped {
                session,
                conversation,
                expected,
                got,
            })
        } else {
            Err(Violation::Repeated {
                session,
                conversation,
                expected,
                got,
            })
        }
    }

    /// The next message that a session has to get, where `got` came.
    fn next_due(&self, session: u64, reader: &Session, conversation: ConversationId, got: Seq) -> Seq {
        let mut next = self.position(reader, conversation).next();
        loop {
            let key = (session, conversation, next);
            let passed = self.own.contains(&key) || (next != got && self.repeated.contains(&key));
            if !passed {
                return next;
            }
            next = next.next();
        }
    }

    fn read_to_end(&mut self, session: u64) -> Result<(), Violation> {
        let reader = self.session(session)?;
        let mut lost = Vec::new();
        for (&conversation, sent) in &self.sent {
            if !self.takes_part(reader.user, conversation) {
                continue;
            }
            let missing = sent
                .range(self.position(reader, conversation).next()..)
                .find(|&&seq| {
                    let key = (session, conversation, seq);
                    !self.own.contains(&key) && !self.repeated.contains(&key)
                });
            lost.extend(missing.map(|&seq| Violation::Lost {
                session,
                conversation,
                seq,
            }));
        }
        self.violations.append(&mut lost);
        Ok(())
    }

    /// How far a session has come; in a group at least to where its user joined.
    fn position(&self, reader: &Session, conversation: ConversationId) -> Seq {
        let reached = reader.reached.get(&conversation);
        let reached = reached.or_else(|| reader.start.get(&conversation));
        let joined = conversation
            .as_group()
            .and_then(|group| self.members.get(&(group, reader.user)));
        reached.max(joined).copied().unwrap_or_default()
    }

    fn takes_part(&self, user: UserId, conversation: ConversationId) -> bool {
        match conversation.as_group() {
            Some(group) => self.members.contains_key(&(group, user)),
            None => conversation.other(user).is_some(),
        }
    }

    fn last_sent(&self, conversation: ConversationId) -> Seq {
        let sent = self.sent.get(&conversation);
        sent.and_then(BTreeSet::last).copied().unwrap_or_default()
    }
}
