//! One connection, frame by frame, without reconnecting.

use std::collections::VecDeque;

use bytes::Bytes;
use chat_core::protocol::{ClientFrame, Event, Reference, Reply, Request, ServerFrame};
use tokio::time::{sleep, timeout};

use crate::error::Error;
use crate::frames::{FrameReader, FrameWriter, ReceivedFrame};
use crate::limits::Limits;
use crate::transport::{BoxedStream, Dial, TcpDialer};

/// A connection that sends requests and receives replies and events in the order they come.
///
/// It has no task of its own: it reads while one of its methods runs. Requests can be pipelined:
/// [`send`](Self::send) several, then take each [`reply`](Self::reply) by its reference. What
/// comes in between is kept, up to [`Limits::received_frames`], for
/// [`next_frame`](Self::next_frame) and [`next_event`](Self::next_event).
///
/// ```no_run
/// use chat_client::{Connection, Credentials};
/// use chat_core::protocol::{OutgoingMessage, Recipient, Request};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let mut connection = Connection::connect("127.0.0.1:6000").await?;
/// let welcome = connection.login(Credentials::password("alice", "correct horse")?.login("laptop".parse()?)).await?;
/// let note = OutgoingMessage::text(Recipient::User(welcome.user.id), "a note to myself")?;
/// let first = connection.send(Request::Send(note.clone())).await?;
/// let second = connection.send(Request::Send(note)).await?;
/// println!("{:?} {:?}", connection.reply(&first).await?, connection.reply(&second).await?);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Connection {
    reader: FrameReader,
    writer: FrameWriter,
    /// What came while something else was awaited, in the order it came.
    received: VecDeque<ReceivedFrame>,
    next_reference: i64,
    keeps_events: bool,
    limits: Limits,
}

impl Connection {
    /// Connects over TCP to `host:port`.
    ///
    /// # Errors
    /// [`Error::Unreachable`].
    pub async fn connect(server: impl Into<String>) -> Result<Self, Error> {
        Self::dial(&TcpDialer::new(server), Limits::default()).await
    }

