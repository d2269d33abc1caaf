//! Users who page through their conversations, from the newest message to the oldest.

use chat_client::Error;
use chat_core::protocol::Reply;
use futures_util::TryStreamExt;
use serde_json::{Value, json};

use super::accounts::{Account, Proof, in_order};
use super::args::HistoryArguments;
use super::context::Bench;
use super::dialogue::Dialogue;
use super::direct::conversation;
use super::fill::fill;
use super::report::Report;
use super::rounds::Rounds;
use super::seat::Seat;
use super::send_frame::{SendFrame, To};
use super::view::Violations;
use crate::cli::Failure;

pub(super) async fn run(bench: &Bench, arguments: &HistoryArguments) -> Result<Report, Failure> {
    let users = arguments.users as usize;
    let accounts = bench.accounts(2 * users, 2 * users).await?;
    let mut readers = readers(bench, &accounts, arguments).await?;
    let rounds = bench.rounds(arguments.rate, arguments.time)?;
    bench.ready().await?;
    let pages = rounds.repeat(&mut readers, async |reader| reader.turn_page().await);
    bench
        .progress
        .during("pages", arguments.time.total(), pages)
        .await?;
    let settings = json!({
        "servers": bench.servers.list(), "users": users, "messages": arguments.messages, "page": arguments.page,
        "size": arguments.size, "rate": arguments.rate,
    });
    let mut report = Report::new("history", settings, arguments.time.duration.as_secs_f64());
    report_pages(&rounds, &readers, &mut report)?;
    Ok(report)
}

/// Adds what the readers did.
pub(super) fn report_pages(rounds: &Rounds, readers: &[Reader], report: &mut Report) -> anyhow::Result<()> {
    rounds.report(report, "pages", "history")?;
    report.count("messages_read", readers.iter().map(|reader| reader.read).sum());
    for reader in readers {
        report.violations.add(reader.violations);
    }
    Ok(())
}

/// Each two users have a conversation that the first pages through; it is filled where it is too short.
pub(super) async fn readers(
    bench: &Bench,
    accounts: &[Account],
    arguments: &HistoryArguments,
) -> Result<Vec<Reader>, Failure> {
    let seats = bench.seats(accounts, accounts.len());
    bench.progress.begin("conversations", accounts.len() / 2);
    let mut number = 0;
    let readers = in_order(
        &bench.servers,
        seats.chunks_exact(2).enumerate(),
        |(place, seats)| reader(bench, place as u32, seats, arguments),
    );
    let counted = readers.inspect_ok(|_| {
        number += 1;
        bench.progress.reach(number);
    });
    Ok(counted.try_collect().await?)
}

async fn reader(
    bench: &Bench,
    place: u32,
    seats: &[Seat<'_>],
    arguments: &HistoryArguments,
) -> Result<Reader, Error> {
    let [one, other] = seats else {
        return Err(Error::Closed);
    };
    let mut dialogue = Dialogue::open(one.server).await?;
    dialogue.log_in(&one.account.plain_login()).await?;
    let mut reader = Reader {
        dialogue,
        conversation: conversation(one.account, other.account)?,
        page: arguments.page,
        before: None,
        read: 0,
        violations: Violations::default(),
    };
    let stored = reader.length().await?;
    if let Some(missing) = u64::from(arguments.messages)
        .checked_sub(stored)
        .filter(|missing| *missing > 0)
    {
        let mut session = other.enter(Proof::Token).await?;
        let to = To::User(one.account.id);
        let mut frames = [SendFrame::new(bench.run, place, to, usize::from(arguments.size))];
        fill(
            &mut session,
            &mut frames,
            0..u32::try_from(missing).unwrap_or(u32::MAX),
        )
        .await?;
    }
    Ok(reader)
}

/// Somebody who pages through a conversation.
#[derive(Debug)]
pub(super) struct Reader {
    dialogue: Dialogue,
    conversation: String,
    page: u8,
    /// Where the next page ends; none at the newest message.
    before: Option<u64>,
    read: u64,
    violations: Violations,
}

impl Reader {
    /// How many messages the conversation has.
    async fn length(&mut self) -> Result<u64, Error> {
        match self.ask(1).await {
            Ok((seqs, _)) => Ok(seqs.last().copied().unwrap_or(0)),
            // A conversation that nobody has written to is not there.
            Err(Error::Refused(refusal)) if refusal.code == chat_core::ErrorCode::NotFound => Ok(0),
            Err(error) => Err(error),
        }
    }

    async fn ask(&mut self, limit: u8) -> Result<(Vec<u64>, bool), Error> {
        let mut request = json!({
            "type": "history", "ref": "history", "conversation": self.conversation, "limit": limit,
        });
        if let (Some(before), Some(fields)) = (self.before, request.as_object_mut()) {
            fields.insert("before".to_owned(), Value::from(before));
        }
        match self.dialogue.ask(&request).await? {
            Reply::History { messages, more, .. } => {
                Ok((messages.iter().map(|message| message.seq.get()).collect(), more))
            }
            _ => Err(Error::Protocol {
                what: "a history was asked for and something else came",
                source: None,
            }),
        }
    }

    /// Reads the next older page, or the newest after the oldest: it ends where it should and has no gap.
    pub(super) async fn turn_page(&mut self) -> Result<(), Error> {
        let (seqs, more) = self.ask(self.page).await?;
        self.read += seqs.len() as u64;
        for pair in seqs.windows(2) {
            if let [one, next] = pair {
                self.check(one + 1, *next);
            }
        }
        if let (Some(before), Some(last)) = (self.before, seqs.last()) {
            self.check(before, last + 1);
        }
        let first = seqs.first().copied().unwrap_or(1);
        if !more {
            self.check(1, first);
        }
        self.before = more.then_some(first);
        Ok(())
    }

    /// What should be the next position, and what is.
    fn check(&mut self, expected: u64, seq: u64) {
        self.violations.lost += seq.saturating_sub(expected);
        self.violations.repeated += expected.saturating_sub(seq);
    }
}
