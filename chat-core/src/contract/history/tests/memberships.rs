//! Who is owed what of a group, also where members come and go while others write.

use super::*;

fn group_conversation() -> ConversationId {
    ConversationId::group(group())
}

fn joined(id: u64) -> Record {
    Record::Joined {
        user: user(id),
        group: group(),
    }
}

fn joining(id: u64) -> Record {
    Record::Joining {
        user: user(id),
        group: group(),
    }
}

fn left(id: u64) -> Record {
    Record::Left {
        user: user(id),
        group: group(),
    }
}

fn leaving(id: u64) -> Record {
    Record::Leaving {
        user: user(id),
        group: group(),
    }
}

fn sending(session: u64, number: u64) -> Record {
    Record::Sending {
        session,
        conversation: group_conversation(),
        id: id(&format!("m-{number}")),
    }
}

fn sent_by(session: u64, number: u64) -> Record {
    sent_in(group_conversation(), session, number)
}

fn got(session: u64, number: u64) -> Record {
    delivered_in(group_conversation(), session, number)
}

#[test]
fn a_group_is_owed_from_joining_on_and_nothing_of_it_after_leaving() {
    let before = vec![
        opened(1, ALICE),
        opened(2, BOB),
        joined(ALICE),
        sent_by(1, 1),
        joined(BOB),
        sent_by(1, 2),
    ];
    let end = read_to_end(2);
    let with = |more: Vec<Record>| violations(before.clone().into_iter().chain(more));
    assert_eq!(with(vec![got(2, 2), end.clone()]), []);
    assert!(matches!(
        with(vec![end.clone()]).as_slice(),
        [Violation::Lost { .. }]
    ));
    assert!(matches!(
        with(vec![got(2, 1)]).as_slice(),
        [Violation::NotEntitled { .. }]
    ));
    assert_eq!(with(vec![left(BOB), sent_by(1, 3), end]), []);
    assert!(matches!(
        with(vec![left(BOB), sent_by(1, 3), got(2, 3)]).as_slice(),
        [Violation::NotEntitled { .. }]
    ));
    assert!(matches!(
        with(vec![left(BOB), sent_by(2, 3)]).as_slice(),
        [Violation::WrittenByStranger { .. }]
    ));
}

/// Alice sent 1 before Bob asked to join; 2 and 3 while he did; 4 after he was told. Sessions 2
/// and 3 are two of Bob's devices.
fn join_under_load(more: &[Record]) -> Vec<Violation> {
    let phone = Record::Opened {
        session: 3,
        user: user(BOB),
        device: Device::parse("phone").unwrap(),
    };
    let before = [
        opened(1, ALICE),
        opened(2, BOB),
        phone,
        joined(ALICE),
        sending(1, 1),
        sent_by(1, 1),
        joining(BOB),
        sending(1, 2),
        sending(1, 3),
        sent_by(1, 2),
        joined(BOB),
        sent_by(1, 3),
        sending(1, 4),
        sent_by(1, 4),
    ];
    violations(before.into_iter().chain(more.iter().cloned()))
}

#[test]
fn a_join_that_races_with_sends_may_begin_anywhere_among_them() {
    for first in 2..=4 {
        let all: Vec<_> = (first..=4)
            .map(|number| got(2, number))
            .chain([read_to_end(2)])
            .collect();
        assert_eq!(join_under_load(&all), [], "from {first}");
    }
    let too_early = join_under_load(&[got(2, 1)]);
    assert!(
        matches!(too_early.as_slice(), [Violation::NotEntitled { .. }]),
        "{too_early:?}"
    );
    let too_late = join_under_load(&[read_to_end(2)]);
    assert!(
        matches!(too_late.as_slice(), [Violation::Lost { seq, .. }] if seq.get() == 4),
        "{too_late:?}"
    );
    let gap = join_under_load(&[got(2, 2), got(2, 4)]);
    assert!(matches!(gap.as_slice(), [Violation::Skipped { .. }]), "{gap:?}");
}

