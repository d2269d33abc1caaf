//! A connection as bytes: lines that come, and lines that go when there is room.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use chat_client::Error;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::Notify;

/// Bytes that are read at once. All connections share the room for them.
const CHUNK: usize = 65_536;
/// The longest line that is taken; replies in pages are shorter.
const LONGEST_LINE: usize = 1_048_576;

thread_local! {
    static ROOM: RefCell<Box<[u8]>> = RefCell::new(vec![0; CHUNK].into_boxed_slice());
}

/// Connects.
pub(super) async fn connect(server: &str) -> Result<(Incoming, Outgoing), Error> {
    let unreachable = |source| Error::Unreachable {
        server: server.to_owned(),
        source,
    };
    let socket = TcpStream::connect(server).await.map_err(unreachable)?;
    socket.set_nodelay(true).map_err(unreachable)?;
    let (incoming, outgoing) = socket.into_split();
    Ok((
        Incoming {
            socket: incoming,
            partial: Vec::new(),
        },
        Outgoing {
            socket: outgoing,
            waiting: RefCell::new(Vec::new()),
            has_waiting: Notify::new(),
        },
    ))
}

/// What a connection does with what comes.
pub(super) trait Receive {
    /// Takes a line, without its end.
    fn line(&mut self, line: &[u8]) -> Result<(), Error>;

    /// All that has come for now was taken.
    fn pause(&mut self) -> Result<(), Error>;
}

/// The receiving side.
#[derive(Debug)]
pub(super) struct Incoming {
    socket: OwnedReadHalf,
    /// The beginning of a line whose end has not come.
    partial: Vec<u8>,
}

impl Incoming {
    /// Reads what is there, or waits until something is. Cancel-safe: nothing is taken without being handed over.
    pub(super) async fn read(&mut self, receive: &mut impl Receive) -> Result<(), Error> {
        poll_fn(|context| ROOM.with_borrow_mut(|room| self.poll_read(context, room, receive))).await
    }

    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        room: &mut [u8],
        receive: &mut impl Receive,
    ) -> Poll<Result<(), Error>> {
        let mut chunk = ReadBuf::new(room);
        let read = ready!(Pin::new(&mut self.socket).poll_read(context, &mut chunk));
        Poll::Ready(match read {
            Ok(()) if chunk.filled().is_empty() => Err(Error::ConnectionLost(None)),
            Ok(()) => self.hand_over(chunk.filled(), receive),
            Err(error) => Err(Error::ConnectionLost(Some(error))),
        })
    }

    fn hand_over(&mut self, mut bytes: &[u8], receive: &mut impl Receive) -> Result<(), Error> {
        if !self.partial.is_empty() {
            let Some((rest_of_line, after)) = split_line(bytes) else {
                return self.keep(bytes);
            };
            self.partial.extend_from_slice(rest_of_line);
            receive.line(&self.partial)?;
            // A connection that is idle keeps no memory.
            self.partial = Vec::new();
            bytes = after;
        }
        while let Some((line, after)) = split_line(bytes) {
            receive.line(line)?;
            bytes = after;
        }
        self.keep(bytes)?;
        receive.pause()
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.partial.len() + bytes.len() > LONGEST_LINE {
            return Err(Error::Protocol {
                what: "a line does not end",
                source: None,
            });
        }
        self.partial.extend_from_slice(bytes);
        Ok(())
    }

    /// Receives, and writes what waits for room, until the connection ends.
    pub(super) async fn run(
        &mut self,
        outgoing: &Outgoing,
        receive: &mut impl Receive,
    ) -> Result<Infallible, Error> {
        loop {
            // Both are cancel-safe: a read is done or not, and what waits for room is found again.
            tokio::select! {
                biased;
                read = self.read(receive) => read?,
                room = outgoing.has_room() => {
                    room.map_err(lost)?;
                    outgoing.flush()?;
                    receive.pause()?;
                }
            }
        }
    }
}

/// The first line without its end, and what follows.
#[inline]
fn split_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr(b'\n', bytes)?;
    Some((bytes.get(..end)?, bytes.get(end + 1..)?))
}

fn lost(error: io::Error) -> Error {
    Error::ConnectionLost(Some(error))
}

/// The sending side.
#[derive(Debug)]
pub(super) struct Outgoing {
    socket: OwnedWriteHalf,
    waiting: RefCell<Vec<u8>>,
    /// Wakes the connection's task to wait for room.
    has_waiting: Notify,
}

impl Outgoing {
    /// Adds lines, which [`flush`](Self::flush) sends.
    #[inline]
    pub(super) fn add<T>(&self, lines: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        lines(&mut self.waiting.borrow_mut())
    }

    /// Bytes that wait for room.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.borrow().len()
    }

    /// Sends what there is room for; the connection's task sends the rest.
    pub(super) fn flush(&self) -> Result<(), Error> {
        let mut waiting = self.waiting.borrow_mut();
        let mut written = 0;
        while let Some(bytes @ [_, ..]) = waiting.get(written..) {
            match self.socket.try_write(bytes) {
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.has_waiting.notify_one();
                    break;
                }
                Err(error) => return Err(lost(error)),
            }
        }
        if written == waiting.len() {
            waiting.clear();
        } else {
            waiting.drain(..written);
        }
        Ok(())
    }

    async fn has_room(&self) -> io::Result<()> {
        while self.waiting() == 0 {
            self.has_waiting.notified().await;
        }
        self.socket.writable().await
    }

    /// Sends all of it.
    pub(super) async fn send(&self, line: &[u8]) -> Result<(), Error> {
        self.add(|lines| lines.extend_from_slice(line));
        self.flush()?;
        while self.waiting() > 0 {
            self.socket.writable().await.map_err(lost)?;
            self.flush()?;
        }
        // What was only needed once is not kept.
        self.waiting.take();
        Ok(())
    }
}
