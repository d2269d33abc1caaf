//! Judges what devices saw of a chat: nothing lost, nothing twice, one order, own sends left out.

#![allow(dead_code, reason = "every test program uses its own part of this")]
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::{BTreeSet, HashMap};

/// A message as somebody saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The conversation.
    pub(crate) conversation: String,
    /// Its place.
    pub(crate) seq: u64,
    /// The sender's own id for it, unique over all senders.
    pub(crate) id: String,
}

/// What one session of a device did and saw.
#[derive(Clone, Debug, Default)]
pub(crate) struct Session {
    /// The ids that were sent for the first time on this session.
    pub(crate) first_sends: BTreeSet<String>,
    /// The ids that were sent again on this session, because no answer had come.
    pub(crate) retries: BTreeSet<String>,
    /// The replies `sent`.
    pub(crate) sent: Vec<Seen>,
    /// The events `message`, as they came.
    pub(crate) received: Vec<Seen>,
}

/// All sessions of one device, in their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Device {
    /// What errors call it.
    pub(crate) name: String,
    /// The conversations whose messages it has to get, from the first one on.
    pub(crate) conversations: BTreeSet<String>,
    /// Its sessions.
    pub(crate) sessions: Vec<Session>,
}

/// Where each message is, as everybody must agree.
#[derive(Default)]
struct Order {
    by_id: HashMap<String, (String, u64)>,
    by_place: HashMap<(String, u64), String>,
    last: HashMap<String, u64>,
}

/// Checks everything; the error says what was wrong first.
pub(crate) fn check(devices: &[Device]) -> Result<(), String> {
    let order = Order::of(devices)?;
    for device in devices {
        for (number, session) in device.sessions.iter().enumerate() {
            check_session(session, &order)
                .map_err(|error| format!("{}, session {number}: {error}", device.name))?;
        }
        check_device(device, &order).map_err(|error| format!("{}: {error}", device.name))?;
    }
    Ok(())
}

impl Order {
    fn of(devices: &[Device]) -> Result<Self, String> {
        let mut order = Self::default();
        for session in devices.iter().flat_map(|device| &device.sessions) {
            for seen in session.sent.iter().chain(&session.received) {
                order.note(seen)?;
            }
        }
        for (conversation, last) in &order.last {
            for seq in 1..=*last {
                if !order.by_place.contains_key(&(conversation.clone(), seq)) {
                    return Err(format!("nobody saw {conversation} {seq} of {last}"));
                }
            }
        }
        Ok(order)
    }

    fn note(&mut self, seen: &Seen) -> Result<(), String> {
        let place = (seen.conversation.clone(), seen.seq);
        let known_place = self.by_id.entry(seen.id.clone()).or_insert_with(|| place.clone());
        if *known_place != place {
            return Err(format!(
                "{} is stored at {known_place:?} and at {place:?}",
                seen.id
            ));
        }
        let last = self.last.entry(place.0.clone()).or_default();
        *last = place.1.max(*last);
        let known_id = self.by_place.entry(place).or_insert_with(|| seen.id.clone());
        if *known_id != seen.id {
            return Err(format!("{known_id} and {seen:?} are at one place"));
        }
        Ok(())
    }
}

/// Ascending, without holes but for what this session sent itself.
fn check_session(session: &Session, order: &Order) -> Result<(), String> {
    let mut before: HashMap<&str, u64> = HashMap::new();
    for seen in &session.received {
        if session.first_sends.contains(&seen.id) {
            return Err(format!("got its own send {seen:?}"));
        }
        let Some(last) = before.insert(&seen.conversation, seen.seq) else {
            continue;
        };
        if seen.seq <= last {
            return Err(format!("got {seen:?} after {last}"));
        }
        for seq in last + 1..seen.seq {
            let id = &order.by_place[&(seen.conversation.clone(), seq)];
            if !session.first_sends.contains(id) && !session.retries.contains(id) {
                return Err(format!("did not get {seq} between {last} and {seen:?}"));
            }
        }
    }
    Ok(())
}

/// Every message of its conversations came in some session, or is its own; every send was answered.
fn check_device(device: &Device, order: &Order) -> Result<(), String> {
    let sessions = &device.sessions;
    let answered: BTreeSet<_> = sessions
        .iter()
        .flat_map(|session| &session.sent)
        .map(|seen| &seen.id)
        .collect();
    if let Some(id) = sessions
        .iter()
        .flat_map(|session| &session.first_sends)
        .find(|id| !answered.contains(id))
    {
        return Err(format!("{id} was never answered"));
    }
    let mut had: BTreeSet<(&str, u64)> = BTreeSet::new();
    for seen in sessions
        .iter()
        .flat_map(|session| session.sent.iter().chain(&session.received))
    {
        if !device.conversations.contains(&seen.conversation) {
            return Err(format!("got {seen:?}, which is not for it"));
        }
        had.insert((&seen.conversation, seen.seq));
    }
    for conversation in &device.conversations {
        let last = order.last.get(conversation).copied().unwrap_or(0);
        if let Some(seq) = (1..=last).find(|&seq| !had.contains(&(conversation, seq))) {
            return Err(format!("never got {conversation} {seq} of {last}"));
        }
    }
    Ok(())
}
