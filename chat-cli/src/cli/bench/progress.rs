//! How far a load has come, on a terminal.

use std::pin::pin;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::{Instant, MissedTickBehavior, interval};

/// The time between two changes of what is shown.
pub(super) const SHOW: Duration = Duration::from_millis(200);

/// A bar on standard error, which shows only where that is a terminal.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    pub(super) fn new(is_wanted: bool) -> Self {
        let target = if is_wanted {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{msg:30} [{wide_bar}] {pos}/{len}") {
            bar.set_style(style.progress_chars("=> "));
        }
        Self { bar }
    }

    /// A step begins, which has so many parts.
    pub(super) fn begin(&self, what: &'static str, parts: usize) {
        self.bar.reset();
        self.bar.set_length(parts as u64);
        self.bar.set_message(what);
    }

    pub(super) fn reach(&self, part: usize) {
        self.bar.set_position(part as u64);
    }

    /// Shows the time that has passed of a measurement, and a rate.
    pub(super) fn show(&self, passed: Duration, rate: f64) {
        self.bar.set_position(passed.as_secs());
        self.bar.set_message(format!("{rate:.0} messages/s"));
    }

    /// Shows the time that passes, of what it will take, while work is done.
    pub(super) async fn during<T>(
        &self,
        what: &'static str,
        time: Duration,
        work: impl Future<Output = T>,
    ) -> T {
        self.begin(what, time.as_secs() as usize);
        let begun = Instant::now();
        let mut ticks = interval(SHOW);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut work = pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                _ = ticks.tick() => self.bar.set_position(begun.elapsed().as_secs()),
            }
        }
    }

    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
