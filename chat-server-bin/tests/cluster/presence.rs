//! Who is online after a node was killed.

use std::time::{Duration, Instant};

use chat_test_services::eventually;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::harness::{Cluster, Plan};
use crate::people::Person;
use crate::support::Wire;

/// How long a dead node's users may seem to be online.
const OFFLINE: Duration = Duration::from_secs(15);
/// How long it may take to log in on another node.
const AT_ONCE: Duration = Duration::from_secs(3);

pub(crate) fn trials() -> Vec<Trial> {
    vec![crate::test(
        "presence::a_killed_nodes_users_go_offline_and_can_log_in_elsewhere_at_once",
        a_killed_nodes_users_go_offline_and_can_log_in_elsewhere_at_once,
    )]
}

fn befriend(wire: &mut Wire, friend: &Person) {
    let added = wire.request(&json!({"type": "add_friend", "ref": "add", "user": friend.id}));
    assert_eq!(added["type"], "friend_added", "{added}");
}

/// Reads on until a friend is said to be online or offline. Answers what else was said of friends.
fn wait_for_presence(wire: &mut Wire, of: &Person, online: bool) -> Vec<Value> {
    let mut others = Vec::new();
    loop {
        let frame = wire.frame();
        if frame["type"] == "presence" {
            if frame["user"]["id"] == of.id && frame["online"] == online {
                return others;
            }
            others.push(frame);
        }
    }
}

fn state(cluster: &Cluster, person: &Person) -> String {
    let query = format!("SELECT CAST(state AS CHAR) FROM User WHERE id = {}", person.id);
    cluster.database.rows(&query).concat()
}

fn a_killed_nodes_users_go_offline_and_can_log_in_elsewhere_at_once() {
    let mut cluster = Cluster::start(&Plan::default());
    let [anna, ben, cleo] = ["anna", "ben", "cleo"].map(|name| Person::register(&cluster, name));
    let mut ben_wire = ben.begin(cluster.connect_to(1), "desk");
    befriend(&mut ben_wire, &anna);
    befriend(&mut ben_wire, &cleo);
    let _anna_wire = anna.begin(cluster.connect_to(0), "desk");
    wait_for_presence(&mut ben_wire, &anna, true);
    let _cleo_wire = cleo.begin(cluster.connect_to(0), "desk");
    wait_for_presence(&mut ben_wire, &cleo, true);
    let states = |people: [&Person; 3]| people.map(|person| state(&cluster, person));
    let written = eventually("all are online in the database", || {
        (states([&anna, &ben, &cleo]) == ["online"; 3]).then_some(())
    });
    written.unwrap();

    cluster.nodes[0].kill();
    let killed = Instant::now();
    let mut cleo_wire = cleo.begin(cluster.connect_to(2), "desk");
    assert!(
        killed.elapsed() < AT_ONCE,
        "logged in after {:?}",
        killed.elapsed()
    );
    let send = json!({"type": "send", "ref": 1, "to": {"user": cleo.id}, "body": "still here?"});
    assert_eq!(ben_wire.request(&send)["type"], "sent");
    while cleo_wire.frame()["body"] != "still here?" {}

    let others = wait_for_presence(&mut ben_wire, &anna, false);
    let offline_after = killed.elapsed();
    println!("offline {offline_after:?} after the kill");
    assert!(offline_after < OFFLINE, "offline after {offline_after:?}");
    let repaired = eventually("the database is right again", || {
        let states = [&anna, &ben, &cleo].map(|person| state(&cluster, person));
        (states == ["offline", "online", "online"]).then_some(())
    });
    repaired.unwrap();
    println!("repaired {:?} after the kill", killed.elapsed());
    // Who was back before anybody could notice never went.
    assert_eq!(others, Vec::<Value>::new());
    let friends = ben_wire.request(&json!({"type": "friends", "ref": "friends"}));
    let online = |person: &Person| {
        let mut list = friends["friends"].as_array().unwrap().iter();
        list.find(|friend| friend["id"] == person.id).unwrap()["online"].clone()
    };
    assert_eq!((online(&anna), online(&cleo)), (json!(false), json!(true)));

    let _anna_wire = anna.begin(cluster.connect_to(2), "desk");
    wait_for_presence(&mut ben_wire, &anna, true);
}
