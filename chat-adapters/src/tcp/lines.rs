//! A socket whose frames are lines.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use chat_core::protocol::{Goodbye, LineDecoder};
use futures_util::FutureExt as _;
#[cfg(feature = "tls")]
use tokio::io::AsyncBufRead as _;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::net::TcpStream;

use crate::link::{Outgoing, READ_BYTES, Unreadable, Wire};
#[cfg(feature = "tls")]
use crate::tls::Encrypted;

/// A socket with what has come and is not yet taken.
#[derive(Debug)]
pub(super) struct Lines<S> {
    socket: S,
    decoder: LineDecoder,
}

impl<S> Lines<S> {
    /// Lines of at most `max_frame` bytes, of which some was already `read` from the socket.
    pub(super) fn new(socket: S, max_frame: usize, read: &[u8]) -> Self {
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

/// A socket that is read onto the end of a buffer.
pub(super) trait Receive {
    /// Takes in what has come and answers as [`Wire::poll_read`] does. The buffer gets memory only when something has
    /// come, so that a silent connection holds none.
    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut BytesMut,
    ) -> Poll<io::Result<Option<usize>>>;
}

impl Receive for TcpStream {
    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut BytesMut,
    ) -> Poll<io::Result<Option<usize>>> {
        ready!(self.poll_read_ready(cx))?;
        buffer.reserve(READ_BYTES);
        // Unlike `try_read_buf` this notes a short read, which saves the system call that would
        // only say that nothing is left.
        Poll::Ready(match self.read_buf(buffer).now_or_never() {
            Some(Err(error)) if error.kind() == io::ErrorKind::Interrupted => Ok(None),
            Some(read) => read.map(Some),
            None => Ok(None),
        })
    }
}

#[cfg(feature = "tls")]
impl<S: AsyncRead + AsyncWrite + Unpin> Receive for Encrypted<S> {
    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut BytesMut,
    ) -> Poll<io::Result<Option<usize>>> {
        let come = ready!(Pin::new(&mut *self).poll_fill_buf(cx))?;
        let count = come.len();
        buffer.extend_from_slice(come);
        Pin::new(self).consume(count);
        Poll::Ready(Ok(Some(count)))
    }
}

impl<S: AsyncRead + AsyncWrite + Receive + Send + Unpin> Wire for Lines<S> {
    type Socket = S;

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<usize>>> {
        self.socket.poll_receive(cx, self.decoder.buffer_mut())
    }

    fn next_frame(&mut self) -> Result<Option<Bytes>, Unreadable> {
        self.decoder.next_frame().map_err(|_| Unreadable::TooLarge)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(cx, bytes)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn pack(&mut self, frames: &mut Vec<Bytes>, outgoing: &mut Outgoing) {
        pack(frames, outgoing);
    }

    /// TCP has no words of its own: whether the peer is there, the system asks.
    fn poll_own(&mut self, _: &mut Context<'_>, _: bool, _: &mut Outgoing) -> Poll<io::Result<()>> {
        Poll::Pending
    }

    fn end(self, _: Option<&Goodbye>, _: &mut Outgoing) -> S {
        self.socket
    }
}
