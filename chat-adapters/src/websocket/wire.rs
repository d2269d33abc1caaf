//! A socket after its handshake, whose frames are text messages.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use chat_core::protocol::Goodbye;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::messages::{HEADER_BYTES, Messages, pack_text, ping};
use super::meters::{DEAD_PEERS, Open};
use super::pulse::{Beat, Heartbeat, Pulse};
use crate::link::{Outgoing, READ_BYTES, Unreadable, Wire};

/// A socket with the state of the protocol on it.
#[derive(Debug)]
pub(super) struct MessageWire<S> {
    socket: S,
    messages: Messages,
    pulse: Option<Pulse>,
    _open: Open,
}

impl<S> MessageWire<S> {
    pub(super) fn new(socket: S, max_frame: usize, heartbeat: Option<Heartbeat>) -> Self {
        Self {
            socket,
            messages: Messages::new(max_frame),
            pulse: heartbeat.map(Pulse::new),
            _open: Open::count(),
        }
    }

    /// Adds the answer to the last ping, where it waits.
    fn pack_reply(&mut self, outgoing: &mut Outgoing) -> bool {
        let waits = !self.messages.reply().is_empty();
        if waits {
            outgoing.extend(self.messages.reply());
            self.messages.reply_taken();
        }
        waits
    }
}

/// Adds frames, each as one message.
pub(super) fn pack(frames: &mut Vec<Bytes>, outgoing: &mut Outgoing) {
    outgoing.take(frames, HEADER_BYTES, pack_text);
}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Wire for MessageWire<S> {
    type Socket = S;

    /// Reads onto the stack, as nobody says whether anything has come: a silent connection holds no
    /// buffer.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<usize>>> {
        let mut space = [const { MaybeUninit::uninit() }; READ_BYTES];
        let mut read = ReadBuf::uninit(&mut space);
        ready!(Pin::new(&mut self.socket).poll_read(cx, &mut read))?;
        self.messages.extend(read.filled());
        if let Some(pulse) = &mut self.pulse {
            pulse.heard();
        }
        Poll::Ready(Ok(Some(read.filled().len())))
    }

    fn next_frame(&mut self) -> Result<Option<Bytes>, Unreadable> {
        self.messages.next()
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(cx, bytes)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn pack(&mut self, frames: &mut Vec<Bytes>, outgoing: &mut Outgoing) {
        self.pack_reply(outgoing);
        pack(frames, outgoing);
    }

    fn poll_own(
        &mut self,
        cx: &mut Context<'_>,
        is_heard: bool,
        outgoing: &mut Outgoing,
    ) -> Poll<io::Result<()>> {
        if self.pack_reply(outgoing) {
            return Poll::Ready(Ok(()));
        }
        let Some(pulse) = &mut self.pulse else {
            return Poll::Pending;
        };
        Poll::Ready(match ready!(pulse.poll(cx, is_heard)) {
            Beat::Ask => {
                outgoing.extend(&ping());
                Ok(())
            }
            Beat::Gone => {
                DEAD_PEERS.count(&[]).increment(1);
                Err(io::Error::new(io::ErrorKind::TimedOut, "a ping got no answer"))
            }
        })
    }

    fn end(self, goodbye: Option<&Goodbye>, outgoing: &mut Outgoing) -> S {
        outgoing.extend(&self.messages.close(goodbye));
        self.socket
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::AsyncWriteExt as _;

    use super::*;

    /// However much goes out, no ping waits until nothing more does.
    #[tokio::test]
    async fn the_answer_to_a_ping_goes_out_before_the_frames_that_are_ready() {
        let (mut client, server) = tokio::io::duplex(1_024);
        let mut wire = MessageWire::new(server, 1_024, None);
        let masked_ping = [0x89, 0x81, 0, 0, 0, 0, b'?'];
        client.write_all(&masked_ping).await.unwrap();
        let read = poll_fn(|cx| wire.poll_read(cx)).await.unwrap();
        assert_eq!((read, wire.next_frame()), (Some(masked_ping.len()), Ok(None)));
        let mut outgoing = Outgoing::default();
        wire.pack(&mut vec![Bytes::from_static(b"{}")], &mut outgoing);
        assert_eq!(outgoing.rest(), b"\x8a\x01?\x81\x02{}");
    }
}
