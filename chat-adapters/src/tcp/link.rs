//! One connection: moves bytes between a socket and the chat's `Connection`.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use chat_core::protocol::LineDecoder;
use chat_core::{Connection, Next};
use futures_util::FutureExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::coop;
use tokio::time::timeout;

use super::outgoing::Outgoing;

/// How many bytes are read at once. An unfinished frame and one such piece are all that waits
/// here, as nothing is read before the connection wants more.
const READ_BYTES: usize = 16_384;

/// A socket with the connection behind it. One task owns it; everything that a cancelled wait
/// must not lose is a field.
#[derive(Debug)]
pub(super) struct Link {
    socket: TcpStream,
    connection: Connection,
    decoder: LineDecoder,
    input: Input,
    frames: Vec<Bytes>,
    outgoing: Outgoing,
    close_timeout: Duration,
}

/// What may still come from the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Input {
    /// Anything.
    Open,
    /// No further bytes; what came may not have been taken yet.
    Ended,
    /// Nothing: all was taken, or what came cannot be read.
    Closed,
}

/// What the wait of a turn ended with.
enum Turn {
    Readable,
    Writable,
    Frames(Next),
}

impl Link {
    pub(super) fn new(socket: TcpStream, connection: Connection, close_timeout: Duration) -> Self {
        Self {
            decoder: LineDecoder::new(connection.max_frame()),
            socket,
            connection,
            input: Input::Open,
            frames: Vec::new(),
            outgoing: Outgoing::default(),
            close_timeout,
        }
    }

    /// Serves the connection until either side ends it.
    pub(super) async fn run(mut self) {
        match self.exchange().await {
            // Boxed, because it would make the task of every idle connection larger.
            Ok(()) => Box::pin(self.close()).await,
            Err(error) => tracing::debug!(%error, "a connection was cut off"),
        }
    }

    /// Moves frames both ways until the connection wants to close.
    async fn exchange(&mut self) -> io::Result<()> {
        loop {
            // A peer that is always ready must not keep others from their turn.
            coop::consume_budget().await;
            self.take_frames();
            match self.turn().await? {
                Turn::Readable => self.read()?,
                Turn::Writable => self.write()?,
                Turn::Frames(Next::Write) => {
                    self.outgoing.take(&mut self.frames);
                    self.write()?;
                }
                Turn::Frames(Next::Close) => {
                    self.outgoing.take(&mut self.frames);
                    return Ok(());
                }
            }
        }
    }

    /// Waits until something can be done.
    async fn turn(&mut self) -> io::Result<Turn> {
        let reading = self.input == Input::Open && self.connection.wants_frames();
        let writing = !self.outgoing.is_empty();
        // Every branch is cancel safe: readiness moves no byte, and `next_frames` leaves what it
        // has in the connection or in `frames`. The order is random, so that neither side starves.
        tokio::select! {
            ready = self.socket.readable(), if reading => ready.map(|()| Turn::Readable),
            ready = self.socket.writable(), if writing => ready.map(|()| Turn::Writable),
            next = self.connection.next_frames(&mut self.frames), if !writing => Ok(Turn::Frames(next)),
        }
    }

    /// Hands over whole frames for as long as the connection wants them.
    fn take_frames(&mut self) {
        while self.input != Input::Closed && self.connection.wants_frames() {
            match self.decoder.next_frame() {
                Ok(Some(frame)) => self.connection.receive(&frame),
                Ok(None) if self.input == Input::Open => return,
                Ok(None) => {
                    self.connection.end_of_input();
                    self.input = Input::Closed;
                }
                Err(_) => {
                    self.connection.frame_too_large();
                    self.input = Input::Closed;
                }
            }
        }
    }

    /// Reads once. The buffer is made only now, so that a silent connection holds none.
    fn read(&mut self) -> io::Result<()> {
        let buffer = self.decoder.buffer_mut();
        buffer.reserve(READ_BYTES);
        // Unlike `try_read_buf` this notes a short read, which saves the system call that would
        // only say that nothing is left.
        match self.socket.read_buf(buffer).now_or_never() {
            Some(Ok(0)) => self.input = Input::Ended,
            Some(Ok(_)) | None => {}
            Some(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            Some(Err(error)) => return Err(error),
        }
        Ok(())
    }

    /// Writes as much as the socket takes.
    fn write(&mut self) -> io::Result<()> {
        while !self.outgoing.is_empty() {
            match self.socket.try_write(self.outgoing.rest()) {
                Ok(count) => self.outgoing.advance(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.connection.written();
        Ok(())
    }

    /// Writes what is due, then closes. The connection counts until its socket is gone.
    async fn close(self) {
        let Self {
            socket,
            connection,
            outgoing,
            close_timeout,
            ..
        } = self;
        part(socket, outgoing, close_timeout).await;
        drop(connection);
    }
}

/// Writes what is left and closes such that the peer can read it: a socket that is closed while
/// bytes of the peer wait unread is reset, and the peer may lose what was written last.
pub(super) async fn part(mut socket: TcpStream, outgoing: Outgoing, deadline: Duration) {
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
