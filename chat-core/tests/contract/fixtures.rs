//! Fixtures of the in-memory backends. A handle is a further reference to the same one.

use std::io::Write;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chat_core::BackendError;
use chat_core::contract::{Capabilities, Fixture, ReadableLog};
use chat_core::faulty::{Faults, Faulty};
use chat_core::memory::{JsonLinesLog, MemoryBus, MemoryLog, MemoryPresence, MemoryStore, StaticRegistry};
use chat_core::ports::{self, EventLog, LogRecord, Stores};

/// Defines a fixture whose handles share what is in its field.
macro_rules! shared_fixture {
    ($($name:ident($backend:ty) opens $port:ty as $open:expr;)+) => {$(
        #[derive(Default)]
        pub(crate) struct $name(Arc<$backend>);

        #[async_trait]
        impl Fixture for $name {
            type Port = $port;
            async fn open(&self) -> Result<Self::Port, BackendError> {
                let open: fn(Arc<$backend>) -> $port = $open;
                Ok(open(Arc::clone(&self.0)))
            }
            async fn close(&self) {}
            fn unavailable(&self) -> Option<String> {
                None
            }
            fn capabilities(&self) -> Capabilities {
                Capabilities::default()
            }
        }
    )+};
}

shared_fixture! {
    Store(MemoryStore) opens Stores as Stores::of;
    Bus(MemoryBus) opens Arc<dyn ports::Bus> as |bus| bus;
    Presence(MemoryPresence) opens Arc<dyn ports::Presence> as |presence| presence;
    Registry(StaticRegistry) opens Arc<dyn ports::Registry> as |registry| registry;
    Log(ReadableMemoryLog) opens Arc<dyn ReadableLog> as |log| log;
    JsonLog(ReadableJsonLog) opens Arc<dyn ReadableLog> as |log| log;
    FaultyStore(MemoryStore) opens Stores as |store| Stores::of(Arc::new(faultless(store)));
    FaultyBus(MemoryBus) opens Arc<dyn ports::Bus> as |bus| Arc::new(faultless(bus));
    FaultyPresence(MemoryPresence) opens Arc<dyn ports::Presence> as |presence| Arc::new(faultless(presence));
    FaultyRegistry(StaticRegistry) opens Arc<dyn ports::Registry> as |registry| Arc::new(faultless(registry));
    FaultyLog(ReadableFaultyLog) opens Arc<dyn ReadableLog> as |log| log;
}

fn faultless<P>(inner: Arc<P>) -> Faulty<P> {
    Faulty::new(inner, Faults::default())
}

/// A wrapped log, and what it wraps, which can be read.
pub(crate) struct ReadableFaultyLog {
    wrapped: Faulty<MemoryLog>,
    inner: Arc<MemoryLog>,
}

impl Default for ReadableFaultyLog {
    fn default() -> Self {
        let inner = Arc::<MemoryLog>::default();
        Self {
            wrapped: faultless(Arc::clone(&inner)),
            inner,
        }
    }
}

#[async_trait]
impl ReadableLog for ReadableFaultyLog {
    fn log(&self) -> &dyn EventLog {
        &self.wrapped
    }

    async fn records(&self) -> Result<Vec<LogRecord>, BackendError> {
        Ok(self.inner.records())
    }
}

#[derive(Default)]
pub(crate) struct ReadableMemoryLog(MemoryLog);

#[async_trait]
impl ReadableLog for ReadableMemoryLog {
    fn log(&self) -> &dyn EventLog {
        &self.0
    }

    async fn records(&self) -> Result<Vec<LogRecord>, BackendError> {
        Ok(self.0.records())
    }
}

/// A JSON lines log whose output is read back from memory.
pub(crate) struct ReadableJsonLog {
    log: JsonLinesLog,
    output: Output,
}

#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Default for ReadableJsonLog {
    fn default() -> Self {
        let output = Output::default();
        let log = JsonLinesLog::with_capacity(output.clone(), 1_000).expect("a thread");
        Self { log, output }
    }
}

#[async_trait]
impl ReadableLog for ReadableJsonLog {
    fn log(&self) -> &dyn EventLog {
        &self.log
    }

    async fn records(&self) -> Result<Vec<LogRecord>, BackendError> {
        let output = self.output.0.lock().unwrap();
        let lines = output
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty());
        lines
            .map(serde_json::from_slice)
            .collect::<Result<_, _>>()
            .map_err(|error| BackendError::broken("a line is no record").because(error))
    }
}
