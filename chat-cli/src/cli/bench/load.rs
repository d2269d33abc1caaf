//! Senders and receivers at work: from the first message to the last that is due.

use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;

use chat_client::Error;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::accounts::Acks;
use super::args::LoadArguments;
use super::context::Bench;
use super::flow::{Answers, Flow, Schedule};
use super::measure::Measure;
use super::pacer::pace;
use super::participant::{Participant, Seen};
use super::progress::SHOW;
use super::sender::Sender;
use super::view::Violations;
use super::wire::{Incoming, Outgoing};
use crate::cli::Failure;

/// The time between two looks at whether everything has come.
const LOOK: Duration = Duration::from_millis(5);

/// Sessions that write to each other.
#[derive(Debug)]
pub(super) struct Load {
    pub(super) measure: Rc<Measure>,
    pub(super) flow: Flow,
    pub(super) answers: Answers,
    acks: Acks,
    senders: Vec<Rc<Sender>>,
    seen: Vec<Seen>,
    connections: JoinSet<Result<Infallible, Error>>,
}

/// When a session receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// What comes, when it comes.
    Prompt,
    /// Nothing while messages are sent, and then everything.
    Stalled,
}

/// What is known in the end beside what was counted on the way.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ending {
    pub(super) violations: Violations,
    /// Sends that have no answer.
    pub(super) unanswered: u64,
    /// Messages that were due and never sent.
    pub(super) unsent: u64,
}

impl Load {
    /// A load of so many senders.
    pub(super) fn new(arguments: &LoadArguments, senders: usize) -> anyhow::Result<Self> {
        let flow = arguments.rate.map_or(Flow::Window(arguments.window), |rate| {
            Flow::Schedule(Schedule {
                rate: u64::from(rate),
                senders: senders as u64,
            })
        });
        Ok(Self {
            measure: Rc::new(Measure::new()?),
            flow,
            answers: if arguments.unanswered {
                Answers::No
            } else {
                Answers::Yes
            },
            acks: arguments.ack,
            senders: Vec::new(),
            seen: Vec::new(),
            connections: JoinSet::new(),
        })
    }

    pub(super) fn add_sender(&mut self, sender: Rc<Sender>) {
        self.senders.push(sender);
    }

    /// Lets a session receive.
    pub(super) fn add(
        &mut self,
        mut incoming: Incoming,
        outgoing: Rc<Outgoing>,
        participant: Participant,
        pace: Pace,
    ) {
        self.seen.push(participant.seen());
        let measure = Rc::clone(&self.measure);
        let acknowledge = (self.acks == Acks::Client).then(|| Rc::clone(&outgoing));
        let mut participant = participant.at(pace, acknowledge);
        self.connections.spawn_local(async move {
            if pace == Pace::Stalled {
                measure.wait_for_end().await;
            }
            incoming.run(&outgoing, &mut participant).await
        });
    }

    /// Sends for the time that the arguments say, and waits for what is due then.
    pub(super) async fn run(self, bench: &Bench, arguments: &LoadArguments) -> Result<Ending, Failure> {
        self.run_beside(bench, arguments, async { Ok(()) }).await
    }

    /// The same, while something else is done from the begin on.
    pub(super) async fn run_beside(
        mut self,
        bench: &Bench,
        arguments: &LoadArguments,
        beside: impl Future<Output = Result<(), Error>>,
    ) -> Result<Ending, Failure> {
        bench.ready().await?;
        self.measure
            .begin(arguments.time.warm_up, arguments.time.duration);
        let end = Instant::now() + arguments.time.total();
        for sender in &self.senders {
            sender.refill()?;
        }
        let Self {
            measure,
            flow,
            senders,
            connections,
            ..
        } = &mut self;
        let all = async {
            let sending = send_until(end, *flow, senders, measure);
            tokio::try_join!(sending, beside)?;
            measure.end();
            Ok::<_, Error>(all_done(senders, measure, bench.common.patience).await)
        };
        let unsent = tokio::select! {
            failed = first_failure(connections) => return Err(failed.into()),
            unsent = all => unsent?,
            never = show(bench, measure, arguments.time.total()) => match never {},
        };
        Ok(self.ending(unsent))
    }

    fn ending(self, unsent: u64) -> Ending {
        let Self { senders, seen, .. } = self;
        let mut ending = Ending {
            unsent,
            ..Ending::default()
        };
        for seen in seen {
            ending.violations.add(seen.finish());
        }
        for sender in senders {
            ending.unanswered += sender.unanswered();
        }
        ending
    }
}

/// Why a connection ended, as none should.
async fn first_failure(connections: &mut JoinSet<Result<Infallible, Error>>) -> Error {
    match connections.join_next().await {
        Some(Ok(Err(error))) => error,
        Some(Err(_)) | None => Error::Closed,
    }
}

async fn send_until(
    end: Instant,
    flow: Flow,
    senders: &[Rc<Sender>],
    measure: &Measure,
) -> Result<(), Error> {
    if let Flow::Schedule(schedule) = flow {
        pace(schedule, senders, measure).await?;
    }
    tokio::time::sleep_until(end).await;
    Ok(())
}

/// Shows how it goes, as long as it goes.
async fn show(bench: &Bench, measure: &Measure, time: Duration) -> Infallible {
    bench.progress.begin("sending", time.as_secs() as usize);
    let begin = Instant::now();
    let mut ticks = interval(SHOW);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last = measure.delivered.get();
    loop {
        ticks.tick().await;
        let delivered = measure.delivered.get();
        let rate = (delivered - last) as f64 / SHOW.as_secs_f64();
        bench.progress.show(begin.elapsed(), rate);
        last = delivered;
    }
}

/// Waits until everything came that is due, or nothing comes any more. Answers how many messages were due and not even
/// sent when patience ended.
async fn all_done(senders: &[Rc<Sender>], measure: &Measure, patience: Duration) -> u64 {
    let (mut progress, mut since) = (measure.progress(), Instant::now());
    let mut unsent = 0;
    let give_up = Instant::now() + patience;
    while !senders.iter().all(|sender| sender.is_done()) && since.elapsed() < patience {
        sleep(LOOK).await;
        if measure.progress() != progress {
            (progress, since) = (measure.progress(), Instant::now());
        }
        if Instant::now() >= give_up {
            unsent += senders.iter().map(|sender| sender.give_up_unsent()).sum::<u64>();
        }
    }
    unsent
}
