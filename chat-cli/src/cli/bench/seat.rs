//! A device of a user, which comes and goes.

use std::time::Duration;

use chat_client::Error;
use tokio::time::{sleep, timeout};

use super::accounts::{Account, Acks, Proof};
use super::frame::{Frame, Message};
use super::stamp::{Run, Stamp};
use super::view::View;
use super::wire::{Incoming, Outgoing, Receive, connect};

/// The time that a login may take; it may wait for many others.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where a connection of the load goes, and who logs in on it.
#[derive(Clone, Debug)]
pub(super) struct Seat<'a> {
    pub(super) server: &'a str,
    pub(super) account: &'a Account,
    pub(super) device: String,
    pub(super) acks: Acks,
}

impl Seat<'_> {
    /// Connects, logs in, and reads what was stored before.
    pub(super) async fn enter(&self, proof: Proof) -> Result<(Incoming, Outgoing), Error> {
        self.enter_and_see(proof, None).await
    }

    /// The same, and looks at what comes before the device is synced.
    pub(super) async fn enter_and_see(
        &self,
        proof: Proof,
        expected: Option<&mut Expected>,
    ) -> Result<(Incoming, Outgoing), Error> {
        let entering = self.insist(proof, expected);
        timeout(PATIENCE, entering)
            .await
            .unwrap_or(Err(Error::TimedOut(PATIENCE)))
    }

    /// Tries again where the server asks to come later.
    async fn insist(
        &self,
        proof: Proof,
        mut expected: Option<&mut Expected>,
    ) -> Result<(Incoming, Outgoing), Error> {
        loop {
            match self.enter_once(proof, expected.as_deref_mut()).await {
                Err(Error::Refused(refusal)) if refusal.retry_after_ms.is_some() => {
                    sleep(refusal.retry_delay().unwrap_or_default()).await;
                }
                entered => return entered,
            }
        }
    }

    async fn enter_once(
        &self,
        proof: Proof,
        expected: Option<&mut Expected>,
    ) -> Result<(Incoming, Outgoing), Error> {
        let (mut incoming, outgoing) = connect(self.server).await?;
        let login = format!("{}\n", self.account.login(proof, &self.device, self.acks));
        outgoing.send(login.as_bytes()).await?;
        let mut arrival = Arrival {
            is_synced: false,
            expected,
        };
        while !arrival.is_synced {
            incoming.read(&mut arrival).await?;
        }
        Ok((incoming, outgoing))
    }
}

/// Messages of one sender that wait for a device.
#[derive(Debug)]
pub(super) struct Expected {
    run: Run,
    /// The sender's place in the run.
    sender: u32,
    conversation: String,
    pub(super) view: View,
    pub(super) came: u64,
}

impl Expected {
    pub(super) fn new(run: Run, sender: u32, conversation: String) -> Self {
        Self {
            run,
            sender,
            conversation,
            view: View::new(1),
            came: 0,
        }
    }

    fn take(&mut self, message: &Message<'_>) {
        let Some(stamp) = Stamp::read(self.run, &message.text) else {
            if message.conversation == self.conversation {
                self.view.receive_foreign(message.seq);
            }
            return;
        };
        if stamp.sender == self.sender && message.conversation == self.conversation {
            self.view.receive(message.seq, 0, stamp.number);
            self.came += 1;
        } else {
            self.view.misdirected();
        }
    }
}

struct Arrival<'a> {
    is_synced: bool,
    expected: Option<&'a mut Expected>,
}

impl Receive for Arrival<'_> {
    fn line(&mut self, line: &[u8]) -> Result<(), Error> {
        match Frame::read(line)? {
            Frame::Synced => self.is_synced = true,
            Frame::Refused { refusal, .. } => return Err(Error::Refused(refusal)),
            Frame::Goodbye(goodbye) => return Err(Error::Goodbye(goodbye)),
            Frame::Message(message) => {
                if let Some(expected) = &mut self.expected {
                    expected.take(&message);
                }
            }
            Frame::Sent(_) | Frame::Other => {}
        }
        Ok(())
    }

    fn pause(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

/// Receives and looks at nothing, as somebody does who is only there.
#[derive(Debug)]
pub(super) struct Bystander;

impl Receive for Bystander {
    fn line(&mut self, line: &[u8]) -> Result<(), Error> {
        match Frame::read(line)? {
            Frame::Goodbye(goodbye) => Err(Error::Goodbye(goodbye)),
            _ => Ok(()),
        }
    }

    fn pause(&mut self) -> Result<(), Error> {
        Ok(())
    }
}
