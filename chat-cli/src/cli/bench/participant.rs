//! A session in a conversation: it receives, and sends if it is a sender.

use std::cell::RefCell;
use std::io::Write as _;
use std::rc::Rc;

use chat_client::Error;

use super::frame::{Frame, Message, Sent};
use super::load::Pace;
use super::measure::Measure;
use super::sender::Sender;
use super::stamp::{Run, Stamp};
use super::view::{Acknowledged, View, Violations};
use super::wire::{Outgoing, Receive};

/// Checks, counts and times what comes to a session.
#[derive(Debug)]
pub(super) struct Participant {
    run: Run,
    measure: Rc<Measure>,
    conversation: String,
    /// This session, where it sends.
    own: Option<Rc<Sender>>,
    /// Those who send into the conversation, in the order of their indexes.
    senders: Rc<[Rc<Sender>]>,
    view: Rc<RefCell<View>>,
    pace: Pace,
    /// Where it acknowledges what came, if it does.
    acknowledge: Option<Rc<Outgoing>>,
    /// The last position that came and was not acknowledged.
    last: Option<u64>,
    /// When what is being read came.
    now: Option<u64>,
}

impl Participant {
    pub(super) fn new(
        run: Run,
        measure: &Rc<Measure>,
        conversation: String,
        own: Option<Rc<Sender>>,
        senders: Rc<[Rc<Sender>]>,
    ) -> Self {
        let view = Rc::new(RefCell::new(View::new(senders.len())));
        Self {
            run,
            measure: Rc::clone(measure),
            conversation,
            own,
            senders,
            view,
            pace: Pace::Prompt,
            acknowledge: None,
            last: None,
            now: None,
        }
    }

    /// The same, for one that receives at this pace, and acknowledges on this connection if on any.
    pub(super) fn at(self, pace: Pace, acknowledge: Option<Rc<Outgoing>>) -> Self {
        Self {
            pace,
            acknowledge,
            ..self
        }
    }

    /// Acknowledges all that came, which asks for no answer.
    fn acknowledge(&mut self) -> Result<(), Error> {
        let Some((outgoing, last)) = self.acknowledge.as_ref().zip(self.last.take()) else {
            return Ok(());
        };
        // The formatter writes into memory that is there and cannot fail.
        let written = outgoing.add(|lines| {
            let conversation = &self.conversation;
            writeln!(
                lines,
                r#"{{"type":"ack","conversation":"{conversation}","seq":{last}}}"#
            )
        });
        written.map_err(|error| Error::ConnectionLost(Some(error)))?;
        outgoing.flush()
    }

    /// What it sees, for the end.
    pub(super) fn seen(&self) -> Seen {
        Seen {
            view: Rc::clone(&self.view),
            own: self.own.clone(),
            senders: Rc::clone(&self.senders),
        }
    }

    #[inline]
    fn now(&mut self) -> u64 {
        *self.now.get_or_insert_with(|| self.measure.now())
    }

    #[inline]
    fn take_message(&mut self, message: &Message<'_>) {
        let stamp = Stamp::read(self.run, &message.text);
        if message.conversation != self.conversation {
            if stamp.is_some() {
                self.view.borrow_mut().misdirected();
            }
            return;
        }
        let Some(stamp) = stamp else {
            self.view.borrow_mut().receive_foreign(message.seq);
            return;
        };
        self.last = self.last.max(Some(message.seq));
        let now = self.now();
        let first = self.senders.first().map_or(0, |sender| sender.index);
        let place = stamp.sender.wrapping_sub(first) as usize;
        let is_own = self.own.as_ref().is_some_and(|own| own.index == stamp.sender);
        match self.senders.get(place) {
            Some(sender) if !is_own => {
                self.view.borrow_mut().receive(message.seq, place, stamp.number);
                match self.pace {
                    Pace::Prompt => {
                        self.measure.count_delivered(stamp.at, now);
                        sender.delivered();
                    }
                    Pace::Stalled => {
                        self.measure.count_delivered_late();
                        sender.delivered_to_stalled();
                    }
                }
            }
            _ => self.view.borrow_mut().misdirected(),
        }
    }

    #[inline]
    fn take_sent(&mut self, sent: &Sent<'_>) -> Result<(), Error> {
        let now = self.now();
        let Some((own, number)) = self.own.as_ref().zip(sent.number) else {
            return Err(Error::Protocol {
                what: "a `sent` came that answers nothing",
                source: None,
            });
        };
        if sent.conversation == self.conversation {
            self.view.borrow_mut().sent(sent.seq, sent.duplicate);
        } else {
            self.view.borrow_mut().misdirected();
        }
        own.answered(sent.seq, number, now);
        Ok(())
    }
}

impl Receive for Participant {
    #[inline]
    fn line(&mut self, line: &[u8]) -> Result<(), Error> {
        match Frame::read(line)? {
            Frame::Message(message) => {
                self.take_message(&message);
                Ok(())
            }
            Frame::Sent(sent) => self.take_sent(&sent),
            Frame::Refused { number, refusal } => match self.own.as_ref().zip(number) {
                Some((own, number)) => own.refused(number, refusal),
                None => Err(Error::Refused(refusal)),
            },
            Frame::Goodbye(goodbye) => Err(Error::Goodbye(goodbye)),
            Frame::Synced | Frame::Other => Ok(()),
        }
    }

    fn pause(&mut self) -> Result<(), Error> {
        self.now = None;
        self.acknowledge()?;
        if let Some(own) = &self.own {
            own.refill()?;
        }
        self.senders.iter().try_for_each(|sender| sender.refill())
    }
}

/// What a session has seen.
#[derive(Debug)]
pub(super) struct Seen {
    view: Rc<RefCell<View>>,
    own: Option<Rc<Sender>>,
    senders: Rc<[Rc<Sender>]>,
}

impl Seen {
    /// What was wrong, once nothing comes any more.
    pub(super) fn finish(&self) -> Violations {
        let acknowledged = self.senders.iter().map(|sender| {
            let is_own = self.own.as_ref().is_some_and(|own| own.index == sender.index);
            if is_own {
                Acknowledged::default()
            } else {
                sender.acknowledged()
            }
        });
        let mut violations = self.view.borrow().finish(acknowledged);
        if let Some(own) = &self.own {
            violations.add(own.violations());
        }
        violations
    }
}
