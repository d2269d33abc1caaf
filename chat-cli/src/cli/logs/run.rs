//! `chat logs`, from arguments to output.

use std::future::pending;
use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::time::Duration;

use chat_core::{Clock, SystemClock};

use super::args::{ColourChoice, LogsArguments, SourceArguments};
use super::entry::Entry;
use super::feed::{Extent, Follow};
use super::filter::Filter;
use super::merge::Merge;
use super::output::{Form, Output};
use super::source;
use crate::cli::Failure;
use crate::cli::args::GlobalArguments;
use crate::cli::text::Colour;

/// What was read just before an interruption gets so long to arrive.
const LAST_MOMENT: Duration = Duration::from_millis(200);
/// Records shown before an interruption is looked for.
const AT_ONCE: usize = 1_024;

/// Shows records until all sources end, the time is up, or somebody interrupts.
pub(crate) async fn run(global: &GlobalArguments, arguments: LogsArguments) -> Result<(), Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let now = clock.now();
    let filter = Filter {
        nodes: arguments.nodes,
        level: arguments.level.into(),
        events: arguments.events,
        since: arguments.since.map(|moment| moment.seen_at(now)),
        until: arguments.until.map(|moment| moment.seen_at(now)),
    };
    let follow = if arguments.follow && filter.until.is_none_or(|until| until > now) {
        Follow::Yes
    } else {
        Follow::No
    };
    let window = arguments.from.window;
    let extent = Extent {
        since: filter.since,
        until: filter.until,
        follow,
        window,
    };
    let mut show = Show {
        merge: open(&arguments.from, extent, clock).await?,
        output: Output::new(form(global, arguments.color), arguments.limit),
        filter,
        is_caught_up: false,
    };
    let time_left = extent.until.map(|until| until.since(now) + window);
    let outcome = show.all(time_left.filter(|_| follow == Follow::Yes)).await;
    show.report();
    outcome
}

/// Starts reading what the command line names.
///
/// # Errors
/// Where it names nothing that can be read.
pub(crate) async fn open(
    from: &SourceArguments,
    extent: Extent,
    clock: Arc<dyn Clock>,
) -> Result<Merge, Failure> {
    let sources = source::parse_all(&from.sources)?;
    source::check(&sources, extent.follow)?;
    #[cfg(feature = "kafka")]
    let sources = source::in_parts(sources).await?;
    Merge::start(sources, extent, clock)
}

fn form(global: &GlobalArguments, choice: ColourChoice) -> Form {
    let is_terminal = io::stdout().is_terminal();
    match (global.json, choice) {
        (true, _) if is_terminal => Form::HarmlessJson,
        (true, _) => Form::Json,
        (false, ColourChoice::Auto) => Form::Lines(Colour::of_stdout()),
        (false, ColourChoice::Always) => Form::Lines(Colour::On),
        (false, ColourChoice::Never) => Form::Lines(Colour::Off),
    }
}

/// What is shown, and where.
struct Show {
    merge: Merge,
    filter: Filter,
    output: Output,
    /// Whether everything that was there at the start has been shown.
    is_caught_up: bool,
}

impl Show {
    /// Shows everything. Whoever no longer reads the output ends it quietly.
    async fn all(&mut self, time_left: Option<Duration>) -> Result<(), Failure> {
        let outcome = match self.go_on(time_left).await {
            Ok(()) => self.finish(),
            Err(stop) => Err(stop),
        };
        match outcome {
            Ok(()) => Ok(()),
            Err(Stop::Written(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Err(Stop::Written(error)) => Err(anyhow::Error::new(error)
                .context("cannot write to standard output")
                .into()),
            Err(Stop::Read(failure)) => {
                // What was read before is shown all the same; the failure says more than one of writing.
                self.finish().ok();
                Err(failure)
            }
        }
    }

    async fn go_on(&mut self, time_left: Option<Duration>) -> Result<(), Stop> {
        let time_is_up = async {
            match time_left {
                Some(time_left) => tokio::time::sleep(time_left).await,
                None => pending().await,
            }
        };
        let interrupted = tokio::signal::ctrl_c();
        tokio::pin!(time_is_up, interrupted);
        loop {
            let progress = self.show_ready()?;
            if progress == Progress::Ended {
                return Ok(());
            }
            let more = async {
                match progress {
                    Progress::More | Progress::Ended => Ok(()),
                    Progress::Waiting => self.merge.wait().await,
                }
            };
            // Each branch is cancel-safe: what `wait` has received stays with the merge.
            tokio::select! {
                biased;
                interrupted = &mut interrupted => {
                    interrupted.map_err(|error| Stop::Read(error.into()))?;
                    return self.take_the_last().await;
                }
                () = &mut time_is_up => return Ok(()),
                waited = more => waited.map_err(Stop::Read)?,
            }
        }
    }

    /// Takes what the sources have read and not handed on yet.
    async fn take_the_last(&mut self) -> Result<(), Stop> {
        let end = tokio::time::Instant::now() + LAST_MOMENT;
        // Cancel safe: what `wait` has received stays with the merge.
        while !self.merge.has_ended()
            && let Ok(waited) = tokio::time::timeout_at(end, self.merge.wait()).await
        {
            waited.map_err(Stop::Read)?;
            self.show_ready()?;
        }
        Ok(())
    }

    /// Shows what waits for nothing any more, a bounded number of records at once.
    fn show_ready(&mut self) -> Result<Progress, Stop> {
        for _ in 0..AT_ONCE {
            match self.merge.take().map_err(Stop::Read)? {
                Some(entry) => self.show(entry)?,
                None => return self.pause(),
            }
        }
        Ok(Progress::More)
    }

    /// Lets those who watch see everything that was shown.
    fn pause(&mut self) -> Result<Progress, Stop> {
        if !self.is_caught_up && self.merge.is_caught_up() {
            self.is_caught_up = true;
            self.finish()?;
        }
        self.output.flush()?;
        Ok(match self.merge.has_ended() {
            true => Progress::Ended,
            false => Progress::Waiting,
        })
    }

    /// Shows what was held back.
    fn finish(&mut self) -> Result<(), Stop> {
        self.show_held()?;
        Ok(self.output.release()?)
    }

    fn show_held(&mut self) -> Result<(), Stop> {
        while let Some(entry) = self.merge.take_early() {
            self.show(entry)?;
        }
        Ok(())
    }

    fn show(&mut self, entry: Entry) -> io::Result<()> {
        let Entry { record, missing, .. } = &entry;
        if *missing > 0 && self.filter.concerns(record) {
            self.output.hole(record.node.as_str(), *missing)?;
        }
        if self.filter.takes(record) {
            self.output.record(entry)?;
        }
        Ok(())
    }

    /// Tells, once, how many lines were no records.
    fn report(&self) {
        match self.merge.no_records() {
            0 => {}
            1 => eprintln!("chat: 1 line was no record"),
            count => eprintln!("chat: {count} lines were no records"),
        }
    }
}

/// Whether there is more to show.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    More,
    Waiting,
    Ended,
}

/// Why nothing more is shown.
enum Stop {
    Read(Failure),
    Written(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Written(error)
    }
}
