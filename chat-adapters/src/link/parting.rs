//! How a socket is closed such that its peer can read the last of it.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;

use super::READ_BYTES;
use super::outgoing::Outgoing;

/// Writes what is left and closes such that the peer can read it: a socket that is closed while
/// bytes of the peer wait unread is reset, and the peer may lose what was written last.
pub(crate) async fn part(
    mut socket: impl AsyncRead + AsyncWrite + Unpin,
    outgoing: Outgoing,
    deadline: Duration,
) {
    let parting = async {
        socket.write_all(outgoing.rest()).await?;
        socket.shutdown().await?;
        let mut ignored = Vec::with_capacity(READ_BYTES);
        while socket.read_buf(&mut ignored).await? > 0 {
            ignored.clear();
        }
        io::Result::Ok(())
    };
    if !matches!(timeout(deadline, parting).await, Ok(Ok(()))) {
        tracing::debug!("a connection did not close in time");
    }
}
