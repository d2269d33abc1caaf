//! The lines that a process of tests writes to its log. Shared by the tests of several adapters.

use std::io;
use std::sync::{Mutex, OnceLock, PoisonError};

/// The lines of all tests of this process.
static LINES: Mutex<String> = Mutex::new(String::new());

struct Lines;

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push_str(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Takes every line of the process from now on.
pub(crate) fn listen() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(|| Lines)
            .init();
    });
}

/// The lines so far that hold all of these texts.
pub(crate) fn lines_with(texts: &[&str]) -> Vec<String> {
    let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    let matching = lines
        .lines()
        .filter(|line| texts.iter().all(|text| line.contains(text)));
    matching.map(str::to_owned).collect()
}