    /// Connects by any means.
    ///
    /// # Errors
    /// [`Error::Unreachable`], also where it takes longer than [`Limits::connect_timeout`].
    pub async fn dial(dialer: &dyn Dial, limits: Limits) -> Result<Self, Error> {
        let dialed = timeout(limits.connect_timeout, dialer.dial()).await;
        match dialed.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into())) {
            Ok(stream) => Ok(Self::over(stream, limits)),
            Err(source) => Err(Error::Unreachable {
                server: dialer.server().to_owned(),
                source,
            }),
        }
    }

    /// Speaks over a stream that is open already.
    pub fn over(stream: BoxedStream, limits: Limits) -> Self {
        let (input, output) = tokio::io::split(stream);
        Self {
            reader: FrameReader::new(input, limits.max_frame),
            writer: FrameWriter::new(output),
            received: VecDeque::new(),
            next_reference: 1,
            keeps_events: true,
            limits,
        }
    }

    /// Sends a request and waits for its reply.
    ///
    /// # Errors
    /// [`Error::Refused`] for an error reply; otherwise as [`send`](Self::send) and
    /// [`reply`](Self::reply).
    pub async fn request(&mut self, request: Request) -> Result<Reply, Error> {
        let reference = self.send(request).await?;
        match self.reply(&reference).await? {
            Reply::Error(refusal) => Err(Error::Refused(refusal)),
            reply => Ok(reply),
        }
    }

    /// Sends a request under a new reference and does not wait for its reply.
    ///
    /// # Errors
    /// As [`flush`](Self::flush).
    pub async fn send(&mut self, request: Request) -> Result<Reference, Error> {
        let reference = Reference::Integer(self.next_reference);
        self.next_reference += 1;
        let frame = ClientFrame {
            request,
            reference: Some(reference.clone()),
        };
        self.send_frame(&frame).await?;
        Ok(reference)
    }

    /// Sends a frame with the reference that it has, or none.
    ///
    /// # Errors
    /// As [`flush`](Self::flush).
    pub async fn send_frame(&mut self, frame: &ClientFrame) -> Result<(), Error> {
        self.writer.push(frame)?;
        self.flush().await
    }

    /// Sends a line as it is, whatever it holds.
    ///
    /// # Errors
    /// As [`flush`](Self::flush).
    pub async fn send_line(&mut self, line: impl AsRef<[u8]>) -> Result<(), Error> {
        self.writer.push_line(line.as_ref());
        self.flush().await
    }

    /// Sends bytes as they are, without a line end.
    ///
    /// # Errors
    /// As [`flush`](Self::flush).
    pub async fn send_bytes(&mut self, bytes: impl AsRef<[u8]>) -> Result<(), Error> {
        self.writer.push_bytes(bytes.as_ref());
        self.flush().await
    }

    /// Writes what waits, and keeps what comes meanwhile, so that neither side waits for the other.
    ///
    /// # Errors
    /// [`Error::ConnectionLost`]; [`Error::QueueFull`] where too much came that nobody took.
    pub async fn flush(&mut self) -> Result<(), Error> {
        loop {
            // Both branches are cancel-safe: the halves keep what is not done in themselves.
            tokio::select! {
                biased;
                written = self.writer.flush() => return written,
                received = self.reader.next() => {
                    let Some(received) = received? else { return self.writer.flush().await };
                    self.keep(received)?;
                }
            }
        }
    }

    /// Takes the reply that carries `reference`, whatever comes before it.
    ///
    /// # Errors
    /// [`Error::TimedOut`] after [`Limits::reply_timeout`]; [`Error::Goodbye`] or
    /// [`Error::ConnectionLost`] where the server closes before the reply; [`Error::QueueFull`]
    /// where too much else came; [`Error::Protocol`].
    pub async fn reply(&mut self, reference: &Reference) -> Result<Reply, Error> {
        if let Some(reply) = self.take_received_reply(reference) {
            return Ok(reply);
        }
        let limit = self.limits.reply_timeout;
        // The sleep is made once, so that frames that come meanwhile do not move the deadline.
        let late = sleep(limit);
        tokio::pin!(late);
        loop {
            // Both branches are cancel-safe: the reader keeps what is not whole in itself.
            let received = tokio::select! {
                received = self.reader.next() => received?.ok_or(Error::ConnectionLost(None))?,
                () = &mut late => return Err(Error::TimedOut(limit)),
            };
            match received.frame {
                ServerFrame::Reply { reply, reference: of } if of.as_ref() == Some(reference) => {
                    return Ok(reply);
                }
                ServerFrame::Event(Event::Goodbye(goodbye)) => return Err(Error::Goodbye(goodbye)),
                _ => self.keep(received)?,
            }
        }
    }

    /// Takes the next frame that nobody took; `None` once the server has closed.
    ///
    /// # Errors
    /// [`Error::ConnectionLost`], [`Error::Protocol`]. There is no time-out.
    pub async fn next_frame(&mut self) -> Result<Option<ReceivedFrame>, Error> {
        if let Some(received) = self.received.pop_front() {
            return Ok(Some(received));
        }
        self.reader.next().await
    }

    /// Takes the next event; replies that come before it are kept. `None` once the server has closed.
    ///
    /// # Errors
    /// As [`next_frame`](Self::next_frame), and [`Error::QueueFull`].
    pub async fn next_event(&mut self) -> Result<Option<Event>, Error> {
        let is_event = |received: &ReceivedFrame| matches!(received.frame, ServerFrame::Event(_));
        if let Some(index) = self.received.iter().position(is_event)
            && let Some(ServerFrame::Event(event)) =
                self.received.remove(index).map(|received| received.frame)
        {
            return Ok(Some(event));
        }
        while let Some(received) = self.reader.next().await? {
            match received.frame {
                ServerFrame::Event(event) => return Ok(Some(event)),
                ServerFrame::Reply { .. } => self.keep(received)?,
            }
        }
        Ok(None)
    }

    /// Takes the next line as it came, of whatever form; `None` once the server has closed.
    ///
    /// # Errors
    /// [`Error::ConnectionLost`]; [`Error::Protocol`] for a line that is too long.
    pub async fn next_line(&mut self) -> Result<Option<Bytes>, Error> {
        if let Some(received) = self.received.pop_front() {
            return Ok(Some(received.line));
        }
        self.reader.next_line().await
    }

    /// Says that no more will be sent; what the server still sends can be received.
    ///
    /// # Errors
    /// [`Error::ConnectionLost`].
    pub async fn shutdown(&mut self) -> Result<(), Error> {
        self.writer.shutdown().await
    }

    /// From now on leaves out events that come while a reply is awaited, however many they are.
    pub const fn ignore_events(&mut self) {
        self.keeps_events = false;
    }

    /// Parts the halves, to send and receive at the same time, after what was kept.
    pub fn into_parts(self) -> (Vec<ReceivedFrame>, FrameReader, FrameWriter) {
        (self.received.into(), self.reader, self.writer)
    }

    fn take_received_reply(&mut self, wanted: &Reference) -> Option<Reply> {
        let carries_it = |received: &ReceivedFrame| matches!(&received.frame, ServerFrame::Reply { reference: Some(reference), .. } if reference == wanted);
        let index = self.received.iter().position(carries_it)?;
        match self.received.remove(index)?.frame {
            ServerFrame::Reply { reply, .. } => Some(reply),
            ServerFrame::Event(_) => None,
        }
    }

    fn keep(&mut self, received: ReceivedFrame) -> Result<(), Error> {
        if !self.keeps_events && matches!(received.frame, ServerFrame::Event(_)) {
            return Ok(());
        }
        let limit = self.limits.received_frames;
        if self.received.len() >= limit {
            return Err(Error::QueueFull { limit });
        }
        self.received.push_back(received);
        Ok(())
    }

    crate::requests::typed_requests!(&mut Self);
}
