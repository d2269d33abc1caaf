//! Messages and packets do not go together.

use serde_json::json;

use crate::harness::Cluster;
use crate::people::{Person, field};

/// The packets that one message is cut into, and the messages of one packet.
const COUNT: usize = 5;

/// Five messages in one write: all are stored, in their order, and come to an absent user.
pub(super) fn five_messages_in_one_packet(cluster: &Cluster) {
    let (sender, receiver) = two(cluster, "joined");
    let mut sending = sender.log_in(cluster);
    let bodies: Vec<String> = (1..=COUNT)
        .map(|number| format!("message {number} 你好"))
        .collect();
    let lines: Vec<String> = bodies.iter().map(|body| line(receiver.id, body)).collect();
    sending.wire.send_bytes(lines.concat().as_bytes()).unwrap();
    for seq in 1..=COUNT {
        let sent = sending.reply(&json!("send"));
        assert_eq!(
            (&sent["type"], &sent["seq"]),
            (&json!("sent"), &json!(seq)),
            "{sent}"
        );
    }
    assert_eq!(field(&receiver.log_in(cluster).stored, "body"), bodies);
}

/// One message in five packets, cut within characters too: it is stored once, and comes to an absent user.
pub(super) fn one_message_in_five_packets(cluster: &Cluster) {
    let (sender, receiver) = two(cluster, "cut");
    let mut sending = sender.log_in(cluster);
    let body = "龍🐉".repeat(1_000);
    let line = line(receiver.id, &body).into_bytes();
    let packets: Vec<_> = line.chunks(line.len().div_ceil(COUNT)).collect();
    assert_eq!(packets.len(), COUNT);
    assert!(packets.iter().any(|packet| std::str::from_utf8(packet).is_err()));
    let mut beside = cluster.connect();
    for packet in packets {
        sending.wire.send_bytes(packet).unwrap();
        // While something else went the whole way and back, this packet was alone on its way.
        let pong = beside.request(&json!({"type": "ping", "ref": "ping"}));
        assert_eq!(pong["type"], "pong", "{pong}");
    }
    let sent = sending.reply(&json!("send"));
    assert_eq!(
        (&sent["type"], &sent["seq"]),
        (&json!("sent"), &json!(1)),
        "{sent}"
    );
    assert_eq!(field(&receiver.log_in(cluster).stored, "body"), [body]);
}

fn two(cluster: &Cluster, what: &str) -> (Person, Person) {
    let person = |role: &str| Person::register(cluster, &format!("{role} of what is {what}"));
    (person("sender"), person("receiver"))
}

fn line(to: u64, body: &str) -> String {
    format!(
        "{}\n",
        json!({"type": "send", "ref": "send", "to": {"user": to}, "body": body})
    )
}
