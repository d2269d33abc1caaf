//! A task of the node that fails is seen, and the node says that it has failed.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chat_core::ports::Backends;
use chat_core::{Chat, Clock, Limits, SystemClock, Timestamp, memory};

/// A clock that works until it is broken.
#[derive(Debug, Default)]
struct BreakableClock(AtomicBool);

impl Clock for BreakableClock {
    fn now(&self) -> Timestamp {
        assert!(!self.0.load(Ordering::Acquire), "the clock is broken");
        SystemClock.now()
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_panics_fails_the_node() {
    let clock = Arc::new(BreakableClock::default());
    let backends = Backends {
        clock: Arc::clone(&clock) as _,
        ..memory::backends()
    };
    let limits = Limits {
        presence_interval: Duration::from_millis(10),
        ..Limits::default()
    };
    let chat = Chat::builder(backends).limits(limits).start();
    let hour = Duration::from_secs(3_600);
    assert!(
        tokio::time::timeout(hour, chat.failed()).await.is_err(),
        "it works"
    );

    clock.0.store(true, Ordering::Release);
    tokio::time::timeout(hour, chat.failed())
        .await
        .expect("the failure is seen");
}
