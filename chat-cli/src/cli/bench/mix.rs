//! Everything together: pairs and groups write, some are idle, others come and go, page, and log in by password.

use std::rc::Rc;
use std::time::Instant;

use chat_client::Error;
use serde_json::json;

use super::accounts::{Account, Acks, Proof};
use super::args::{HistoryArguments, LoadArguments, MixArguments};
use super::catch_up::Visitor;
use super::context::Bench;
use super::direct::add_pairs;
use super::fill::fill;
use super::group::{Shape, add_group, make_groups};
use super::history::{Reader, readers, report_pages};
use super::idle::stay;
use super::load::Load;
use super::report::Report;
use super::rounds::Rounds;
use super::seat::Seat;
use super::send_frame::SendFrame;
use super::wire::{Incoming, Outgoing};
use crate::cli::Failure;

/// Members of a group; one of them sends.
const MEMBERS: usize = 10;
/// Users who come and go, and as many who write to them.
const VISITORS: usize = 10;
/// Messages that wait for a visitor.
const WAITING: u32 = 10;
/// Users who page, and as many who wrote to them.
const READERS: usize = 5;
/// Messages of a conversation that is paged through.
const MESSAGES: u32 = 500;
/// Logins by password at once.
const LOGINS: usize = 5;

pub(super) async fn run(bench: &Bench, arguments: &MixArguments) -> Result<Report, Failure> {
    let third = arguments.connections as usize / 3 / MEMBERS * MEMBERS;
    let total = 3 * third + 2 * VISITORS + 2 * READERS + LOGINS;
    let accounts = bench.accounts(total, total).await?;
    let (writing, others) = accounts.split_at(2 * third);
    let (idle, others) = others.split_at(third);
    let load = LoadArguments {
        window: 1,
        rate: Some(arguments.rate),
        time: arguments.time,
        size: arguments.size,
        ack: Acks::Client,
        unanswered: false,
    };
    let messages = messages(bench, &load, writing, third).await?;
    let idle = bench.sessions(&bench.seats(idle, third)).await?;
    let mut beside = Beside::prepare(bench, arguments, others).await?;
    let measure = Rc::clone(&messages.measure);
    let work = async {
        tokio::try_join!(stay(idle, arguments.time.total()), beside.work())?;
        Ok(())
    };
    let ending = messages.run_beside(bench, &load, work).await?;
    let settings = json!({
        "servers": bench.servers.list(), "connections": 3 * third, "rate": arguments.rate,
        "visits": arguments.visits, "pages": arguments.pages, "logins": arguments.logins, "size": arguments.size,
    });
    let mut report = Report::new("mix", settings, arguments.time.duration.as_secs_f64());
    report.take_messages(&measure, ending, &load)?;
    beside.report(&mut report)?;
    Ok(report)
}

/// Half of the users write in pairs, the other half in groups.
async fn messages(
    bench: &Bench,
    arguments: &LoadArguments,
    accounts: &[Account],
    half: usize,
) -> Result<Load, Failure> {
    let (pairs, groups) = accounts.split_at(half);
    let mut load = Load::new(arguments, half / 2 + half / MEMBERS)?;
    let sessions = bench.sessions(&bench.seats_of(pairs, arguments.ack)).await?;
    add_pairs(&mut load, (bench, arguments.size), pairs, sessions)?;
    let ids = make_groups(bench, "mix", groups, MEMBERS).await?;
    let sessions = bench.sessions(&bench.seats_of(groups, arguments.ack)).await?;
    let mut sessions = sessions.into_iter();
    for (group, index) in ids.into_iter().zip(half as u32 / 2..) {
        let shape = Shape {
            group,
            members: MEMBERS,
            senders: 1,
            stalled: 0,
        };
        let members = sessions.by_ref().take(MEMBERS);
        add_group(&mut load, (bench, arguments.size), shape, (index, members));
    }
    Ok(load)
}

/// What goes on beside the messages.
struct Beside<'a> {
    visits: Rounds,
    visitors: Vec<Visit<'a>>,
    pages: Rounds,
    readers: Vec<Reader>,
    logins: Rounds,
    by_password: Vec<Seat<'a>>,
}

impl<'a> Beside<'a> {
    async fn prepare(
        bench: &'a Bench,
        arguments: &MixArguments,
        accounts: &'a [Account],
    ) -> Result<Self, Failure> {
        let (visitors, others) = accounts.split_at(2 * VISITORS);
        let (readers, by_password) = others.split_at(2 * READERS);
        let time = arguments.time;
        let history = HistoryArguments {
            time,
            users: READERS as u32,
            messages: MESSAGES,
            page: 50,
            rate: Some(arguments.pages),
            size: arguments.size,
        };
        let rounds = |rate| bench.rounds(Some(rate), time);
        Ok(Self {
            visits: rounds(arguments.visits)?,
            visitors: prepare_visits(bench, arguments.size, visitors).await?,
            pages: rounds(arguments.pages)?,
            readers: self::readers(bench, readers, &history).await?,
            logins: rounds(arguments.logins)?,
            by_password: bench.seats(by_password, by_password.len()),
        })
    }

    async fn work(&mut self) -> Result<(), Error> {
        tokio::try_join!(
            self.visits
                .repeat(&mut self.visitors, async |visit| visit.make().await),
            self.pages
                .repeat(&mut self.readers, async |reader| reader.turn_page().await),
            self.logins.repeat(&self.by_password, async |seat| seat
                .enter(Proof::Password)
                .await
                .map(drop)),
        )?;
        Ok(())
    }

    fn report(&self, report: &mut Report) -> anyhow::Result<()> {
        self.visits.report(report, "visits", "visit")?;
        self.logins.report(report, "logins", "password_login")?;
        report_pages(&self.pages, &self.readers, report)?;
        for visit in &self.visitors {
            report
                .violations
                .add(visit.visitor.finish(u64::from(visit.stored)));
        }
        Ok(())
    }
}

/// Somebody who is written to while away, comes, and leaves.
struct Visit<'a> {
    visitor: Visitor<'a>,
    writer: (Incoming, Outgoing),
    frames: [SendFrame; 1],
    stored: u32,
}

impl Visit<'_> {
    async fn make(&mut self) -> Result<(), Error> {
        let end = self.stored + WAITING;
        fill(&mut self.writer, &mut self.frames, self.stored..end).await?;
        self.stored = end;
        self.visitor.visit(Instant::now()).await.map(drop)
    }
}

/// Half of the users come and go, the other half write to them.
async fn prepare_visits<'a>(
    bench: &'a Bench,
    size: u16,
    accounts: &'a [Account],
) -> Result<Vec<Visit<'a>>, Failure> {
    let (visiting, writing) = accounts.split_at(accounts.len() / 2);
    let seats = bench.seats(visiting, visiting.len());
    drop(bench.sessions(&seats).await?);
    let sessions = bench.sessions(&bench.seats(writing, writing.len())).await?;
    let both = seats.into_iter().zip(writing.iter().zip(sessions));
    let visits = both.enumerate().map(|(place, (seat, (account, writer)))| {
        // Apart from the senders of the messages that are not waited for.
        let index = u32::MAX - place as u32;
        let visitor = Visitor::new(bench, index, account, seat)?;
        Ok(Visit {
            frames: [visitor.frame(bench, size)],
            visitor,
            writer,
            stored: 0,
        })
    });
    visits.collect()
}
