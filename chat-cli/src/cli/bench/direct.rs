//! Pairs of users: one writes, the other receives.

use std::rc::Rc;

use chat_client::Error;
use chat_core::types::{ConversationId, UserId};
use serde_json::json;

use super::accounts::Account;
use super::args::DirectArguments;
use super::context::Bench;
use super::flow::Receivers;
use super::load::{Load, Pace};
use super::participant::Participant;
use super::report::Report;
use super::send_frame::{SendFrame, To};
use super::sender::Sender;
use super::wire::{Incoming, Outgoing};
use crate::cli::Failure;

pub(super) async fn run(bench: &Bench, arguments: &DirectArguments) -> Result<Report, Failure> {
    let load = &arguments.load;
    let connections = arguments.connections as usize / 2 * 2;
    let accounts = bench.accounts(connections, connections).await?;
    let sessions = bench.sessions(&bench.seats_of(&accounts, load.ack)).await?;
    let mut pairs = Load::new(load, connections / 2)?;
    add_pairs(&mut pairs, (bench, load.size), &accounts, sessions)?;
    let measure = Rc::clone(&pairs.measure);
    let ending = pairs.run(bench, load).await?;
    let mut settings = json!({"servers": bench.servers.list(), "connections": connections});
    load.describe(&mut settings);
    let mut report = Report::new("direct", settings, load.time.duration.as_secs_f64());
    report.take_messages(&measure, ending, load)?;
    Ok(report)
}

/// Each two users make a pair; the first senders of the load are theirs.
pub(super) fn add_pairs(
    pairs: &mut Load,
    with: (&Bench, u16),
    accounts: &[Account],
    sessions: impl IntoIterator<Item = (Incoming, Outgoing)>,
) -> Result<(), Failure> {
    let mut sessions = accounts.iter().zip(sessions);
    let mut index = 0;
    while let (Some(from), Some(to)) = (sessions.next(), sessions.next()) {
        add_pair(pairs, with, index, [from, to])?;
        index += 1;
    }
    Ok(())
}

/// The conversation of two users.
pub(super) fn conversation(one: &Account, other: &Account) -> Result<String, Error> {
    let conversation = ConversationId::direct(UserId::new(one.id)?, UserId::new(other.id)?);
    Ok(conversation.to_string())
}

type Session<'a> = (&'a Account, (Incoming, Outgoing));

fn add_pair(
    pairs: &mut Load,
    (bench, size): (&Bench, u16),
    index: u32,
    [(from, (replies, outgoing)), (to, (messages, silent))]: [Session<'_>; 2],
) -> Result<(), Failure> {
    let conversation = conversation(from, to)?;
    let frame = SendFrame::new(bench.run, index, To::User(to.id), usize::from(size));
    let outgoing = Rc::new(outgoing);
    let sender = Sender::new(
        (index, Rc::clone(&outgoing), frame),
        pairs.flow,
        pairs.answers,
        Receivers {
            prompt: 1,
            stalled: 0,
        },
        &pairs.measure,
    );
    let sender = Rc::new(sender);
    let participant =
        |own, senders| Participant::new(bench.run, &pairs.measure, conversation.clone(), own, senders);
    let writer = participant(Some(Rc::clone(&sender)), Rc::new([]));
    let reader = participant(None, Rc::new([Rc::clone(&sender)]));
    pairs.add_sender(sender);
    pairs.add(replies, outgoing, writer, Pace::Prompt);
    pairs.add(messages, Rc::new(silent), reader, Pace::Prompt);
    Ok(())
}