#[test]
fn all_devices_must_agree_where_their_user_joined() {
    let agree = [got(2, 3), got(3, 3), got(3, 4), got(2, 4)];
    assert_eq!(join_under_load(&agree), []);
    let later = join_under_load(&[got(2, 3), got(2, 4), got(3, 4)]);
    assert!(
        matches!(later.as_slice(), [Violation::Skipped { session: 3, .. }]),
        "{later:?}"
    );
    let earlier = join_under_load(&[got(2, 4), got(3, 3)]);
    assert!(
        matches!(earlier.as_slice(), [Violation::NotEntitled { session: 3, .. }]),
        "{earlier:?}"
    );
    let never = join_under_load(&[got(2, 3), got(2, 4), read_to_end(3)]);
    assert!(
        matches!(never.as_slice(), [Violation::Lost { session: 3, seq, .. }] if seq.get() == 3),
        "{never:?}"
    );
}

/// Bob leaves while his own message 2 is under way, and tries 3 after he was told.
#[test]
fn who_leaves_while_they_write_may_have_written_before_but_not_after() {
    let before = vec![
        opened(1, ALICE),
        opened(2, BOB),
        joined(ALICE),
        joined(BOB),
        sending(1, 1),
        sent_by(1, 1),
        sending(2, 2),
        leaving(BOB),
        left(BOB),
        sent_by(2, 2),
    ];
    let with = |more: Vec<Record>| violations(before.clone().into_iter().chain(more));
    assert_eq!(with(vec![]), []);
    let refused = Record::Refused {
        session: 2,
        conversation: group_conversation(),
        id: id("m-3"),
    };
    assert_eq!(with(vec![sending(2, 3), refused.clone()]), []);
    let stored = with(vec![sending(2, 3), sent_by(2, 3)]);
    assert!(
        matches!(stored.as_slice(), [Violation::WrittenByStranger { .. }]),
        "{stored:?}"
    );
    // Alice's message began after Bob had left, so all after it is after his end.
    let after_hers = with(vec![sending(1, 3), sent_by(1, 3), sent_by(2, 4)]);
    assert!(
        matches!(after_hers.as_slice(), [Violation::WrittenByStranger { seq, .. }] if seq.get() == 4),
        "{after_hers:?}"
    );
    let from_bob = Record::Delivered {
        session: 1,
        conversation: group_conversation(),
        seq: seq(3),
        from: user(BOB),
        id: Some(id("m-3")),
    };
    let seen = with(vec![sending(2, 3), refused, got_from_bob(2), from_bob]);
    assert!(
        seen.iter()
            .any(|found| matches!(found, Violation::StoredThoughRefused { .. })),
        "{seen:?}"
    );
}

fn got_from_bob(number: u64) -> Record {
    Record::Delivered {
        session: 1,
        conversation: group_conversation(),
        seq: seq(number),
        from: user(BOB),
        id: Some(id(&format!("m-{number}"))),
    }
}

#[test]
fn between_leaving_and_joining_again_nothing_is_owed() {
    let before = vec![
        opened(1, ALICE),
        opened(2, BOB),
        joined(ALICE),
        joined(BOB),
        sent_by(1, 1),
        got(2, 1),
        left(BOB),
        sent_by(1, 2),
        joined(BOB),
        sent_by(1, 3),
    ];
    let with = |more: Vec<Record>| violations(before.clone().into_iter().chain(more));
    assert_eq!(with(vec![got(2, 3), read_to_end(2)]), []);
    let lost = with(vec![read_to_end(2)]);
    assert!(
        matches!(lost.as_slice(), [Violation::Lost { seq, .. }] if seq.get() == 3),
        "{lost:?}"
    );
    let between = with(vec![got(2, 2)]);
    assert!(
        matches!(between.as_slice(), [Violation::NotEntitled { .. }]),
        "{between:?}"
    );
}

#[test]
fn only_with_faults_may_a_session_that_was_open_lag_behind_a_leave() {
    let records = |session| {
        let before = [
            opened(1, ALICE),
            opened(2, BOB),
            joined(ALICE),
            joined(BOB),
            left(BOB),
            opened(3, BOB),
            sent_by(1, 1),
        ];
        before.into_iter().chain([got(session, 1)])
    };
    let with_crashes = |session| {
        let mut history = History::with_crashes();
        records(session).for_each(|record| history.push(record));
        history.violations()
    };
    assert_eq!(with_crashes(2), []);
    assert!(matches!(
        with_crashes(3).as_slice(),
        [Violation::NotEntitled { .. }]
    ));
    assert!(matches!(
        violations(records(2)).as_slice(),
        [Violation::NotEntitled { .. }]
    ));
}
