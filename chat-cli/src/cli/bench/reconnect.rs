//! Users who lose their connections all at once and resume them by token.

use std::time::Duration;

use chat_client::Error;
use futures_util::future::try_join_all;
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::accounts::Proof;
use super::args::ReconnectArguments;
use super::context::Bench;
use super::latency::Latencies;
use super::report::Report;
use super::seat::{Bystander, Seat};
use super::wire::{Incoming, Outgoing};
use crate::cli::Failure;

/// The time to the next try while the server is away: as long at least, and twice as long at most, so that not all
/// come at once.
const PAUSE: Duration = Duration::from_millis(50);
/// How long a server that is started again may be away.
const LONGEST_RESTART: Duration = Duration::from_secs(300);

type Session = (Incoming, Outgoing);

/// What the storms were like.
struct Storms {
    latencies: Latencies,
    seconds: f64,
    tries: u64,
}

pub(super) async fn run(bench: &Bench, arguments: &ReconnectArguments) -> Result<Report, Failure> {
    let crowd = arguments.crowd;
    let connections = crowd.connections as usize;
    let accounts = bench.accounts(crowd.users(), connections).await?;
    let seats = bench.seats(&accounts, connections);
    let mut sessions = bench.sessions(&seats).await?;
    bench.ready().await?;
    let mut storms = Storms {
        latencies: Latencies::new()?,
        seconds: 0.0,
        tries: 0,
    };
    let rounds = if arguments.await_restart {
        1
    } else {
        arguments.rounds
    };
    bench.progress.begin("storms", rounds as usize);
    for round in 0..rounds {
        sessions = if arguments.await_restart {
            storms.await_restart(&seats, sessions).await?
        } else {
            storms.drop_all(&seats, sessions).await?
        };
        bench.progress.reach(round as usize + 1);
    }
    let settings = json!({
        "servers": bench.servers.list(), "connections": connections, "users": accounts.len(), "rounds": rounds,
        "await_restart": arguments.await_restart,
    });
    let mut report = Report::new("reconnect", settings, storms.seconds);
    let resumed = u64::from(rounds) * sessions.len() as u64;
    report.count("resumed", resumed);
    report.count("tries", storms.tries);
    report.rate("resumed", resumed);
    report.time("drop_to_synced", &storms.latencies)?;
    Ok(report)
}

impl Storms {
    /// Drops all connections and resumes them.
    async fn drop_all(&mut self, seats: &[Seat<'_>], sessions: Vec<Session>) -> Result<Vec<Session>, Error> {
        let begun = Instant::now();
        drop(sessions);
        let resumed = try_join_all(seats.iter().map(async |seat| {
            let session = seat.enter(Proof::Token).await?;
            Ok::<_, Error>((session, begun.elapsed()))
        }));
        let resumed = resumed.await?;
        self.tries += resumed.len() as u64;
        self.take(begun, resumed)
    }

    /// Waits until the server ends all connections, and resumes each as soon as it can be.
    async fn await_restart(
        &mut self,
        seats: &[Seat<'_>],
        sessions: Vec<Session>,
    ) -> Result<Vec<Session>, Error> {
        let resumed = try_join_all(seats.iter().zip(sessions).map(async |(seat, session)| {
            let lost = end_of(session).await?;
            let (session, tries) = resume(seat, lost).await?;
            Ok::<_, Error>((session, lost, lost.elapsed(), tries))
        }));
        let resumed = resumed.await?;
        self.tries += resumed.iter().map(|(_, _, _, tries)| tries).sum::<u64>();
        let begun = resumed.iter().map(|(_, lost, _, _)| *lost).min();
        let resumed = resumed.into_iter().map(|(session, _, took, _)| (session, took));
        self.take(begun.unwrap_or_else(Instant::now), resumed)
    }

    fn take(
        &mut self,
        begun: Instant,
        resumed: impl IntoIterator<Item = (Session, Duration)>,
    ) -> Result<Vec<Session>, Error> {
        self.seconds += begun.elapsed().as_secs_f64();
        let sessions = resumed.into_iter().map(|(session, took)| {
            self.latencies
                .record(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
            session
        });
        Ok(sessions.collect())
    }
}

/// When the connection ended.
async fn end_of((mut incoming, outgoing): Session) -> Result<Instant, Error> {
    match incoming.run(&outgoing, &mut Bystander).await {
        Err(Error::ConnectionLost(_) | Error::Goodbye(_)) => Ok(Instant::now()),
        Err(error) => Err(error),
        Ok(never) => match never {},
    }
}

/// Tries until it works, and answers after how many tries.
async fn resume(seat: &Seat<'_>, lost: Instant) -> Result<(Session, u64), Error> {
    let mut tries = 1;
    loop {
        let error = match seat.enter(Proof::Token).await {
            Ok(session) => return Ok((session, tries)),
            Err(error) => error,
        };
        let is_away = matches!(
            error,
            Error::Unreachable { .. } | Error::ConnectionLost(_) | Error::Goodbye(_) | Error::TimedOut(_)
        );
        if !is_away || lost.elapsed() > LONGEST_RESTART {
            return Err(error);
        }
        tries += 1;
        sleep(PAUSE + PAUSE.mul_f64(fastrand::f64())).await;
    }
}
