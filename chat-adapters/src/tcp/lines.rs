//! A TCP socket whose frames are lines.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use chat_core::protocol::{Goodbye, LineDecoder};
use futures_util::FutureExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWrite as _};
use tokio::net::TcpStream;

use crate::link::{Outgoing, READ_BYTES, Unreadable, Wire};

/// A socket with what has come and is not yet taken.
#[derive(Debug)]
pub(super) struct Lines {
    socket: TcpStream,
    decoder: LineDecoder,
}

impl Lines {
    /// Lines of at most `max_frame` bytes, of which some was already `read` from the socket.
    pub(super) fn new(socket: TcpStream, max_frame: usize, read: &[u8]) -> Self {
        let mut decoder = LineDecoder::new(max_frame);
        decoder.extend(read);
        Self { socket, decoder }
    }
}

/// Adds frames, each with its line end.
pub(super) fn pack(frames: &mut Vec<Bytes>, outgoing: &mut Outgoing) {
    outgoing.take(frames, 1, |frame, bytes| {
        bytes.extend_from_slice(frame);
        bytes.push(b'\n');
    });
}

impl Wire for Lines {
    type Socket = TcpStream;

    /// The buffer is made only when something has come, so that a silent connection holds none.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<usize>>> {
        ready!(self.socket.poll_read_ready(cx))?;
        let buffer = self.decoder.buffer_mut();
        buffer.reserve(READ_BYTES);
        // Unlike `try_read_buf` this notes a short read, which saves the system call that would
        // only say that nothing is left.
        Poll::Ready(match self.socket.read_buf(buffer).now_or_never() {
            Some(Err(error)) if error.kind() == io::ErrorKind::Interrupted => Ok(None),
            Some(read) => read.map(Some),
            None => Ok(None),
        })
    }

    fn next_frame(&mut self) -> Result<Option<Bytes>, Unreadable> {
        self.decoder.next_frame().map_err(|_| Unreadable::TooLarge)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(cx, bytes)
    }

    fn pack(&mut self, frames: &mut Vec<Bytes>, outgoing: &mut Outgoing) {
        pack(frames, outgoing);
    }

    /// TCP has no words of its own: whether the peer is there, the system asks.
    fn poll_own(&mut self, _: &mut Context<'_>, _: bool, _: &mut Outgoing) -> Poll<io::Result<()>> {
        Poll::Pending
    }

    fn end(self, _: Option<&Goodbye>, _: &mut Outgoing) -> TcpStream {
        self.socket
    }
}
