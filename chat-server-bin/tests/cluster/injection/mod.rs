//! Texts that would change a statement change nothing, in whichever field they come.

mod attack;
mod bystanders;
mod payloads;
mod tables;

use std::thread;

use chat_test_services::eventually;
use libtest_mimic::Trial;
use serde_json::Value;

use self::attack::Attack;
use self::bystanders::Bystanders;
use self::payloads::PAYLOADS;
use self::tables::{Additions, Tables};
use crate::harness::{Cluster, Plan};

/// How many attack at the same time.
const ATTACKERS: usize = 3;

pub(crate) fn trials() -> Vec<Trial> {
    vec![crate::test(
        "injection::statements_in_any_text_field_change_nothing",
        statements_in_any_text_field_change_nothing,
    )]
}

fn statements_in_any_text_field_change_nothing() {
    // All failed logins come from one address, and their limit is not the subject.
    let cluster = Cluster::start(&Plan {
        settings: vec!["limits.failed_logins_per_address_burst = 100000".to_owned()],
        ..Plan::default()
    });
    let bystanders = Bystanders::register(&cluster);
    let seen = bystanders.views(&cluster);
    all_are_away(&cluster);
    let before = Tables::read(&cluster.database);

    let mut expected = Additions::default();
    thread::scope(|scope| {
        let attacks: Vec<_> = PAYLOADS
            .chunks(PAYLOADS.len().div_ceil(ATTACKERS))
            .enumerate()
            .map(|(number, payloads)| {
                let (cluster, bystanders) = (&cluster, &bystanders);
                scope.spawn(move || attack(cluster, bystanders, number, payloads))
            })
            .collect();
        for attack in attacks {
            expected.add(&attack.join().expect("every answer is as it has to be"));
        }
    });

    all_are_away(&cluster);
    let after = Tables::read(&cluster.database);
    expected.are(&after.added_since(&before));
    is_readable_as_offline_messages(&cluster, expected.of("Message"));
    assert_eq!(bystanders.views(&cluster), seen);
    bystanders.log_in_by_password(&cluster);
}

/// Tries these texts everywhere; answers how many rows each table has to have more.
fn attack(cluster: &Cluster, bystanders: &Bystanders, number: usize, payloads: &[&str]) -> Additions {
    let mut attack = Attack::begin(cluster, bystanders, number);
    for payload in payloads {
        attack.with(payload);
    }
    attack.without_valid_utf8();
    attack.added
}

/// Waits until nobody is online, so that no row is about to change.
fn all_are_away(cluster: &Cluster) {
    eventually("all are offline", || {
        let online = cluster
            .database
            .rows("SELECT name FROM User WHERE state = 'online'");
        online.is_empty().then_some(())
    })
    .unwrap();
}

/// What the view makes of the messages that hold these texts is JSON.
fn is_readable_as_offline_messages(cluster: &Cluster, at_most: usize) {
    let rows = cluster.database.rows("SELECT message FROM OfflineMessage");
    let messages = rows.iter().map(|row| serde_json::from_str::<Value>(row));
    let messages: Vec<Value> = messages.map(|message| message.expect("JSON")).collect();
    let with_data: Vec<_> = messages
        .iter()
        .filter(|message| message.get("data").is_some())
        .collect();
    assert!((PAYLOADS.len()..=at_most).contains(&with_data.len()));
    for message in with_data {
        let body = message["body"].as_str().expect("a text");
        assert_eq!(message["data"][body], body);
    }
}
