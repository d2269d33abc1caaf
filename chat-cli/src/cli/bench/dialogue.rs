//! A connection on which requests are made one by one.

use std::collections::VecDeque;
use std::time::Duration;

use chat_client::Error;
use chat_core::protocol::{Event, Reply, ServerFrame, Welcome};
use serde_json::Value;
use tokio::time::{sleep, timeout};

use super::wire::{Incoming, Outgoing, Receive, connect};

/// The time that an answer may take; a login may wait for many others.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a request is made again that was refused for now.
const TRIES: u32 = 300;
/// The time to the next try where the server does not say it.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Dialogue {
    incoming: Incoming,
    outgoing: Outgoing,
    came: Frames,
}

/// Frames that came and were not looked at yet.
#[derive(Debug, Default)]
struct Frames(VecDeque<ServerFrame>);

impl Receive for Frames {
    fn line(&mut self, line: &[u8]) -> Result<(), Error> {
        // A type that is not known here is ignored, as the protocol asks of clients.
        self.0.extend(ServerFrame::decode(line).ok());
        Ok(())
    }

    fn pause(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

impl Dialogue {
    pub(super) async fn open(server: &str) -> Result<Self, Error> {
        let (incoming, outgoing) = connect(server).await?;
        Ok(Self {
            incoming,
            outgoing,
            came: Frames::default(),
        })
    }

    async fn next(&mut self) -> Result<ServerFrame, Error> {
        loop {
            match self.came.0.pop_front() {
                Some(ServerFrame::Event(Event::Goodbye(goodbye))) => return Err(Error::Goodbye(goodbye)),
                Some(frame) => return Ok(frame),
                None => {}
            }
            let read = timeout(PATIENCE, self.incoming.read(&mut self.came)).await;
            read.unwrap_or(Err(Error::TimedOut(PATIENCE)))?;
        }
    }

    /// Makes a request and gives the answer; what else comes meanwhile is passed over.
    pub(super) async fn ask(&mut self, request: &Value) -> Result<Reply, Error> {
        self.outgoing.send(format!("{request}\n").as_bytes()).await?;
        loop {
            match self.next().await? {
                ServerFrame::Reply {
                    reply: Reply::Error(refusal),
                    ..
                } => return Err(Error::Refused(refusal)),
                ServerFrame::Reply { reply, .. } => return Ok(reply),
                ServerFrame::Event(_) => {}
            }
        }
    }

    /// The same, and again where the server asks to try later.
    pub(super) async fn insist(&mut self, request: &Value) -> Result<Reply, Error> {
        let mut tries = 1;
        loop {
            match self.ask(request).await {
                Err(Error::Refused(refusal)) if refusal.retry_after_ms.is_some() && tries < TRIES => {
                    tries += 1;
                    sleep(refusal.retry_delay().unwrap_or(PAUSE)).await;
                }
                answered => return answered,
            }
        }
    }

    /// Logs in, by what the request says.
    pub(super) async fn log_in(&mut self, login: &Value) -> Result<Welcome, Error> {
        match self.insist(login).await? {
            Reply::Welcome(welcome) => Ok(*welcome),
            _ => Err(Error::Protocol {
                what: "a login was not answered with a welcome",
                source: None,
            }),
        }
    }
}
