use std::io::{self, BufRead, BufReader, Read};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use crate::wait::{DEADLINE, late};

/// Text that grows while others wait for it.
#[derive(Debug, Default)]
struct Text {
    text: Mutex<String>,
    grown: Condvar,
}

/// What a process writes, kept as it comes.
#[derive(Debug)]
pub struct Output {
    text: Arc<Text>,
    first_line: Mutex<Receiver<String>>,
    end: Mutex<Receiver<()>>,
}

impl Output {
    pub(crate) fn of(stream: impl Read + Send + 'static) -> Self {
        let text = Arc::<Text>::default();
        let (first_sender, first_line) = sync_channel(1);
        let (end_sender, end) = sync_channel(1);
        let kept = Arc::clone(&text);
        thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            let mut line = Vec::new();
            while stream.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
                let piece = String::from_utf8_lossy(&line).into_owned();
                let mut text = kept.text.lock().unwrap_or_else(PoisonError::into_inner);
                text.push_str(&piece);
                drop(text);
                kept.grown.notify_all();
                // Only the first one is wanted.
                let _ = first_sender.try_send(piece);
                line.clear();
            }
            // Nobody may be waiting.
            let _ = end_sender.send(());
        });
        Self {
            text,
            first_line: Mutex::new(first_line),
            end: Mutex::new(end),
        }
    }

    /// What came so far.
    pub fn text(&self) -> String {
        let text = self.text.text.lock();
        text.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until `part` was written.
    ///
    /// # Errors
    /// Where that does not happen before [`DEADLINE`]; the text holds the output.
    pub fn wait_for(&self, part: &str) -> io::Result<()> {
        let deadline = Instant::now() + DEADLINE;
        let mut text = self.text.text.lock().unwrap_or_else(PoisonError::into_inner);
        while !text.contains(part) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(late(format_args!("{part:?} in the output, which is\n{text}\n")));
            }
            let waited = self.text.grown.wait_timeout(text, left);
            text = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(())
    }

    /// Waits for the first line; `None` where the process ends without one. Answers it once only.
    pub fn first_line(&self) -> Option<String> {
        let line = self.first_line.lock();
        line.unwrap_or_else(PoisonError::into_inner)
            .recv_timeout(DEADLINE)
            .ok()
    }

    /// Waits for the end of the output, and answers all of it.
    ///
    /// # Errors
    /// Where it does not end before [`DEADLINE`].
    pub fn wait_all(&self) -> io::Result<String> {
        use std::sync::mpsc::RecvTimeoutError::Timeout;
        let end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        match end.recv_timeout(DEADLINE) {
            Err(Timeout) => Err(late("the end of the output")),
            Ok(()) | Err(_) => Ok(self.text()),
        }
    }
}
