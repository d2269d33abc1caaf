//! Any history of sound use passes, and any single defect in its deliveries is found.

use std::collections::{HashMap, VecDeque};

use proptest::prelude::*;

use super::*;

const USERS: u64 = 4;

/// One step of some use of a chat: who does it, and what.
#[derive(Clone, Debug)]
enum Step {
    /// Sends to a user, or to the group; with `lost` the answer is lost and it is sent again.
    Send { to: Option<u64>, lost: bool },
    /// Reads what is there, and acknowledges some of it.
    Read { acknowledges: bool },
    /// Begins a new session.
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<(u64, Step)>> {
    let to = prop_oneof![Just(None), (1..=USERS).prop_map(Some)];
    let step = prop_oneof![
        5 => (to, any::<bool>()).prop_map(|(to, lost)| Step::Send { to, lost: lost && to != Some(1) }),
        3 => any::<bool>().prop_map(|acknowledges| Step::Read { acknowledges }),
        1 => Just(Step::Reopen),
    ];
    prop::collection::vec((1..=USERS, step), 1..50)
}

/// A chat that does what it has to, as simply as that can be written.
#[derive(Default)]
struct Model {
    records: Vec<Record>,
    stored: HashMap<ConversationId, Vec<(u64, u64, MessageId)>>,
    /// Each user's session, and what it has still to get.
    sessions: HashMap<u64, (u64, VecDeque<(ConversationId, Seq)>)>,
    acked: HashMap<(u64, ConversationId), Seq>,
    opened: u64,
    ids: u64,
}

impl Model {
    fn of(steps: &[(u64, Step)]) -> Vec<Record> {
        let mut model = Self::default();
        for id in 1..=USERS {
            model.records.push(Record::Joined {
                user: user(id),
                group: group(),
            });
        }
        (1..=USERS).for_each(|user| model.reopen(user));
        for (user, step) in steps {
            match step {
                Step::Send { to, lost } => model.send(*user, *to, *lost),
                Step::Read { acknowledges } => model.read(*user, *acknowledges),
                Step::Reopen => model.reopen(*user),
            }
        }
        for user in 1..=USERS {
            model.read(user, false);
            let session = model.sessions[&user].0;
            model.records.push(read_to_end(session));
        }
        model.records
    }

    fn reopen(&mut self, owner: u64) {
        self.opened += 1;
        self.records.push(opened(self.opened, owner));
        let mut due = VecDeque::new();
        for (&conversation, messages) in &self.stored {
            let acked = self
                .acked
                .get(&(owner, conversation))
                .copied()
                .unwrap_or_default();
            if takes_part(owner, conversation) {
                let numbers = acked.get() + 1..=messages.len() as u64;
                due.extend(numbers.map(|number| (conversation, seq(number))));
            }
        }
        self.sessions.insert(owner, (self.opened, due));
    }

    fn send(&mut self, from: u64, to: Option<u64>, lost: bool) {
        let conversation = match to {
            Some(to) => ConversationId::direct(user(from), user(to)),
            None => ConversationId::group(group()),
        };
        self.ids += 1;
        let id = id(&format!("m-{}", self.ids));
        let session = self.sessions[&from].0;
        let sending = |session| Record::Sending {
            session,
            conversation,
            id: id.clone(),
        };
        let begun = sending(session);
        self.records.push(begun);
        let messages = self.stored.entry(conversation).or_default();
        messages.push((from, session, id.clone()));
        let number = seq(messages.len() as u64);
        for owner in (1..=USERS).filter(|&owner| owner != from && takes_part(owner, conversation)) {
            let (_, due) = self.sessions.get_mut(&owner).unwrap();
            due.push_back((conversation, number));
        }
        let session = if lost {
            self.reopen(from);
            let session = self.sessions[&from].0;
            self.records.push(sending(session));
            session
        } else {
            session
        };
        self.records.push(Record::Sent {
            session,
            conversation,
            seq: number,
            id,
            duplicate: lost,
        });
    }

    fn read(&mut self, owner: u64, acknowledges: bool) {
        let (session, due) = self.sessions.get_mut(&owner).unwrap();
        let mut last = None;
        for (conversation, number) in due.drain(..) {
            let (from, sender, id) = &self.stored[&conversation][number.get() as usize - 1];
            if sender == session {
                continue;
            }
            self.records.push(Record::Delivered {
                session: *session,
                conversation,
                seq: number,
                from: user(*from),
                id: Some(id.clone()),
            });
            last = Some((conversation, number));
        }
        if let Some((conversation, number)) = last.filter(|_| acknowledges) {
            self.records.push(Record::Acked {
                session: *session,
                conversation,
                seq: number,
            });
            self.acked.insert((owner, conversation), number);
        }
    }
}

fn takes_part(owner: u64, conversation: ConversationId) -> bool {
    conversation.as_group().is_some() || conversation.other(user(owner)).is_some()
}

/// The deliveries whose loss is one: not those to sessions that tried to send the message too.
fn deliveries(records: &[Record]) -> Vec<usize> {
    let tried = |session, id: &MessageId| {
        records.iter().any(
            |record| matches!(record, Record::Sending { session: other, id: sent, .. } if *other == session && sent == id),
        )
    };
    let is_due = |record: &Record| matches!(record, Record::Delivered { session, id: Some(id), .. } if !tried(*session, id));
    (0..records.len()).filter(|&at| is_due(&records[at])).collect()
}

/// The next delivery of the same conversation in the same session.
fn next_alike(records: &[Record], at: usize) -> Option<usize> {
    let of = |record: &Record| match record {
        Record::Delivered {
            session,
            conversation,
            ..
        } => Some((*session, *conversation)),
        _ => None,
    };
    (at + 1..records.len()).find(|&other| of(&records[other]) == of(&records[at]))
}

/// Whether the session of a delivery reads on, such that a loss shows.
fn is_judged(records: &[Record], at: usize) -> bool {
    let Record::Delivered { session, .. } = records[at] else {
        return false;
    };
    next_alike(records, at).is_some() || records[at..].contains(&read_to_end(session))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn sound_use_passes_and_every_mutation_of_a_delivery_is_found(steps in steps()) {
        let records = Model::of(&steps);
        prop_assert_eq!(violations(records.clone()), []);
        for at in deliveries(&records) {
            if is_judged(&records, at) {
                let mut dropped = records.clone();
                dropped.remove(at);
                prop_assert_ne!(violations(dropped), [], "{:?} is lost", records[at]);
            }
            let mut repeated = records.clone();
            repeated.insert(at + 1, records[at].clone());
            prop_assert_ne!(violations(repeated), [], "{:?} comes twice", records[at]);
            if let Some(other) = next_alike(&records, at) {
                let mut swapped = records.clone();
                swapped.swap(at, other);
                prop_assert_ne!(violations(swapped), [], "{:?} changes places", records[at]);
            }
        }
    }
}
