//! What a link needs of a transport.

use std::io;
use std::task::{Context, Poll};

use bytes::Bytes;
use chat_core::protocol::Goodbye;
use tokio::io::{AsyncRead, AsyncWrite};

use super::outgoing::Outgoing;

/// A socket, and how its bytes are cut into frames.
pub(crate) trait Wire {
    /// The socket alone.
    type Socket: AsyncRead + AsyncWrite + Send + Unpin;

    /// Takes in what has come and answers how many bytes that was: 0 where nothing will come any
    /// more, `None` where nothing had come after all. A silent wire holds no buffer.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<usize>>>;

    /// Takes the next whole frame out of what has come; `None` where more has to come first.
    fn next_frame(&mut self) -> Result<Option<Bytes>, Unreadable>;

    /// Writes as many of these bytes as the socket takes.
    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>>;

    /// Passes on what the socket took and keeps within itself, as one that encrypts does.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Adds frames in the form in which they are written, and leaves the list empty and without memory.
    fn pack(&mut self, frames: &mut Vec<Bytes>, outgoing: &mut Outgoing);

    /// Adds what the transport itself has to say, apart from all frames. Asked only where nothing
    /// waits to be written and nothing has come; `is_heard` tells whether anything would be read.
    ///
    /// # Errors
    /// Where the peer is taken for gone.
    fn poll_own(
        &mut self,
        cx: &mut Context<'_>,
        is_heard: bool,
        outgoing: &mut Outgoing,
    ) -> Poll<io::Result<()>>;

    /// Adds the transport's own last word, which comes after the `goodbye` where there was one, and
    /// gives the socket back.
    fn end(self, goodbye: Option<&Goodbye>, outgoing: &mut Outgoing) -> Self::Socket;
}

/// Why no further frame can be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// A frame is longer than any may be.
    TooLarge,
    /// The client has said its last, or what came is none of the transport's: the transport says so
    /// when it ends.
    #[cfg_attr(
        not(feature = "websocket"),
        expect(
            dead_code,
            reason = "lines are neither said to be the last, nor anything else"
        )
    )]
    Over,
}
