//! A sender: what it sent, what came of it, and when it sends more.

use std::cell::RefCell;
use std::rc::Rc;

use chat_client::Error;
use chat_core::protocol::ErrorReply;

use super::flow::{Answers, Flow, Receivers, Schedule};
use super::measure::Measure;
use super::send_frame::SendFrame;
use super::sequence::{Place, Sequence};
use super::view::{Acknowledged, Positions, Violations};
use super::wire::Outgoing;

/// Bytes that may wait for room on a connection before no further message is written for it.
const MOST_WAITING: usize = 65_536;

#[derive(Debug)]
pub(super) struct Sender {
    /// Its place among the senders of the run.
    pub(super) index: u32,
    outgoing: Rc<Outgoing>,
    flow: Flow,
    answers: Answers,
    receivers: Receivers,
    measure: Rc<Measure>,
    state: RefCell<State>,
}

#[derive(Debug)]
struct State {
    frame: SendFrame,
    sent: u64,
    /// Those that the schedule has asked for.
    due: u64,
    /// Replies, also those that refuse.
    answered: u64,
    delivered: u64,
    delivered_to_stalled: u64,
    /// When the messages under way were sent, by their numbers modulo the window.
    times: Vec<u64>,
    replies: Sequence,
    refused: Vec<u64>,
    positions: Positions,
    violations: Violations,
}

impl Sender {
    pub(super) fn new(
        (index, outgoing, frame): (u32, Rc<Outgoing>, SendFrame),
        flow: Flow,
        answers: Answers,
        receivers: Receivers,
        measure: &Rc<Measure>,
    ) -> Self {
        let window = match flow {
            Flow::Window(window) => window as usize,
            Flow::Schedule(_) => 0,
        };
        Self {
            index,
            outgoing,
            flow,
            answers,
            receivers,
            measure: Rc::clone(measure),
            state: RefCell::new(State {
                frame,
                sent: 0,
                due: 0,
                answered: 0,
                delivered: 0,
                delivered_to_stalled: 0,
                times: vec![0; window],
                replies: Sequence::from(0),
                refused: Vec::new(),
                positions: Positions::default(),
                violations: Violations::default(),
            }),
        }
    }

    /// Sends what may be sent now.
    #[inline]
    pub(super) fn refill(&self) -> Result<(), Error> {
        let mut state = self.state.borrow_mut();
        let has_sent = match self.flow {
            Flow::Window(window) => self.fill_window(&mut state, u64::from(window)),
            Flow::Schedule(schedule) => self.send_due(&mut state, schedule),
        };
        drop(state);
        if has_sent { self.outgoing.flush() } else { Ok(()) }
    }

    fn fill_window(&self, state: &mut State, window: u64) -> bool {
        let end = self.completed(state) + window;
        if state.sent >= end {
            return false;
        }
        let now = self.measure.now();
        if now >= self.measure.until() {
            return false;
        }
        self.outgoing.add(|lines| {
            while state.sent < end {
                if let Some(time) = state.times.get_mut((state.sent % window) as usize) {
                    *time = now;
                }
                self.write(state, now, lines);
            }
        });
        true
    }

    fn send_due(&self, state: &mut State, schedule: Schedule) -> bool {
        if state.sent >= state.due {
            return false;
        }
        let now = self.measure.now();
        self.outgoing.add(|lines| {
            while state.sent < state.due && lines.len() < MOST_WAITING {
                let at = self.due_time(schedule, state.sent);
                self.measure.count_late(at, now);
                self.write(state, at, lines);
            }
        });
        true
    }

    #[inline]
    fn write(&self, state: &mut State, at: u64, lines: &mut Vec<u8>) {
        state.frame.write(number(state.sent), at, lines);
        state.sent += 1;
        self.measure.count_sent();
    }

    /// When a message of this sender is due.
    fn due_time(&self, schedule: Schedule, number: u64) -> u64 {
        let message = number * schedule.senders + u64::from(self.index);
        self.measure.begun().saturating_add(schedule.due(message))
    }

    /// The schedule asks for one more.
    pub(super) fn ask_for_one(&self) -> Result<(), Error> {
        self.state.borrow_mut().due += 1;
        self.refill()
    }

