//! Who was removed on one node can't write on another.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use chat_core::contract::history::{History, Record};
use chat_core::types::{ConversationId, Device, GroupId, MessageId, Seq, UserId};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::harness::{Cluster, Plan};
use crate::people::Person;
use crate::support::Wire;
use crate::writers::{self, Crowd};

const ROUNDS: usize = 100;
/// What else the cluster has to do.
const CROWD: writers::Plan = writers::Plan {
    users: 20,
    listeners: 0,
    group_size: 10,
    at_the_door: 0,
    pause: Duration::from_millis(300),
};

pub(crate) fn trials() -> Vec<Trial> {
    vec![crate::test(
        "removed::a_member_who_left_on_one_node_cannot_write_on_another",
        a_member_who_left_on_one_node_cannot_write_on_another,
    )]
}

/// One writer of the group on one session, which writes down all that it does.
struct Writer<'a> {
    wire: Wire,
    session: u64,
    conversation: ConversationId,
    history: &'a Mutex<History>,
    made: usize,
}

impl<'a> Writer<'a> {
    fn new(wire: Wire, session: u64, person: &Person, group: u64, history: &'a Mutex<History>) -> Self {
        let writer = Self {
            wire,
            session,
            conversation: ConversationId::group(GroupId::new(group).unwrap()),
            history,
            made: 0,
        };
        writer.push(Record::Opened {
            session,
            user: UserId::new(person.id).unwrap(),
            device: Device::parse(&format!("writer-{session}")).unwrap(),
        });
        writer
    }

    fn push(&self, record: Record) {
        self.history.lock().unwrap().push(record);
    }

    /// Sends something, and answers the reply.
    fn write(&mut self) -> Value {
        self.made += 1;
        let (session, conversation) = (self.session, self.conversation);
        let id = MessageId::parse(&format!("{session}-{}", self.made)).unwrap();
        self.push(Record::Sending {
            session,
            conversation,
            id: id.clone(),
        });
        let group = conversation.as_group();
        let send = json!({"type": "send", "ref": id.as_str(), "id": id.as_str(), "to": {"group": group}, "body": "x"});
        let reply = self.wire.request(&send);
        self.push(if reply["type"] == "sent" {
            Record::Sent {
                session,
                conversation,
                seq: Seq::new(reply["seq"].as_u64().unwrap()).unwrap(),
                id,
                duplicate: reply["duplicate"] == true,
            }
        } else {
            assert_eq!(reply["code"], "forbidden", "{reply}");
            Record::Refused {
                session,
                conversation,
                id,
            }
        });
        reply
    }
}

/// The session on which a member joins and leaves.
struct Door<'a> {
    wire: Wire,
    user: UserId,
    group: GroupId,
    history: &'a Mutex<History>,
}

impl Door<'_> {
    /// Asks for a change of membership, and writes down how it begins and ends.
    fn pass(&mut self, request: &str, expected: &str, records: [Record; 2]) {
        let [begins, ends] = records;
        self.history.lock().unwrap().push(begins);
        let answer = self
            .wire
            .request(&json!({"type": request, "ref": "door", "group": self.group}));
        assert_eq!(answer["type"], expected, "{answer}");
        self.history.lock().unwrap().push(ends);
    }

    fn join(&mut self) {
        let (user, group) = (self.user, self.group);
        let records = [Record::Joining { user, group }, Record::Joined { user, group }];
        self.pass("join_group", "group_joined", records);
    }

    fn leave(&mut self) {
        let (user, group) = (self.user, self.group);
        let records = [Record::Leaving { user, group }, Record::Left { user, group }];
        self.pass("leave_group", "group_left", records);
    }
}

/// Joins and leaves again and again; after each leave `after`, on another node, is refused.
fn come_and_go(door: &mut Door<'_>, after: &mut Writer<'_>, owner: &mut Writer<'_>) {
    for round in 0..ROUNDS {
        door.join();
        let inside = after.write();
        assert_eq!(inside["type"], "sent", "round {round}: {inside}");
        door.leave();
        let outside = after.write();
        assert_eq!(outside["code"], "forbidden", "round {round}: {outside}");
        assert_eq!(owner.write()["type"], "sent");
    }
}

/// Writes without a pause; answers how much was stored and how much was refused.
fn flood(writer: &mut Writer<'_>, is_over: &AtomicBool) -> (usize, usize) {
    let (mut stored, mut refused) = (0, 0);
    while !is_over.load(Ordering::Relaxed) {
        match writer.write()["type"] == "sent" {
            true => stored += 1,
            false => refused += 1,
        }
    }
    (stored, refused)
}

fn a_member_who_left_on_one_node_cannot_write_on_another() {
    let cluster = Cluster::start(&Plan {
        // Being refused all the time is what this is about.
        settings: vec!["limits.errors_burst = 1000000".to_owned()],
        ..Plan::default()
    });
    let crowd = Crowd::register(cluster.address(), CROWD, "busy", writers::seed());
    crowd.write();
    let [owner, member] = ["owner", "member"].map(|name| Person::register(&cluster, name));
    let mut owner_wire = owner.begin(cluster.connect_to(2), "desk");
    let create = json!({"type": "create_group", "ref": 1, "name": "club"});
    let group = owner_wire.request(&create)["group"]["id"].as_u64().unwrap();
    let history = Mutex::new(History::default());
    history.lock().unwrap().push(Record::Joined {
        user: UserId::new(owner.id).unwrap(),
        group: GroupId::new(group).unwrap(),
    });
    let mut door = Door {
        wire: member.begin(cluster.connect_to(0), "door"),
        user: UserId::new(member.id).unwrap(),
        group: GroupId::new(group).unwrap(),
        history: &history,
    };
    let writer = |wire, session, person| Writer::new(wire, session, person, group, &history);
    let mut owner_writes = writer(owner_wire, 1, &owner);
    let mut floods = writer(member.begin(cluster.connect_to(1), "flood"), 2, &member);
    let mut after = writer(member.begin(cluster.connect_to(1), "after"), 3, &member);

    let is_over = AtomicBool::new(false);
    let (stored, refused) = thread::scope(|scope| {
        let flooding = scope.spawn(|| flood(&mut floods, &is_over));
        // However this ends, the flood must end too.
        let coming = scope.spawn(|| come_and_go(&mut door, &mut after, &mut owner_writes));
        let done = coming.join();
        is_over.store(true, Ordering::Relaxed);
        let counts = flooding.join().unwrap();
        done.unwrap();
        counts
    });

    println!("{ROUNDS} rounds, and beside them {stored} messages were stored and {refused} refused");
    assert!(stored > 0 && refused > 0, "the flood missed the changes");
    assert!(crowd.report().sent > 0, "there was no load");
    assert_eq!(history.into_inner().unwrap().violations(), []);
}
