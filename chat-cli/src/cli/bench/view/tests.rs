//! The violations one by one, and the same verdict as that of the checker of histories.

use chat_core::contract::history::{History, Record};
use chat_core::types::{ConversationId, Device, GroupId, MessageId, Seq, UserId};
use proptest::prelude::*;

use super::*;

fn acknowledged(end: u64) -> [Acknowledged; 1] {
    [Acknowledged {
        end,
        ..Acknowledged::default()
    }]
}

fn seen(messages: &[(u64, u32)]) -> Violations {
    let mut view = View::new(1);
    for (seq, number) in messages {
        view.receive(*seq, 0, *number);
    }
    view.finish(acknowledged(3))
}

#[test]
fn what_comes_once_and_in_order_is_right() {
    assert_eq!(seen(&[(5, 0), (6, 1), (7, 2)]).total(), 0);
}

#[test]
fn each_violation_is_counted_once() {
    let lost = Violations {
        lost: 1,
        ..Violations::default()
    };
    let repeated = Violations {
        repeated: 1,
        ..Violations::default()
    };
    let out_of_order = Violations {
        out_of_order: 1,
        ..Violations::default()
    };
    assert_eq!(seen(&[(5, 0), (7, 2)]), lost);
    assert_eq!(seen(&[(5, 0), (6, 1)]), lost);
    assert_eq!(seen(&[(5, 0), (6, 1), (6, 1), (7, 2)]), repeated);
    assert_eq!(seen(&[(5, 0), (6, 1), (7, 1), (8, 2)]), repeated);
    assert_eq!(seen(&[(5, 0), (7, 2), (6, 1)]), out_of_order);
    assert_eq!(seen(&[(5, 0), (6, 2), (7, 1)]), out_of_order);
    assert_eq!(seen(&[(5, 0), (7, 1), (8, 2)]), lost);
}

#[test]
fn answers_and_messages_share_the_positions() {
    let mut view = View::new(1);
    view.sent(2, false);
    view.receive(1, 0, 0);
    view.receive(3, 0, 1);
    view.sent(5, false);
    assert_eq!(view.finish(acknowledged(2)).lost, 1);
    view.receive(4, 0, 2);
    assert_eq!(view.finish(acknowledged(3)).total(), 0);
    view.sent(5, false);
    assert_eq!(view.finish(acknowledged(3)).repeated, 1);
}

#[test]
fn what_was_refused_is_not_lost() {
    let mut view = View::new(1);
    view.receive(1, 0, 0);
    view.receive(2, 0, 2);
    let end = Acknowledged {
        end: 4,
        except: vec![1, 3],
        positions: None,
    };
    assert_eq!(view.finish([end]).total(), 0);
}

#[test]
fn sender_and_receiver_are_told_the_same_positions() {
    let mut told = Positions::default();
    for (seq, number) in [(1, 0), (3, 1), (2, 2)] {
        told.add(seq, number);
    }
    let mut view = View::new(1);
    for (seq, number) in [(1, 0), (2, 1), (3, 2)] {
        view.receive(seq, 0, number);
    }
    let end = Acknowledged {
        end: 3,
        positions: Some(told),
        ..Acknowledged::default()
    };
    let misnumbered = Violations {
        misnumbered: 1,
        ..Violations::default()
    };
    assert_eq!(view.finish([end]), misnumbered);
}

/// A message of one of two senders, at a position of their group.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Stored {
    seq: u64,
    sender: usize,
    number: u32,
}

/// What goes wrong on the way to the receiver.
#[derive(Clone, Copy, Debug)]
enum Fault {
    None,
    Lose(usize),
    Repeat(usize, usize),
    Swap(usize, usize),
    Renumber(usize, u64),
}

fn stored(senders: &[bool]) -> Vec<Stored> {
    let mut numbers = [0, 0];
    let messages = senders.iter().zip(1..).map(|(second, seq)| {
        let sender = usize::from(*second);
        let number = numbers[sender];
        numbers[sender] += 1;
        Stored { seq, sender, number }
    });
    messages.collect()
}

fn delivered(stored: &[Stored], fault: Fault) -> Vec<Stored> {
    let mut messages = stored.to_vec();
    let count = messages.len();
    match fault {
        Fault::None => {}
        Fault::Lose(place) => drop(messages.remove(place % count)),
        Fault::Repeat(place, at) => messages.insert(at % (count + 1), messages[place % count]),
        Fault::Swap(one, other) => messages.swap(one % count, other % count),
        Fault::Renumber(place, seq) => messages[place % count].seq = seq,
    }
    messages
}

/// What the checker of histories says: whether all is well.
fn history_is_right(stored: &[Stored], delivered: &[Stored]) -> bool {
    let group = GroupId::new(1).unwrap();
    let conversation = ConversationId::group(group);
    let users = [1, 2, 3].map(|id| UserId::new(id).unwrap());
    let id = |message: &Stored| MessageId::parse(&format!("m-{}", message.number)).unwrap();
    let seq = |message: &Stored| Seq::new(message.seq).unwrap();
    let mut history = History::default();
    for (user, session) in users.into_iter().zip(0..) {
        history.push(Record::Joined { user, group });
        let device = Device::default();
        history.push(Record::Opened {
            session,
            user,
            device,
        });
    }
    for message in stored {
        history.push(Record::Sent {
            session: message.sender as u64,
            conversation,
            seq: seq(message),
            id: id(message),
            duplicate: false,
        });
    }
    for message in delivered {
        history.push(Record::Delivered {
            session: 2,
            conversation,
            seq: seq(message),
            from: users[message.sender],
            id: Some(id(message)),
        });
    }
    history.push(Record::ReadToEnd { session: 2 });
    history.violations().is_empty()
}

/// What a view says.
fn view_is_right(stored: &[Stored], delivered: &[Stored]) -> bool {
    let mut view = View::new(2);
    for message in delivered {
        view.receive(message.seq, message.sender, message.number);
    }
    let acknowledged = [0, 1].map(|sender| {
        let mut told = Positions::default();
        let of = stored.iter().filter(|message| message.sender == sender);
        let end = of
            .inspect(|message| told.add(message.seq, message.number))
            .count();
        Acknowledged {
            end: end as u64,
            except: Vec::new(),
            positions: Some(told),
        }
    });
    view.finish(acknowledged).total() == 0
}

fn faults() -> impl Strategy<Value = Fault> {
    prop_oneof![
        Just(Fault::None),
        any::<usize>().prop_map(Fault::Lose),
        any::<(usize, usize)>().prop_map(|(place, at)| Fault::Repeat(place, at)),
        any::<(usize, usize)>().prop_map(|(one, other)| Fault::Swap(one, other)),
        (any::<usize>(), 1..40_u64).prop_map(|(place, seq)| Fault::Renumber(place, seq)),
    ]
}

proptest! {
    #[test]
    fn the_checker_of_histories_comes_to_the_same_verdict(
        senders in prop::collection::vec(any::<bool>(), 1..30),
        fault in faults(),
    ) {
        let stored = stored(&senders);
        let delivered = delivered(&stored, fault);
        prop_assert_eq!(view_is_right(&stored, &delivered), history_is_right(&stored, &delivered));
    }
}
