//! Noticing peers that vanished without a word.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

/// When the system asks a silent peer whether it is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keepalive {
    /// The silence after which it asks first; systems count in whole seconds.
    pub after: Duration,
    /// The time between two further questions; after several without an answer, nine on Linux, the
    /// connection ends.
    pub interval: Duration,
}

impl Default for Keepalive {
    fn default() -> Self {
        Self {
            after: Duration::from_secs(60),
            interval: Duration::from_secs(15),
        }
    }
}

impl Keepalive {
    pub(super) fn set_on(self, socket: &TcpStream) -> io::Result<()> {
        let second = Duration::from_secs(1);
        let keepalive = TcpKeepalive::new()
            .with_time(self.after.max(second))
            .with_interval(self.interval.max(second));
        SockRef::from(socket).set_tcp_keepalive(&keepalive)
    }
}
