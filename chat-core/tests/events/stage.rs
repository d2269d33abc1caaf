//! A node on backends that fail on command, whose log says of itself what a test wants.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chat_core::faulty::{Faults, Faulty};
use chat_core::memory::{MemoryBackends, MemoryLog};
use chat_core::ports::{Backends, EventLog, LogRecord, LogStatus, Stores};
use chat_core::types::{Password, User, UserName};
use chat_core::{BackendError, Chat, ChatBuilder, Clock, Connection, Limits, Next, SystemClock, Timestamp};
use serde_json::{Map, Value};
use tokio::time::{Instant, sleep, timeout};

use crate::schema::Schema;

/// Longer than anything in a test may take; it passes in paused time.
pub(crate) const LONG: Duration = Duration::from_secs(120);
pub(crate) const PASSWORD: &str = "correct horse";

/// Keeps all records, and is as well as it is told to be.
#[derive(Debug)]
pub(crate) struct MoodyLog {
    records: MemoryLog,
    pub(crate) status: Mutex<LogStatus>,
}

impl Default for MoodyLog {
    fn default() -> Self {
        Self {
            records: MemoryLog::new(1_000_000),
            status: Mutex::default(),
        }
    }
}

#[async_trait]
impl EventLog for MoodyLog {
    fn append(&self, record: LogRecord) {
        self.records.append(record);
    }

    fn status(&self) -> LogStatus {
        *self.status.lock().unwrap()
    }

    async fn flush(&self, _deadline: Duration) -> Result<(), BackendError> {
        Ok(())
    }
}

/// A clock that breaks when it is told to, for whoever asks next.
#[derive(Debug, Default)]
pub(crate) struct BreakableClock(AtomicBool);

impl BreakableClock {
    pub(crate) fn break_once(&self) {
        self.0.store(true, Ordering::Release);
    }
}

impl Clock for BreakableClock {
    fn now(&self) -> Timestamp {
        assert!(!self.0.swap(false, Ordering::AcqRel), "the clock is broken");
        SystemClock.now()
    }
}

#[derive(Default)]
pub(crate) struct Stage {
    pub(crate) store: Faults,
    pub(crate) bus: Faults,
    pub(crate) presence: Faults,
    pub(crate) log: Arc<MoodyLog>,
    pub(crate) shared: MemoryBackends,
}

impl Stage {
    pub(crate) fn backends(&self) -> Backends {
        let shared = &self.shared;
        let store = Faulty::new(Arc::clone(&shared.store), self.store.clone());
        Backends {
            stores: Stores::of(Arc::new(store)),
            bus: Arc::new(Faulty::new(Arc::clone(&shared.bus), self.bus.clone())),
            presence: Arc::new(Faulty::new(Arc::clone(&shared.presence), self.presence.clone())),
            log: Arc::clone(&self.log) as _,
            ..shared.backends()
        }
    }

    pub(crate) fn builder(&self) -> ChatBuilder {
        Chat::builder(self.backends())
    }

    pub(crate) fn chat(&self) -> Chat {
        self.builder().start()
    }

    pub(crate) fn chat_with(&self, limits: Limits) -> Chat {
        self.builder().limits(limits).start()
    }

    /// Everything recorded so far, as the page says it should be.
    pub(crate) fn records(&self) -> Vec<LogRecord> {
        let records = self.log.records.records();
        let schema = Schema::of_the_page();
        records.iter().for_each(|record| schema.check(record));
        records
    }

    /// The fields of all records of an event.
    pub(crate) fn fields_of(&self, event: &str) -> Vec<Map<String, Value>> {
        let records = self.records().into_iter();
        let records = records.filter(|record| record.event == event);
        records.map(|record| record.fields).collect()
    }

    /// The fields of the only record of an event.
    pub(crate) fn only(&self, event: &str) -> Map<String, Value> {
        let mut all = self.fields_of(event);
        assert_eq!(all.len(), 1, "{event}: {all:?}");
        all.remove(0)
    }

    /// Waits until as many records of an event are there.
    pub(crate) async fn wait_for(&self, event: &str, count: usize) {
        let wait = async {
            while self.fields_of(event).len() < count {
                sleep(Duration::from_millis(10)).await;
            }
        };
        let waited = timeout(LONG, wait).await;
        waited.unwrap_or_else(|_| panic!("no {event} in {:?}", self.log.records.records()));
    }
}

pub(crate) fn name(name: &str) -> UserName {
    UserName::parse(name).unwrap()
}

pub(crate) fn password() -> Password {
    Password::parse(PASSWORD).unwrap()
}

pub(crate) async fn user(chat: &Chat, text: &str) -> User {
    chat.ensure_user(name(text)).await.unwrap()
}

/// Sends a frame and reads up to a frame of this type, which it answers.
pub(crate) async fn ask(connection: &mut Connection, frame: &Value, last: &str) -> Value {
    connection.receive(frame.to_string().as_bytes());
    frames_until(connection, last).await.pop().unwrap()
}

/// Reads frames up to one of this type, which is the last of those answered.
pub(crate) async fn frames_until(connection: &mut Connection, last: &str) -> Vec<Value> {
    let mut frames: Vec<Value> = Vec::new();
    let reading = async {
        loop {
            let mut taken: Vec<Bytes> = Vec::new();
            let next = connection.next_frames(&mut taken).await;
            connection.written();
            for frame in taken {
                frames.push(serde_json::from_slice(&frame).unwrap());
                if frames.last().is_some_and(|frame| frame["type"] == last) {
                    return;
                }
            }
            assert_eq!(next, Next::Write, "{frames:?}");
        }
    };
    timeout(LONG, reading).await.expect("the frame comes");
    frames
}

/// How long something took, in paused time.
pub(crate) async fn time_until(holds: impl Fn() -> bool) -> Duration {
    let begun = Instant::now();
    while !holds() {
        sleep(Duration::from_millis(5)).await;
        assert!(begun.elapsed() < LONG, "it never holds");
    }
    begun.elapsed()
}
