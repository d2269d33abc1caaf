//! Users who come back after messages were stored for them.

use std::time::Instant;

use chat_client::Error;
use futures_util::future::try_join_all;
use serde_json::json;

use super::accounts::{Account, Proof};
use super::args::CatchUpArguments;
use super::context::Bench;
use super::direct::conversation;
use super::fill::fill;
use super::latency::Latencies;
use super::report::Report;
use super::seat::{Expected, Seat};
use super::send_frame::{SendFrame, To};
use super::view::{Acknowledged, Violations};
use super::wire::{Incoming, Outgoing};
use crate::cli::Failure;

/// Most users who write: each writes to its share of those who come back.
const WRITERS: usize = 8;

pub(super) async fn run(bench: &Bench, arguments: &CatchUpArguments) -> Result<Report, Failure> {
    let users = arguments.users as usize;
    let writers = users.min(WRITERS);
    let accounts = bench.accounts(users + writers, users + writers).await?;
    let (writing, returning) = accounts.split_at(writers);
    let seats = bench.seats(returning, users);
    let sessions = bench.sessions(&bench.seats(writing, writers)).await?;
    // Their devices are known from now on, so that what is stored waits for them.
    drop(bench.sessions(&seats).await?);
    let mut writers = Vec::new();
    let mut visitors = Vec::new();
    for (place, (account, session)) in writing.iter().zip(sessions).enumerate() {
        let seats = seats.iter().skip(place).step_by(writing.len());
        let mut writer = Writer {
            session,
            frames: Vec::new(),
        };
        for seat in seats {
            let index = visitors.len() as u32;
            let visitor = Visitor::new(bench, index, account, seat.clone())?;
            writer.frames.push(visitor.frame(bench, arguments.size));
            visitors.push(visitor);
        }
        writers.push(writer);
    }
    bench.ready().await?;
    let mut latencies = Latencies::new()?;
    let mut seconds = 0.0;
    for round in 0..arguments.rounds {
        let numbers = round * arguments.messages..(round + 1) * arguments.messages;
        bench.progress.begin("rounds", arguments.rounds as usize);
        bench.progress.reach(round as usize);
        try_join_all(writers.iter_mut().map(|writer| writer.write(numbers.clone()))).await?;
        let begun = Instant::now();
        let times = try_join_all(visitors.iter_mut().map(|visitor| visitor.visit(begun))).await?;
        seconds += begun.elapsed().as_secs_f64();
        times.into_iter().for_each(|time| latencies.record(time));
    }
    report(bench, arguments, (seconds, &latencies), &visitors)
}

fn report(
    bench: &Bench,
    arguments: &CatchUpArguments,
    (seconds, latencies): (f64, &Latencies),
    visitors: &[Visitor<'_>],
) -> Result<Report, Failure> {
    let settings = json!({
        "servers": bench.servers.list(), "users": arguments.users, "messages": arguments.messages,
        "rounds": arguments.rounds, "size": arguments.size,
    });
    let mut report = Report::new("catch-up", settings, seconds);
    let came = visitors.iter().map(|visitor| visitor.expected.came).sum();
    report.count("delivered", came);
    report.rate("delivered", came);
    report.rate("users", u64::from(arguments.users) * u64::from(arguments.rounds));
    report.time("connect_to_synced", latencies)?;
    let stored = u64::from(arguments.messages) * u64::from(arguments.rounds);
    for visitor in visitors {
        report.violations.add(visitor.finish(stored));
    }
    Ok(report)
}

/// Somebody who writes to several.
struct Writer {
    session: (Incoming, Outgoing),
    frames: Vec<SendFrame>,
}

impl Writer {
    async fn write(&mut self, numbers: std::ops::Range<u32>) -> Result<(), Error> {
        fill(&mut self.session, &mut self.frames, numbers).await
    }
}

/// Somebody who comes, reads what waits, and leaves.
#[derive(Debug)]
pub(super) struct Visitor<'a> {
    seat: Seat<'a>,
    index: u32,
    expected: Expected,
}

impl<'a> Visitor<'a> {
    /// One to whom this user writes; the index tells the messages for each visitor of a run apart.
    pub(super) fn new(bench: &Bench, index: u32, writer: &Account, seat: Seat<'a>) -> Result<Self, Error> {
        let conversation = conversation(writer, seat.account)?;
        Ok(Self {
            seat,
            index,
            expected: Expected::new(bench.run, index, conversation),
        })
    }

    /// What is sent to it.
    pub(super) fn frame(&self, bench: &Bench, size: u16) -> SendFrame {
        let to = To::User(self.seat.account.id);
        SendFrame::new(bench.run, self.index, to, usize::from(size))
    }

    /// Answers how many nanoseconds after the begin it was synced.
    pub(super) async fn visit(&mut self, begun: Instant) -> Result<u64, Error> {
        self.seat
            .enter_and_see(Proof::Token, Some(&mut self.expected))
            .await?;
        Ok(u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    /// What was wrong, where so many messages were stored for it.
    pub(super) fn finish(&self, stored: u64) -> Violations {
        let acknowledged = Acknowledged {
            end: stored,
            ..Acknowledged::default()
        };
        self.expected.view.finish([acknowledged])
    }
}
