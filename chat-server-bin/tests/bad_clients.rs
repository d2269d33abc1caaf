//! Clients that flood, do not read, or vanish, while two bystanders chat and must not notice.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod support;

use std::thread;

use serde_json::json;
use support::{Bystanders, Server, Wire};

/// More than the sockets of both sides hold.
const MESSAGES: u64 = 3_000;
const BODY_BYTES: usize = 8_000;

fn sqlite() -> (tempfile::TempDir, Server) {
    let directory = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", directory.path().join("chat.db").display());
    let server = Server::start(&["--store", &store]);
    (directory, server)
}

#[test]
fn ten_thousand_requests_in_one_packet_get_their_replies_in_order() {
    let server = Server::start(&["--store", "memory:"]);
    let bystanders = Bystanders::of(&server);
    let mut wire = server.connect();
    let (id, _) = wire.begin_as("alice");
    let requests: String = (0..10_000)
        .map(|number| match number % 3 {
            0 => format!("{{\"type\":\"send\",\"ref\":{number},\"to\":{{\"user\":{id}}},\"body\":\"x\"}}\n"),
            1 => format!("{{\"type\":\"ping\",\"ref\":{number}}}\n"),
            _ => format!("{{\"type\":\"friends\",\"ref\":{number}}}\r\n\n"),
        })
        .collect();
    let mut input = Wire::of(wire.socket());
    thread::scope(|scope| {
        scope.spawn(|| input.send_bytes(requests.as_bytes()).unwrap());
        for number in 0..10_000 {
            let reply = wire.frame();
            let kind = ["sent", "pong", "friends"][number % 3];
            assert_eq!(
                (&reply["type"], &reply["ref"]),
                (&json!(kind), &json!(number)),
                "{reply}"
            );
        }
    });
    bystanders.still_chat();
}

#[test]
fn who_never_reads_delays_nobody_costs_no_memory_and_gets_everything_later() {
    let (_directory, server) = sqlite();
    let bystanders = Bystanders::of(&server);
    let [mut deaf, mut reader, mut writer] = [(); 3].map(|()| server.connect());
    let (id, _) = writer.begin_as("writer");
    let group = {
        deaf.begin_as("deaf");
        reader.begin_as("reader");
        let made = writer.request(&json!({"type": "create_group", "ref": "g", "name": "group"}));
        made["group"]["id"].clone()
    };
    for wire in [&mut deaf, &mut reader] {
        let joined = wire.request(&json!({"type": "join_group", "ref": "j", "group": group}));
        assert_eq!(joined["type"], "group_joined", "{joined}");
    }
    let body = "x".repeat(BODY_BYTES);
    // What the store keeps of its file in memory is there before anything is measured.
    for number in 1..=MESSAGES / 2 {
        let note = json!({"type": "send", "ref": number, "to": {"user": id}, "body": body});
        assert_eq!(writer.request(&note)["type"], "sent");
    }
    let before = server.peak_memory();
    for seq in 1..=MESSAGES {
        writer.send(&json!({"type": "send", "ref": seq, "to": {"group": group}, "body": body}));
        expect_message(&mut reader, seq);
    }
    let grown = server.grown_since(before);
    let written = usize::try_from(MESSAGES).unwrap() * BODY_BYTES;
    assert!(
        grown < written / 2,
        "{grown} bytes more for {written} unread ones"
    );
    // Only now, and all of it.
    for seq in 1..=MESSAGES {
        expect_message(&mut deaf, seq);
    }
    bystanders.still_chat();
}

/// The next message; who joined the group is of no interest.
fn expect_message(wire: &mut Wire, seq: u64) {
    let message = std::iter::repeat_with(|| wire.frame()).find(|frame| frame["type"] == "message");
    assert_eq!(message.unwrap()["seq"], seq);
}

#[test]
fn a_client_that_vanishes_at_any_byte_leaves_at_most_its_one_message() {
    let (_directory, server) = sqlite();
    let bystanders = Bystanders::of(&server);
    let mut wire = server.connect();
    let (id, token) = wire.begin_as("alice");
    let conversation = format!("d:{id}:{id}");
    let send = json!({"type": "send", "ref": 2, "to": {"user": id}, "body": "x", "id": "once"});
    let script_on = |device| {
        let login = json!({"type": "login", "ref": 1, "token": token, "device": device});
        format!("{login}\n{send}\n")
    };
    let script = script_on("cut");
    for cut in 0..script.len() {
        let mut half = server.connect();
        half.send_bytes(&script.as_bytes()[..cut]).unwrap();
        if cut % 2 == 0 {
            // A client that ends politely sees the replies to what was whole, and no more.
            half.end_sending();
            let replies: Vec<_> = half
                .rest()
                .into_iter()
                .filter(|frame| frame["ref"].is_number())
                .collect();
            let whole = script.as_bytes()[..cut]
                .iter()
                .filter(|&&byte| byte == b'\n')
                .count();
            assert_eq!(replies.len(), whole, "cut at {cut}: {replies:?}");
        }
    }
    let stored = |wire: &mut Wire| {
        let page = wire.request(&json!({"type": "history", "ref": 3, "conversation": conversation}));
        page["messages"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(stored(&mut wire), 0, "a send without its line end was taken");
    for _ in 0..20 {
        server.connect().send_bytes(script.as_bytes()).unwrap();
    }
    // One that vanished may log in only now, and would take the place of a session of its own device.
    let mut whole = server.connect();
    whole.send_bytes(script_on("whole").as_bytes()).unwrap();
    let sent = std::iter::repeat_with(|| whole.frame())
        .find(|frame| frame["type"] == "sent")
        .unwrap();
    assert_eq!((&sent["seq"], &sent["id"]), (&json!(1), &json!("once")));
    assert_eq!(stored(&mut wire), 1);
    bystanders.still_chat();
}
