//! One logged-in connection of a client: everything that happens until it is lost or closed.

use std::collections::BTreeMap;
use std::time::Duration;

use chat_core::protocol::{Ack, ClientFrame, Event, Reference, Reply, Request, ServerFrame};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

use crate::driver::{Command, Driver};
use crate::error::Error;
use crate::frames::{FrameReader, FrameWriter, ReceivedFrame};
use crate::outgoing::Place;
use crate::reconnect::is_passing;

/// The wait before a refused message is sent again where the server asked for none.
const DEFAULT_RETRY: Duration = Duration::from_secs(1);

/// Why a session is over without a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finished {
    /// The application closed the client, and all is answered.
    Closed,
}

/// The state of one connection. What must outlive it stands in the driver.
#[derive(Debug)]
pub(crate) struct Session<'a> {
    driver: &'a mut Driver,
    reader: FrameReader,
    writer: FrameWriter,
    /// Requests on their way, by their `ref`, oldest first.
    awaited: BTreeMap<i64, Awaited>,
    next_reference: i64,
    ack_due: Option<Instant>,
    heard: Instant,
}

/// What a session waits for.
#[derive(Debug)]
enum Happening {
    Received(ReceivedFrame),
    RoomForEvent,
    Written,
    Asked(Option<Command>),
    Taken,
    Late,
}

#[derive(Debug)]
struct Awaited {
    since: Instant,
    by: AwaitedBy,
}

#[derive(Debug)]
enum AwaitedBy {
    Message(Place),
    Application(oneshot::Sender<Result<Reply, Error>>),
    Client,
}

impl<'a> Session<'a> {
    pub(crate) fn new(driver: &'a mut Driver, reader: FrameReader, writer: FrameWriter) -> Self {
        let ack_due = driver.has_due_acks().then(Instant::now);
        Self {
            driver,
            reader,
            writer,
            awaited: BTreeMap::new(),
            // The login took the first ones.
            next_reference: 1_000,
            ack_due,
            heard: Instant::now(),
        }
    }

    /// Runs until the connection is lost or the client is closed.
    pub(crate) async fn run(mut self) -> Result<Finished, Error> {
        let outcome = self.run_loop().await;
        for (_, Awaited { by, .. }) in std::mem::take(&mut self.awaited) {
            if let AwaitedBy::Application(reply) = by {
                drop(reply.send(Err(Error::ConnectionLost(None))));
            }
        }
        outcome
    }

    async fn run_loop(&mut self) -> Result<Finished, Error> {
        loop {
            self.write_messages()?;
            if self.has_finished() {
                self.writer.shutdown().await?;
                return Ok(Finished::Closed);
            }
            match self.next_happening().await? {
                Happening::Received(received) => self.receive(received)?,
                Happening::RoomForEvent => self.release_held(),
                Happening::Written => {}
                Happening::Asked(Some(command)) => self.obey(command)?,
                Happening::Asked(None) => return Ok(Finished::Closed),
                Happening::Taken => self.schedule_acks(),
                Happening::Late => self.be_on_time()?,
            }
        }
    }

    async fn next_happening(&mut self) -> Result<Happening, Error> {
        let wake = self.next_wake();
        let takes_commands = self.has_room() && self.driver.takes_commands();
        // Each branch is cancel-safe: the halves keep unfinished bytes in themselves, the queues
        // give an item only when their branch is chosen, and a notification that came is kept by
        // its `Notify`.
        tokio::select! {
            received = self.reader.next(), if self.driver.held.is_none() => {
                received?.ok_or(Error::ConnectionLost(None)).map(Happening::Received)
            }
            _ = self.driver.events.reserve(), if self.driver.held.is_some() => Ok(Happening::RoomForEvent),
            written = self.writer.flush(), if self.writer.waiting() > 0 => written.map(|()| Happening::Written),
            command = self.driver.commands.recv(), if takes_commands => Ok(Happening::Asked(command)),
            () = self.driver.shared.taken.notified() => Ok(Happening::Taken),
            () = sleep_until(wake) => Ok(Happening::Late),
        }
    }

    /// Writes the messages that are due, as many as may be on their way.
    fn write_messages(&mut self) -> Result<(), Error> {
        while self.has_room()
            && let Some((place, message)) = self.driver.outgoing.next_to_write(Instant::now())
        {
            self.write(Request::Send(message), AwaitedBy::Message(place))?;
        }
        Ok(())
    }

    fn has_room(&self) -> bool {
        let limits = self.driver.limits();
        self.awaited.len() < limits.pipelined_requests && self.writer.waiting() < limits.write_buffer
    }

    fn has_finished(&self) -> bool {
        self.driver.is_closing()
            && self.driver.outgoing.len() == 0
            && self.awaited.is_empty()
            && self.writer.waiting() == 0
            && !self.driver.has_due_acks()
    }

    fn write(&mut self, request: Request, by: AwaitedBy) -> Result<(), Error> {
        let reference = self.next_reference;
        self.next_reference += 1;
        self.writer.push(&ClientFrame {
            request,
            reference: Some(Reference::Integer(reference)),
        })?;
        let since = Instant::now();
        self.awaited.insert(reference, Awaited { since, by });
        Ok(())
    }

    fn obey(&mut self, command: Command) -> Result<(), Error> {
        match command {
            Command::Send { message, reply } => self.driver.outgoing.add(message, reply),
            Command::Request { request, reply } => self.write(*request, AwaitedBy::Application(reply))?,
            Command::Close { done } => {
                self.driver.close(done);
                self.driver.held = None;
                self.ack_due = Some(Instant::now());
            }
        }
        Ok(())
    }

