//! Accepting connections, also while the process has no file descriptor left.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use chat_core::meters::Metric;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep_until};

/// The first pause after a failed accept; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A listener that waits out a lack of resources instead of spinning or giving up.
#[derive(Debug)]
pub(crate) struct Acceptor {
    listener: TcpListener,
    /// Counts the failures.
    failures: Metric,
    trouble: Option<Trouble>,
}

/// Kept in the struct, so that a cancelled wait goes on where it stopped.
#[derive(Clone, Copy, Debug)]
struct Trouble {
    pause: Duration,
    retry_at: Instant,
}

impl Acceptor {
    pub(crate) const fn new(listener: TcpListener, failures: Metric) -> Self {
        Self {
            listener,
            failures,
            trouble: None,
        }
    }

    /// The next connection. Cancel safe.
    ///
    /// # Errors
    /// Where the listener itself is of no use any more.
    pub(crate) async fn next(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        loop {
            if let Some(trouble) = self.trouble {
                sleep_until(trouble.retry_at).await;
            }
            match self.listener.accept().await {
                Ok(accepted) => {
                    self.recovered();
                    return Ok(accepted);
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) if is_of_the_listener(&error) => return Err(error),
                Err(error) => self.troubled(&error),
            }
        }
    }

    /// One log line for a change of state, not for every attempt.
    fn troubled(&mut self, error: &io::Error) {
        self.failures.count(&[]).increment(1);
        if self.trouble.is_none() {
            tracing::warn!(%error, "no connection can be accepted; trying again until one can");
        }
        let pause = self
            .trouble
            .map_or(FIRST_PAUSE, |trouble| (trouble.pause * 2).min(LONGEST_PAUSE));
        self.trouble = Some(Trouble {
            pause,
            retry_at: Instant::now() + pause,
        });
    }

    fn recovered(&mut self) {
        if self.trouble.take().is_some() {
            tracing::info!("connections are accepted again");
        }
    }
}

/// The peer was gone before it was accepted; the next one may be there already.
fn is_of_one_connection(error: &io::Error) -> bool {
    use ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted, TimedOut};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted | TimedOut
    )
}

fn is_of_the_listener(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::InvalidInput | ErrorKind::NotConnected | ErrorKind::Unsupported
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_to_a_bound_and_end_with_the_first_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut acceptor = Acceptor::new(listener, Metric::counter("failures_total", "Failures"));
        let no_descriptor_left = io::Error::other("too many open files");
        for _ in 0..20 {
            acceptor.troubled(&no_descriptor_left);
        }
        let trouble = acceptor.trouble.unwrap();
        assert_eq!(trouble.pause, LONGEST_PAUSE);
        assert!(trouble.retry_at <= Instant::now() + LONGEST_PAUSE);

        let client = std::net::TcpStream::connect(address).unwrap();
        let (_, peer) = acceptor.next().await.unwrap();
        assert_eq!(peer, client.local_addr().unwrap());
        assert!(acceptor.trouble.is_none());
    }

    #[test]
    fn only_errors_of_one_connection_are_retried_at_once() {
        for kind in [ErrorKind::ConnectionAborted, ErrorKind::ConnectionReset] {
            assert!(is_of_one_connection(&kind.into()));
        }
        // EMFILE, ENFILE, ENOBUFS and ENOMEM: another attempt at once would fail the same way.
        for code in [24, 23, 105, 12] {
            let error = io::Error::from_raw_os_error(code);
            assert!(
                !is_of_one_connection(&error) && !is_of_the_listener(&error),
                "{error}"
            );
        }
    }
}
