//! One connection: moves frames between a wire and the chat's `Connection`.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use chat_core::{Connection, ConnectionEnd, Next};
use metrics::Counter;
use tokio::task::coop;

use super::outgoing::Outgoing;
use super::parting::part;
use super::wire::{Unreadable, Wire};

/// What each connection of a transport counts.
#[derive(Clone, Debug)]
pub(crate) struct Traffic {
    pub(crate) received: Counter,
    pub(crate) sent: Counter,
}

/// A wire with the connection behind it. One task owns it; everything that a cancelled wait must
/// not lose is a field.
#[derive(Debug)]
pub(crate) struct Link<W> {
    wire: W,
    connection: Connection,
    end: ConnectionEnd,
    input: Input,
    frames: Vec<Bytes>,
    outgoing: Outgoing,
    /// Whether the wire has taken bytes that it may keep within itself.
    unflushed: bool,
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

/// What a turn was for.
enum Turn {
    /// Something has come.
    Read,
    /// All that was packed is written.
    Written,
    /// The connection gave frames, or wants to close.
    Frames(Next),
    /// The connection takes frames again that wait in the wire.
    Take,
    /// The wire has packed something of its own.
    Own,
}

impl<W: Wire> Link<W> {
    pub(crate) fn new(wire: W, connection: Connection, close_timeout: Duration, traffic: Traffic) -> Self {
        Self {
            wire,
            end: connection.end(),
            connection,
            input: Input::Open,
            frames: Vec::new(),
            outgoing: Outgoing::default(),
            unflushed: false,
            input_first: true,
            close_timeout,
            traffic,
        }
    }

    /// Serves the connection until either side ends it.
    ///
    /// Boxed, because a future keeps what it is given twice: as an argument, and as what it works on.
    pub(crate) async fn run(mut self: Box<Self>) {
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
                Turn::Take | Turn::Read | Turn::Written => {}
                Turn::Own => self.write().await?,
                Turn::Frames(next) => {
                    self.wire.pack(&mut self.frames, &mut self.outgoing);
                    if next == Next::Close {
                        return Ok(());
                    }
                    self.write().await?;
                }
            }
        }
    }

    /// Waits until something was done or can be.
    async fn turn(&mut self) -> io::Result<Turn> {
        let end = self.end.clone();
        // Both branches are cancel safe: bytes and frames go into fields.
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
        if let Poll::Ready(turn) = self.poll_input(cx) {
            return Poll::Ready(turn);
        }
        self.poll_own(cx)
    }

    fn poll_input(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Turn>> {
        if !self.hears() {
            return Poll::Pending;
        }
        match ready!(self.wire.poll_read(cx))? {
            Some(0) => self.input = Input::Ended,
            Some(count) => self.traffic.received.increment(count as u64),
            None => {}
        }
        Poll::Ready(Ok(Turn::Read))
    }

    /// Whether anything is read at this moment.
    fn hears(&self) -> bool {
        self.input == Input::Open && self.connection.wants_frames()
    }

    /// No frames are asked for before the last ones are written: what comes meanwhile waits in
    /// the store.
    fn poll_output(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Turn>> {
        if self.is_written() {
            return self
                .connection
                .poll_frames(cx, &mut self.frames)
                .map(Turn::Frames)
                .map(Ok);
        }
        self.poll_write(cx).map_ok(|()| Turn::Written)
    }

    fn poll_own(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Turn>> {
        if !self.is_written() {
            return Poll::Pending;
        }
        let hears = self.hears();
        self.wire
            .poll_own(cx, hears, &mut self.outgoing)
            .map_ok(|()| Turn::Own)
    }

    /// Hands over whole frames for as long as the connection wants them.
    fn take_frames(&mut self) {
        while self.input != Input::Closed && self.connection.wants_frames() {
            match self.wire.next_frame() {
                Ok(Some(frame)) => self.connection.receive(&frame),
                Ok(None) if self.input == Input::Open => return,
                Ok(None) | Err(Unreadable::Over) => {
                    self.connection.end_of_input();
                    self.input = Input::Closed;
                }
                Err(Unreadable::TooLarge) => {
                    self.connection.frame_too_large();
                    self.input = Input::Closed;
                }
            }
        }
    }

    /// Writes what the wire takes at once; the rest waits for its turn.
    async fn write(&mut self) -> io::Result<()> {
        poll_fn(|cx| match self.poll_write(cx) {
            Poll::Ready(written) => Poll::Ready(written),
            Poll::Pending => Poll::Ready(Ok(())),
        })
        .await
    }

    /// Whether all that was packed has gone out.
    const fn is_written(&self) -> bool {
        self.outgoing.is_empty() && !self.unflushed
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.outgoing.is_empty() {
            match ready!(self.wire.poll_write(cx, self.outgoing.rest())) {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(count) => {
                    self.unflushed = true;
                    self.outgoing.advance(count);
                    self.traffic.sent.increment(count as u64);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        ready!(self.wire.poll_flush(cx))?;
        self.unflushed = false;
        self.connection.written();
        Poll::Ready(Ok(()))
    }

    /// Writes what is due, then closes. The connection counts until its socket is gone.
    async fn close(self: Box<Self>) {
        let Self {
            wire,
            connection,
            end,
            mut outgoing,
            close_timeout,
            traffic,
            ..
        } = *self;
        let socket = wire.end(connection.goodbye(), &mut outgoing);
        traffic.sent.increment(outgoing.rest().len() as u64);
        // Cancel safe: whatever an overdue end cuts short was to be thrown away.
        tokio::select! {
            () = part(socket, outgoing, close_timeout) => {}
            () = end.overdue() => {}
        }
        drop(connection);
    }
}

#[cfg(test)]
#[path = "exchange_tests.rs"]
mod tests;