    fn receive(&mut self, received: ReceivedFrame) -> Result<(), Error> {
        self.heard = Instant::now();
        match received.frame {
            ServerFrame::Event(event) => self.receive_event(event),
            ServerFrame::Reply {
                reply,
                reference: Some(Reference::Integer(reference)),
            } => {
                self.receive_reply(reference, reply);
                Ok(())
            }
            ServerFrame::Reply { reply, .. } => {
                tracing::debug!(?reply, "a reply without a request was ignored");
                Ok(())
            }
        }
    }

    fn receive_event(&mut self, event: Event) -> Result<(), Error> {
        match event {
            Event::Goodbye(goodbye) => return Err(Error::Goodbye(goodbye)),
            Event::Message(message) => {
                let is_new = self
                    .driver
                    .shared
                    .positions()
                    .deliver(message.conversation, message.seq);
                if is_new {
                    self.hand_out(Event::Message(message));
                } else {
                    self.schedule_acks();
                }
            }
            other => self.hand_out(other),
        }
        Ok(())
    }

    /// Gives an event to the application, or holds it until there is room. What comes while the
    /// client closes is not acknowledged, so it comes again.
    fn hand_out(&mut self, event: Event) {
        if self.driver.is_closing() {
            return;
        }
        if let Err(tokio::sync::mpsc::error::TrySendError::Full(event)) = self.driver.events.try_send(event) {
            self.driver.held = Some(event);
        }
    }

    /// Hands out the event that waited for room; nothing was read meanwhile, so nobody was late.
    fn release_held(&mut self) {
        self.heard = Instant::now();
        if let Some(event) = self.driver.held.take() {
            self.hand_out(event);
        }
    }

    fn receive_reply(&mut self, reference: i64, reply: Reply) {
        let Some(awaited) = self.awaited.remove(&reference) else {
            tracing::debug!(reference, "a reply without a request was ignored");
            return;
        };
        match awaited.by {
            AwaitedBy::Message(place) => self.receive_sent(place, reply),
            AwaitedBy::Application(waiting) => {
                let answer = match reply {
                    Reply::Error(refusal) => Err(Error::Refused(refusal)),
                    reply => Ok(reply),
                };
                // An error here says that nobody waits for the answer any more.
                drop(waiting.send(answer));
            }
            AwaitedBy::Client => {}
        }
    }

    fn receive_sent(&mut self, place: Place, reply: Reply) {
        let answer = match reply {
            Reply::Sent(sent) => {
                self.driver.shared.positions().sent(sent.conversation, sent.seq);
                self.schedule_acks();
                Ok(sent)
            }
            Reply::Error(refusal) if is_passing(&refusal) && self.retries(place, refusal.retry_delay()) => {
                return;
            }
            Reply::Error(refusal) => Err(Error::Refused(refusal)),
            other => Err(Error::unexpected(&other)),
        };
        self.driver.outgoing.finish(place, answer);
    }

    fn retries(&mut self, place: Place, wish: Option<Duration>) -> bool {
        let limits = self.driver.limits();
        let (delay, most) = (wish.unwrap_or(DEFAULT_RETRY), limits.send_retries);
        let delay = delay.min(limits.longest_retry_after);
        self.driver.outgoing.retry(place, Instant::now(), delay, most)
    }

    fn schedule_acks(&mut self) {
        if self.driver.has_due_acks() {
            let interval = self.driver.limits().ack_interval;
            self.ack_due.get_or_insert_with(|| Instant::now() + interval);
        }
    }

    /// When something is to be done though nothing happens.
    fn next_wake(&self) -> Instant {
        let limits = self.driver.limits();
        let oldest = self.awaited.values().next();
        // While an event waits for room nothing is read, so nobody can be late.
        let is_reading = self.driver.held.is_none();
        let reply_due = oldest
            .filter(|_| is_reading)
            .map(|oldest| oldest.since.max(self.heard) + limits.reply_timeout);
        let keepalive = self.heard + limits.keepalive;
        [self.ack_due, reply_due, self.driver.outgoing.next_due()]
            .into_iter()
            .flatten()
            .chain((is_reading && oldest.is_none()).then_some(keepalive))
            .min()
            .unwrap_or_else(|| Instant::now() + limits.keepalive)
    }

    fn be_on_time(&mut self) -> Result<(), Error> {
        let now = Instant::now();
        let limits = self.driver.limits();
        let (reply_timeout, keepalive) = (limits.reply_timeout, limits.keepalive);
        if self.ack_due.is_some_and(|due| due <= now) {
            self.ack_due = None;
            self.write_acks()?;
        }
        if self.driver.held.is_some() {
            return Ok(());
        }
        match self.awaited.values().next() {
            Some(oldest) if oldest.since.max(self.heard) + reply_timeout <= now => {
                Err(Error::TimedOut(reply_timeout))
            }
            None if self.heard + keepalive <= now => self.write(Request::Ping, AwaitedBy::Client),
            _ => Ok(()),
        }
    }

    fn write_acks(&mut self) -> Result<(), Error> {
        let acks = self.driver.shared.positions().take_due();
        for ack in acks {
            if self.driver.is_closing() {
                // The last ones are waited for.
                self.write(Request::Ack(ack), AwaitedBy::Client)?;
            } else {
                self.push_ack(ack)?;
            }
        }
        Ok(())
    }

    fn push_ack(&mut self, ack: Ack) -> Result<(), Error> {
        self.writer.push(&ClientFrame {
            request: Request::Ack(ack),
            reference: None,
        })
    }
}
