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

fn a_member_who_left_on_one_node_cannot_write_on_another() {
    let cluster = Cluster::start(&Plan::default());
    let crowd = Crowd::register(cluster.address(), CROWD, "busy", writers::seed());
    crowd.write();
    let [owner, member] = ["owner", "member"].map(|name| Person::register(&cluster, name));
    let mut owner_wire = owner.begin(cluster.connect_to(2), "desk");
    let create = json!({"type": "create_group", "ref": 1, "name": "club"});
    let group = owner_wire.request(&create)["group"]["id"].as_u64().unwrap();
    let mut door = member.begin(cluster.connect_to(0), "door");
    let history = Mutex::new(History::default());
    let membership = |record: fn(UserId, GroupId) -> Record, of: &Person| {
        let record = record(UserId::new(of.id).unwrap(), GroupId::new(group).unwrap());
        history.lock().unwrap().push(record);
    };
    membership(|user, group| Record::Joined { user, group }, &owner);
    let mut owner_writes = Writer::new(owner_wire, 1, &owner, group, &history);
    // One writes without a pause, the other exactly when it is over.
    let flood_wire = member.begin(cluster.connect_to(1), "flood");
    let mut flood = Writer::new(flood_wire, 2, &member, group, &history);
    let after_wire = member.begin(cluster.connect_to(1), "after");
    let mut after = Writer::new(after_wire, 3, &member, group, &history);

    let is_over = AtomicBool::new(false);
    let (stored, refused) = thread::scope(|scope| {
        let flooding = scope.spawn(|| {
            let (mut stored, mut refused) = (0, 0);
            while !is_over.load(Ordering::Relaxed) {
                match flood.write()["type"] == "sent" {
                    true => stored += 1,
                    false => refused += 1,
                }
            }
            (stored, refused)
        });
        // However this ends, the flood must end too.
        let rounds = scope.spawn(|| {
            for round in 0..ROUNDS {
                membership(|user, group| Record::Joining { user, group }, &member);
                let joined = door.request(&json!({"type": "join_group", "ref": "in", "group": group}));
                assert_eq!(joined["type"], "group_joined", "round {round}: {joined}");
                membership(|user, group| Record::Joined { user, group }, &member);
                let inside = after.write();
                assert_eq!(inside["type"], "sent", "round {round}: {inside}");

                membership(|user, group| Record::Leaving { user, group }, &member);
                let left = door.request(&json!({"type": "leave_group", "ref": "out", "group": group}));
                assert_eq!(left["type"], "group_left", "round {round}: {left}");
                membership(|user, group| Record::Left { user, group }, &member);
                let outside = after.write();
                assert_eq!(outside["code"], "forbidden", "round {round}: {outside}");
                assert_eq!(owner_writes.write()["type"], "sent");
            }
        });
        let done = rounds.join();
        is_over.store(true, Ordering::Relaxed);
        let counts = flooding.join().unwrap();
        done.unwrap();
        counts
    });

    println!("{ROUNDS} rounds, and beside them {stored} messages were stored and {refused} refused");
    assert!(
        stored >= ROUNDS / 2 && refused >= ROUNDS / 2,
        "the flood missed the changes"
    );
    assert!(crowd.report().sent > 0, "there was no load");
    assert_eq!(history.into_inner().unwrap().violations(), []);
}
