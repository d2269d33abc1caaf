//! Noticing peers that are gone without a word.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

/// When a silent peer is asked whether it is still there, and how long it has to answer.
///
/// Browsers answer by themselves, as long as the page reads what comes. A ping also keeps proxies
/// from closing a connection on which nothing passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// The silence after which it is asked.
    pub after: Duration,
    /// The time in which anything has to come from it then; otherwise the connection is cut off.
    pub timeout: Duration,
}

impl Default for Heartbeat {
    fn default() -> Self {
        Self {
            after: Duration::from_secs(30),
            timeout: Duration::from_secs(20),
        }
    }
}

/// The heartbeat of one connection.
#[derive(Debug)]
pub(super) struct Pulse {
    heartbeat: Heartbeat,
    heard_at: Instant,
    phase: Phase,
    timer: Pin<Box<Sleep>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The peer was heard, and the timer ends the silence after which it is asked.
    Heard,
    /// The ping was packed, and may not be written yet.
    Asking,
    /// The ping was written, and the timer ends the time for an answer.
    Asked,
}

/// What the time has come for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beat {
    /// A ping.
    Ask,
    /// The end: the peer is gone.
    Gone,
}

impl Pulse {
    pub(super) fn new(heartbeat: Heartbeat) -> Self {
        Self {
            heartbeat,
            heard_at: Instant::now(),
            phase: Phase::Heard,
            timer: Box::pin(sleep(heartbeat.after)),
        }
    }

    /// Something has come, whatever it was.
    pub(super) fn heard(&mut self) {
        self.heard_at = Instant::now();
        if self.phase != Phase::Heard {
            self.phase = Phase::Heard;
            self.timer.as_mut().reset(self.heard_at + self.heartbeat.after);
        }
    }

    /// Waits for the next beat. To be asked only while nothing waits to be written: a peer that
    /// reads slowly has its time from when the ping is written. `is_heard` tells whether anything
    /// is read from it; while it is not, it cannot be found to be silent.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, is_heard: bool) -> Poll<Beat> {
        if self.phase == Phase::Asking {
            self.phase = Phase::Asked;
            self.wait_from(Instant::now());
        }
        loop {
            ready!(self.timer.as_mut().poll(cx));
            let now = Instant::now();
            let silent_at = self.heard_at + self.heartbeat.after;
            match self.phase {
                Phase::Heard if now < silent_at => self.timer.as_mut().reset(silent_at),
                Phase::Heard | Phase::Asking => {
                    self.phase = Phase::Asking;
                    return Poll::Ready(Beat::Ask);
                }
                Phase::Asked if !is_heard => self.wait_from(now),
                Phase::Asked => return Poll::Ready(Beat::Gone),
            }
        }
    }

    fn wait_from(&mut self, now: Instant) {
        self.timer.as_mut().reset(now + self.heartbeat.timeout);
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::time::{advance, timeout};

    use super::*;

    const AFTER: Duration = Duration::from_secs(30);
    const TIMEOUT: Duration = Duration::from_secs(20);
    const MOMENT: Duration = Duration::from_millis(10);

    fn pulse() -> Pulse {
        Pulse::new(Heartbeat {
            after: AFTER,
            timeout: TIMEOUT,
        })
    }

    /// The next beat within a time that stands still where nothing waits.
    async fn beat(pulse: &mut Pulse, within: Duration, is_heard: bool) -> Option<Beat> {
        timeout(within, poll_fn(|cx| pulse.poll(cx, is_heard))).await.ok()
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_silent_is_asked_and_then_gone() {
        let mut pulse = pulse();
        assert_eq!(beat(&mut pulse, AFTER - MOMENT, true).await, None);
        assert_eq!(beat(&mut pulse, MOMENT * 2, true).await, Some(Beat::Ask));
        assert_eq!(beat(&mut pulse, TIMEOUT - MOMENT, true).await, None);
        assert_eq!(beat(&mut pulse, MOMENT * 2, true).await, Some(Beat::Gone));
    }

    #[tokio::test(start_paused = true)]
    async fn who_speaks_is_not_asked_and_who_answers_is_asked_again() {
        let mut pulse = pulse();
        for _ in 0..3 {
            assert_eq!(beat(&mut pulse, AFTER - MOMENT, true).await, None);
            pulse.heard();
        }
        for _ in 0..3 {
            assert_eq!(beat(&mut pulse, AFTER + MOMENT, true).await, Some(Beat::Ask));
            assert_eq!(beat(&mut pulse, TIMEOUT - MOMENT, true).await, None);
            pulse.heard();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_for_an_answer_begins_when_the_ping_is_written() {
        let mut pulse = pulse();
        assert_eq!(beat(&mut pulse, AFTER + MOMENT, true).await, Some(Beat::Ask));
        // While the ping waits to be written nobody asks for a beat.
        advance(TIMEOUT * 10).await;
        assert_eq!(beat(&mut pulse, TIMEOUT - MOMENT, true).await, None);
        assert_eq!(beat(&mut pulse, MOMENT * 2, true).await, Some(Beat::Gone));
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_not_read_from_is_never_gone() {
        let mut pulse = pulse();
        assert_eq!(beat(&mut pulse, AFTER + MOMENT, false).await, Some(Beat::Ask));
        assert_eq!(beat(&mut pulse, TIMEOUT * 10, false).await, None);
        assert_eq!(beat(&mut pulse, TIMEOUT + MOMENT, true).await, Some(Beat::Gone));
    }
}
