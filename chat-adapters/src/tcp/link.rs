//! One connection: moves bytes between a socket and the chat's `Connection`.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use chat_core::protocol::LineDecoder;
use chat_core::{Connection, ConnectionEnd, Next};
use futures_util::FutureExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::coop;
use tokio::time::timeout;

use super::meters::Traffic;
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
    end: ConnectionEnd,
    decoder: LineDecoder,
    input: Input,
    frames: Vec<Bytes>,
    outgoing: Outgoing,
    /// Alternates, so that neither a client that asks without end nor one that gets without end
    /// keeps the other direction from its turn.
    input_first: bool,
    close_timeout: Duration,
    traffic: Traffic,
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

/// What a turn is for.
enum Turn {
    /// Bytes may have come.
    Read,
    /// The socket takes bytes again.
    Write,
    /// The connection gave frames, or wants to close.
    Frames(Next),
    /// The connection takes frames again that wait in the decoder.
    Take,
}

impl Link {
    /// A link that takes what was already `read` from the socket first.
    pub(super) fn new(
        socket: TcpStream,
        connection: Connection,
        read: &[u8],
        close_timeout: Duration,
        traffic: Traffic,
    ) -> Self {
        let mut decoder = LineDecoder::new(connection.max_frame());
        decoder.extend(read);
        Self {
            decoder,
            end: connection.end(),
            socket,
            connection,
            input: Input::Open,
            frames: Vec::new(),
            outgoing: Outgoing::default(),
            input_first: true,
            close_timeout,
            traffic,
        }
    }

    /// Serves the connection until either side ends it.
    ///
    /// Boxed, because a future keeps what it is given twice: as an argument, and as what it works on.
    pub(super) async fn run(mut self: Box<Self>) {
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
            let turn = self.turn().await?;
            self.input_first = !matches!(turn, Turn::Read);
            match turn {
                Turn::Take => {}
                Turn::Read => self.read()?,
                Turn::Write => self.write()?,
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
        let end = self.end.clone();
        // Both branches are cancel safe: polling moves no byte, and frames go into a field.
        tokio::select! {
            turn = poll_fn(|cx| self.poll_turn(cx)) => turn,
            () = end.overdue() => Err(io::Error::new(io::ErrorKind::TimedOut, "the goodbye is overdue")),
        }
    }

    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Turn>> {
        if self.input_first
            && let Poll::Ready(turn) = self.poll_input(cx)
        {
            return Poll::Ready(turn);
        }
        let wanted_frames = self.connection.wants_frames();
        if let Poll::Ready(turn) = self.poll_output(cx) {
            return Poll::Ready(turn);
        }
        if !wanted_frames && self.connection.wants_frames() {
            return Poll::Ready(Ok(Turn::Take));
        }
        self.poll_input(cx)
    }

    fn poll_input(&self, cx: &mut Context<'_>) -> Poll<io::Result<Turn>> {
        if self.input != Input::Open || !self.connection.wants_frames() {
            return Poll::Pending;
        }
        ready!(self.socket.poll_read_ready(cx))?;
        Poll::Ready(Ok(Turn::Read))
    }

    /// No frames are asked for before the last ones are written: what comes meanwhile waits in
    /// the store.
    fn poll_output(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Turn>> {
        if self.outgoing.is_empty() {
            return self
                .connection
                .poll_frames(cx, &mut self.frames)
                .map(Turn::Frames)
                .map(Ok);
        }
        ready!(self.socket.poll_write_ready(cx))?;
        Poll::Ready(Ok(Turn::Write))
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
            Some(Ok(count)) => self.traffic.received.increment(count as u64),
            None => {}
            Some(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            Some(Err(error)) => return Err(error),
        }
        Ok(())
    }

    /// Writes as much as the socket takes.
    fn write(&mut self) -> io::Result<()> {
        while !self.outgoing.is_empty() {
            match self.socket.try_write(self.outgoing.rest()) {
                Ok(count) => {
                    self.outgoing.advance(count);
                    self.traffic.sent.increment(count as u64);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.connection.written();
        Ok(())
    }

    /// Writes what is due, then closes. The connection counts until its socket is gone.
    async fn close(self: Box<Self>) {
        let Self {
            socket,
            connection,
            end,
            outgoing,
            close_timeout,
            traffic,
            ..
        } = *self;
        traffic.sent.increment(outgoing.rest().len() as u64);
        // Cancel safe: whatever an overdue end cuts short was to be thrown away.
        tokio::select! {
            () = part(socket, outgoing, close_timeout) => {}
            () = end.overdue() => {}
        }
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