    /// Those that are done with: answered, and delivered to as many as they are waited for at.
    #[inline]
    fn completed(&self, state: &State) -> u64 {
        let delivered = state.delivered / self.receivers.prompt.max(1) + state.refused.len() as u64;
        match self.answers {
            Answers::Yes => delivered.min(state.answered),
            Answers::No => delivered,
        }
    }

    /// A reply came, for the message of this number: it has this position.
    #[inline]
    pub(super) fn answered(&self, seq: u64, number: u32, now: u64) {
        let mut state = self.state.borrow_mut();
        if self.reply(&mut state, number) != Place::Repeated {
            state.positions.add(seq, number);
        }
        let number = u64::from(number);
        let at = match self.flow {
            Flow::Window(window) => state.times.get((number % u64::from(window)) as usize).copied(),
            Flow::Schedule(schedule) => Some(self.due_time(schedule, number)),
        };
        self.measure.count_answered(at.unwrap_or(now), now);
    }

    /// A reply came that refuses a message.
    pub(super) fn refused(&self, number: u32, refusal: ErrorReply) -> Result<(), Error> {
        let mut state = self.state.borrow_mut();
        self.reply(&mut state, number);
        state.refused.push(u64::from(number));
        self.measure.count_refused(refusal)
    }

    /// Replies come once each, in the order of the requests.
    #[inline]
    fn reply(&self, state: &mut State, number: u32) -> Place {
        state.answered += 1;
        let place = state.replies.take(u64::from(number));
        match place {
            Place::Next | Place::Ahead => {}
            Place::Late => state.violations.out_of_order += 1,
            Place::Repeated => state.violations.repeated += 1,
        }
        place
    }

    /// A message of it was delivered to one of its receivers.
    #[inline]
    pub(super) fn delivered(&self) {
        self.state.borrow_mut().delivered += 1;
    }

    /// The same, for a receiver that was stalled.
    pub(super) fn delivered_to_stalled(&self) {
        self.state.borrow_mut().delivered_to_stalled += 1;
    }

    /// Whether everything that was due is done with.
    pub(super) fn is_done(&self) -> bool {
        let state = self.state.borrow();
        let stored = state.sent.saturating_sub(state.refused.len() as u64);
        state.sent >= state.due
            && self.completed(&state) >= state.sent
            && state.delivered_to_stalled >= stored * self.receivers.stalled
    }

    /// Sends no more: counts messages that were due, each with the time for which it has been due, and answers how many.
    pub(super) fn give_up_unsent(&self) -> u64 {
        let (mut state, now) = (self.state.borrow_mut(), self.measure.now());
        let Flow::Schedule(schedule) = self.flow else {
            return 0;
        };
        for number in state.sent..state.due {
            let at = self.due_time(schedule, number);
            self.measure.count_unsent(at, now, self.answers == Answers::Yes);
        }
        let unsent = state.due.saturating_sub(state.sent);
        state.due = state.sent;
        unsent
    }

    /// Sends that have no reply.
    pub(super) fn unanswered(&self) -> u64 {
        let state = self.state.borrow();
        match self.answers {
            Answers::Yes => state.replies.count_missing(state.sent),
            Answers::No => 0,
        }
    }

    /// What is known to be stored.
    pub(super) fn acknowledged(&self) -> Acknowledged {
        let state = self.state.borrow();
        let end = match self.answers {
            Answers::Yes => state.replies.next().unwrap_or(0).min(state.sent),
            Answers::No => state.sent,
        };
        Acknowledged {
            end,
            except: state
                .refused
                .iter()
                .copied()
                .chain(state.replies.missing())
                .collect(),
            positions: (end == state.answered && state.refused.is_empty() && end == state.sent)
                .then_some(state.positions),
        }
    }

    pub(super) fn violations(&self) -> Violations {
        self.state.borrow().violations
    }
}

/// A message's number as it is written. No run sends as many from one sender as this has room for.
fn number(sent: u64) -> u32 {
    u32::try_from(sent).unwrap_or(u32::MAX)
}
