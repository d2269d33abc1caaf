//! Every defect that is planted in a good history is found.

use super::*;

const GROUP: u64 = 7;

fn conversation() -> ConversationId {
    ConversationId::group(GroupId::new(GROUP).unwrap())
}

fn sending(session: u64, name: &str) -> Record {
    Record::Sending {
        session,
        conversation: conversation(),
        id: id(name),
    }
}

fn answered(session: u64, number: u64, name: &str, duplicate: bool) -> Record {
    Record::Sent {
        session,
        conversation: conversation(),
        seq: seq(number),
        id: id(name),
        duplicate,
    }
}

fn got(session: u64, number: u64, name: &str) -> Record {
    Record::Delivered {
        session,
        conversation: conversation(),
        seq: seq(number),
        from: user(if name.starts_with('a') { ALICE } else { BOB }),
        id: Some(id(name)),
    }
}

fn acked(session: u64, number: u64) -> Record {
    Record::Acked {
        session,
        conversation: conversation(),
        seq: seq(number),
    }
}

fn joined(id: u64) -> Record {
    Record::Joined {
        user: user(id),
        group: GroupId::new(GROUP).unwrap(),
    }
}

/// Alice, in sessions 1 and 3, sends a1 to a3; a2 is not answered before the server crashes. Bob
/// sends b1 in session 2. In session 4, after the crash, Bob gets again what he had acknowledged.
fn good() -> Vec<Record> {
    vec![
        joined(ALICE),
        joined(BOB),
        opened(1, ALICE),
        opened(2, BOB),
        sending(1, "a1"),
        answered(1, 1, "a1", false),
        sending(1, "a2"),
        got(2, 1, "a1"),
        got(2, 2, "a2"),
        acked(2, 2),
        sending(2, "b1"),
        answered(2, 3, "b1", false),
        opened(3, ALICE),
        sending(3, "a2"),
        answered(3, 2, "a2", true),
        sending(3, "a3"),
        answered(3, 4, "a3", false),
        got(3, 1, "a1"),
        got(3, 3, "b1"),
        read_to_end(3),
        opened(4, BOB),
        got(4, 2, "a2"),
        got(4, 3, "b1"),
        got(4, 4, "a3"),
        read_to_end(4),
    ]
}

fn judge(records: &[Record]) -> Vec<Violation> {
    let mut history = History::with_crashes();
    records.iter().cloned().for_each(|record| history.push(record));
    history.violations()
}

fn remove(records: &mut Vec<Record>, record: &Record) {
    let at = place(records, record);
    records.remove(at);
}

fn place(records: &[Record], record: &Record) -> usize {
    records.iter().position(|other| other == record).unwrap()
}

fn put_after(records: &mut Vec<Record>, record: &Record, new: Record) {
    let at = place(records, record);
    records.insert(at + 1, new);
}

#[test]
fn a_good_history_passes() {
    assert_eq!(judge(&good()), []);
}

/// A name, the defect, and the name of a violation that tells of it.
type Planted = (&'static str, fn(&mut Vec<Record>), &'static str);

const PLANTED: &[Planted] = &[
    (
        "a message is left out in a session",
        |all| remove(all, &got(4, 3, "b1")),
        "Skipped",
    ),
    (
        "a message that was acknowledged to its sender reaches a device in no session",
        |all| remove(all, &got(4, 4, "a3")),
        "Lost",
    ),
    (
        "a session gets nothing at all of what its device never had",
        |all| all.retain(|record| !matches!(record, Record::Delivered { session: 4, .. })),
        "Lost",
    ),
    (
        "a message comes again in its session",
        |all| put_after(all, &got(4, 2, "a2"), got(4, 2, "a2")),
        "Repeated",
    ),
    (
        "two messages change places",
        |all| {
            let at = place(all, &got(4, 2, "a2"));
            all.swap(at, at + 1);
        },
        "Repeated",
    ),
    (
        "a session gets its own send",
        |all| put_after(all, &got(3, 3, "b1"), got(3, 4, "a3")),
        "OwnDelivered",
    ),
    (
        "a session gets its own send that was not answered",
        |all| put_after(all, &sending(1, "a2"), got(1, 2, "a2")),
        "OwnDelivered",
    ),
    (
        "one id is stored twice",
        |all| put_after(all, &got(4, 4, "a3"), got(4, 5, "a3")),
        "StoredTwice",
    ),
    (
        "a send that is repeated gets a number of its own",
        |all| {
            remove(all, &answered(3, 2, "a2", true));
            all.push(answered(3, 5, "a2", false));
        },
        "StoredTwice",
    ),
    (
        "one number stands for two messages",
        |all| {
            remove(all, &got(4, 4, "a3"));
            put_after(all, &got(4, 3, "b1"), got(4, 4, "a4"));
        },
        "SharedNumber",
    ),
    (
        "one number stands for messages of two users",
        |all| {
            remove(all, &got(4, 4, "a3"));
            put_after(all, &got(4, 3, "b1"), got(4, 4, "b3"));
        },
        "SharedNumber",
    ),
    (
        "a number is left out",
        |all| all.extend([sending(3, "a6"), answered(3, 6, "a6", false)]),
        "Hole",
    ),
    (
        "a send is never answered",
        |all| all.push(sending(3, "a4")),
        "NeverAnswered",
    ),
    (
        "a device gets a message for others",
        |all| {
            let direct_to_oneself = ConversationId::direct(user(ALICE), user(ALICE));
            all.push(sent_in(direct_to_oneself, 3, 1));
            all.push(delivered_in(direct_to_oneself, 4, 1));
        },
        "NotEntitled",
    ),
    (
        "a device gets a message from before its user joined",
        |all| {
            remove(all, &joined(BOB));
            put_after(all, &answered(1, 1, "a1", false), joined(BOB));
        },
        "NotEntitled",
    ),
    (
        "who is no member writes",
        |all| remove(all, &joined(BOB)),
        "WrittenByStranger",
    ),
    (
        "a message that was refused is stored",
        |all| {
            all.push(Record::Refused {
                session: 3,
                conversation: conversation(),
                id: id("a3"),
            });
        },
        "StoredThoughRefused",
    ),
];

#[test]
fn every_planted_defect_is_found_by_its_name() {
    for (name, plant, expected) in PLANTED {
        let mut records = good();
        plant(&mut records);
        let found = judge(&records);
        let is_named = |found: &Violation| format!("{found:?}").starts_with(expected);
        assert!(found.iter().any(is_named), "{name}: {found:?}");
    }
}
