//! Fixtures of the in-memory backends. A handle is a further reference to the same one.

use std::io::Write;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chat_core::BackendError;
use chat_core::contract::{ReadableLog, Shared};
use chat_core::faulty::{Faults, Faulty};
use chat_core::memory::{JsonLinesLog, MemoryBus, MemoryLog, MemoryPresence, MemoryStore, StaticRegistry};
use chat_core::ports::{Bus, EventLog, LogRecord, Presence, Registry, Stores};

pub(crate) fn store() -> Shared<Stores> {
    Shared::new(Stores::of(Arc::<MemoryStore>::default()))
}

pub(crate) fn bus() -> Shared<Arc<dyn Bus>> {
    Shared::new(Arc::<MemoryBus>::default())
}

pub(crate) fn presence() -> Shared<Arc<dyn Presence>> {
    Shared::new(Arc::<MemoryPresence>::default())
}

pub(crate) fn registry() -> Shared<Arc<dyn Registry>> {
    Shared::new(Arc::<StaticRegistry>::default())
}

pub(crate) fn log() -> Shared<Arc<dyn ReadableLog>> {
    Shared::new(Arc::<ReadableMemoryLog>::default())
}

pub(crate) fn json_log() -> Shared<Arc<dyn ReadableLog>> {
    Shared::new(Arc::<ReadableJsonLog>::default())
}

pub(crate) fn faulty_store() -> Shared<Stores> {
    Shared::new(Stores::of(Arc::new(faultless(Arc::<MemoryStore>::default()))))
}

pub(crate) fn faulty_bus() -> Shared<Arc<dyn Bus>> {
    Shared::new(Arc::new(faultless(Arc::<MemoryBus>::default())))
}

pub(crate) fn faulty_presence() -> Shared<Arc<dyn Presence>> {
    Shared::new(Arc::new(faultless(Arc::<MemoryPresence>::default())))
}

pub(crate) fn faulty_registry() -> Shared<Arc<dyn Registry>> {
    Shared::new(Arc::new(faultless(Arc::<StaticRegistry>::default())))
}

pub(crate) fn faulty_log() -> Shared<Arc<dyn ReadableLog>> {
    Shared::new(Arc::<ReadableFaultyLog>::default())
}

fn faultless<P>(inner: Arc<P>) -> Faulty<P> {
    Faulty::new(inner, Faults::default())
}

/// A wrapped log, and what it wraps, which can be read.
struct ReadableFaultyLog {
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
struct ReadableMemoryLog(MemoryLog);

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
struct ReadableJsonLog {
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
