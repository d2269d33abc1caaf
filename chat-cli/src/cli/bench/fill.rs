//! Messages that are stored before what is measured begins.

use chat_client::Error;

use super::frame::Frame;
use super::send_frame::SendFrame;
use super::wire::{Incoming, Outgoing, Receive};

/// Messages of a connection that are under way at once: half of what a server takes at once by default.
const WINDOW: u64 = 32;

/// Counts answers.
struct Answers(u64);

impl Receive for Answers {
    fn line(&mut self, line: &[u8]) -> Result<(), Error> {
        match Frame::read(line)? {
            Frame::Sent(_) => self.0 += 1,
            Frame::Refused { refusal, .. } => return Err(Error::Refused(refusal)),
            Frame::Goodbye(goodbye) => return Err(Error::Goodbye(goodbye)),
            Frame::Message(_) | Frame::Synced | Frame::Other => {}
        }
        Ok(())
    }

    fn pause(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

/// Sends these numbers of messages to each receiver, to all in turn, and waits until they are stored.
pub(super) async fn fill(
    (incoming, outgoing): &mut (Incoming, Outgoing),
    receivers: &mut [SendFrame],
    numbers: std::ops::Range<u32>,
) -> Result<(), Error> {
    let mut answers = Answers(0);
    let mut sent = 0;
    let mut lines = Vec::new();
    for number in numbers {
        for receiver in &mut *receivers {
            receiver.write(number, 0, &mut lines);
            sent += 1;
            if sent - answers.0 >= WINDOW {
                outgoing.send(&lines).await?;
                lines.clear();
            }
            while sent - answers.0 >= WINDOW {
                incoming.read(&mut answers).await?;
            }
        }
    }
    outgoing.send(&lines).await?;
    while answers.0 < sent {
        incoming.read(&mut answers).await?;
    }
    Ok(())
}
