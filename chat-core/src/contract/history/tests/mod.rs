mod memberships;
mod mutations;
mod planted;

use super::{History, Record, Violation};
use crate::types::{ConversationId, Device, GroupId, MessageId, Seq, UserId};

const ALICE: u64 = 1;
const BOB: u64 = 2;

fn user(id: u64) -> UserId {
    UserId::new(id).unwrap()
}

fn seq(value: u64) -> Seq {
    Seq::new(value).unwrap()
}

fn direct() -> ConversationId {
    ConversationId::direct(user(ALICE), user(BOB))
}

fn group() -> GroupId {
    GroupId::new(1).unwrap()
}

fn id(text: &str) -> MessageId {
    MessageId::parse(text).unwrap()
}

fn read_to_end(session: u64) -> Record {
    Record::ReadToEnd { session }
}

fn opened(session: u64, owner: u64) -> Record {
    Record::Opened {
        session,
        user: user(owner),
        device: Device::default(),
    }
}

fn sent_in(conversation: ConversationId, session: u64, number: u64) -> Record {
    Record::Sent {
        session,
        conversation,
        seq: seq(number),
        id: id(&format!("m-{number}")),
        duplicate: false,
    }
}

fn sent(number: u64) -> Record {
    sent_in(direct(), 1, number)
}

fn delivered_in(conversation: ConversationId, session: u64, number: u64) -> Record {
    Record::Delivered {
        session,
        conversation,
        seq: seq(number),
        from: user(ALICE),
        id: Some(id(&format!("m-{number}"))),
    }
}

fn delivered(session: u64, number: u64) -> Record {
    delivered_in(direct(), session, number)
}

/// Alice, in session 1, sent three messages; Bob, in session 2, got these and no more.
fn bob_got(numbers: &[u64]) -> Vec<Violation> {
    let before = [opened(1, ALICE), opened(2, BOB), sent(1), sent(2), sent(3)];
    let got = numbers.iter().map(|&number| delivered(2, number));
    violations(before.into_iter().chain(got).chain([read_to_end(2)]))
}

fn violations(records: impl IntoIterator<Item = Record>) -> Vec<Violation> {
    records.into_iter().collect::<History>().violations()
}

fn skipped(expected: u64, got: u64) -> Violation {
    Violation::Skipped {
        session: 2,
        conversation: direct(),
        expected: seq(expected),
        got: seq(got),
    }
}

fn repeated(expected: u64, got: u64) -> Violation {
    Violation::Repeated {
        session: 2,
        conversation: direct(),
        expected: seq(expected),
        got: seq(got),
    }
}

#[test]
fn what_came_whole_and_in_order_is_no_violation() {
    assert_eq!(bob_got(&[1, 2, 3]), []);
}

#[test]
fn a_message_that_never_came_is_a_loss() {
    let lost = Violation::Lost {
        session: 2,
        conversation: direct(),
        seq: seq(3),
    };
    assert_eq!(bob_got(&[1, 2]), [lost]);
}

#[test]
fn a_message_left_out_is_a_gap() {
    assert_eq!(bob_got(&[1, 3]), [skipped(2, 3)]);
}

#[test]
fn a_message_that_came_again_is_a_repeat() {
    assert_eq!(bob_got(&[1, 2, 2, 3]), [repeated(3, 2)]);
}

#[test]
fn two_messages_that_changed_places_are_a_gap_and_a_repeat() {
    assert_eq!(bob_got(&[1, 3, 2]), [skipped(2, 3), repeated(4, 2)]);
}

#[test]
fn what_a_session_sent_itself_must_not_come_to_it() {
    let records = [opened(1, ALICE), sent(1), delivered(1, 1)];
    let own = Violation::OwnDelivered {
        session: 1,
        conversation: direct(),
        seq: seq(1),
    };
    assert_eq!(violations(records), [own]);
}

#[test]
fn an_own_message_is_passed_over_also_when_it_is_answered_later() {
    let from_bob = |number| sent_in(direct(), 2, number);
    let records = [
        opened(1, ALICE),
        opened(2, BOB),
        sent(1),
        delivered(2, 1),
        sent(3),
        delivered(2, 3),
        from_bob(2),
        read_to_end(2),
    ];
    assert_eq!(violations(records), []);
}

#[test]
fn one_id_with_two_numbers_and_one_number_for_two_messages_are_told() {
    let again = Record::Sent {
        session: 1,
        conversation: direct(),
        seq: seq(2),
        id: id("m-1"),
        duplicate: true,
    };
    let found = violations([opened(1, ALICE), sent(1), again.clone()]);
    assert!(
        matches!(found.as_slice(), [Violation::StoredTwice { .. }]),
        "{found:?}"
    );
    let found = violations([opened(1, ALICE), sent(1), sent(2), again]);
    assert!(
        found.contains(&Violation::SharedNumber {
            conversation: direct(),
            seq: seq(2)
        }),
        "{found:?}"
    );
}

#[test]
fn a_hole_is_allowed_only_for_a_send_that_was_given_up() {
    let hole = Violation::Hole {
        conversation: direct(),
        seq: seq(2),
    };
    let records = [opened(1, ALICE), sent(1), sent(3)];
    assert_eq!(violations(records.clone()), [hole]);
    let given_up = Record::GivenUp {
        session: 1,
        conversation: direct(),
        id: id("m-2"),
    };
    assert_eq!(violations(records.into_iter().chain([given_up])), []);
}

#[test]
fn delivery_goes_on_after_what_the_device_acknowledged() {
    let before = |next| {
        let acked = Record::Acked {
            session: 2,
            conversation: direct(),
            seq: seq(1),
        };
        let records = [opened(1, ALICE), opened(2, BOB), sent(1), sent(2), sent(3)];
        let after = [delivered(2, 1), acked, delivered(2, 2), opened(3, BOB)];
        records.into_iter().chain(after).chain([delivered(3, next)])
    };
    assert_eq!(violations(before(2)), []);
    assert!(matches!(
        violations(before(1)).as_slice(),
        [Violation::Repeated { session: 3, .. }]
    ));
    assert!(matches!(
        violations(before(3)).as_slice(),
        [Violation::Skipped { session: 3, .. }]
    ));
    let mut crashed = History::with_crashes();
    before(1)
        .chain([delivered(3, 2)])
        .for_each(|record| crashed.push(record));
    assert_eq!(crashed.violations(), []);
}
