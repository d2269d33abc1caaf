//! What bad input gets, over a real socket, while two bystanders chat and must not notice.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod support;

use std::thread;

use serde_json::{Value, json};
use support::{Bystanders, Server, Wire};

const MEBIBYTE: usize = 1_048_576;
/// Well beyond what a frame may hold by default, so that only depth is the subject.
const WIDE: &[&str] = &["--store", "memory:", "--limits-max-frame", "1048576"];
const MEMORY: &[&str] = &["--store", "memory:"];
const DEPTH: usize = 100_000;

fn user(server: &Server, name: &str) -> (Wire, u64, String) {
    let mut wire = server.connect();
    let (id, token) = wire.begin_as(name);
    (wire, id, token)
}

/// Sends the bytes as one line; it must be a `bad_frame` with this `ref`, and leave the connection open.
fn is_bad_frame(wire: &mut Wire, line: &[u8], reference: &Value) -> String {
    let shown = String::from_utf8_lossy(&line[..line.len().min(120)]).into_owned();
    wire.send_bytes(line).unwrap();
    wire.send_line("");
    let error = wire.frame();
    assert_eq!(
        (&error["type"], &error["code"]),
        (&json!("error"), &json!("bad_frame")),
        "{shown}: {error}"
    );
    assert_eq!(&error["ref"], reference, "{shown}: {error}");
    let pong = wire.request(&json!({"type": "ping", "ref": "still open"}));
    assert_eq!(pong["type"], "pong", "{shown}");
    error["message"].as_str().unwrap().to_owned()
}

fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

#[test]
fn what_is_no_request_is_a_bad_frame_and_the_connection_stays_open() {
    let server = Server::start(MEMORY);
    let bystanders = Bystanders::of(&server);
    let (mut logged_in, _, _) = user(&server, "alice");
    for wire in [&mut server.connect(), &mut logged_in] {
        for line in [
            &b"nonsense"[..],
            b"{",
            b"{\"type\":\"ping\"",
            b"{\"type\":\"ping\"} {}",
            b"{'type':'ping'}",
            b"[]",
            b"[{\"type\":\"ping\"}]",
            b"\"ping\"",
            b"7",
            b"null",
            b"true",
            b"{}",
            b"{\"ref\":null,\"type\":null}",
            b"\xff\xfe",
            b"{\"type\":\"ping\",\"x\":\"\xff\"}",
            b"{\"type\":\"ping\",\"x\":\"\xed\xa0\x80\"}",
            b"{\"type\":\"ping\",\"\xc3\":1}",
            b"\0",
            b"\0{\"type\":\"ping\"}",
            b"{\"type\":\"ping\"}\0",
            b"{\"type\":\"ping\",\"x\":\"a\0b\"}",
            b"{\"type\":\"ping\",\"type\":\"ping\"}",
            b"{\"type\":\"ping\",\"ref\":1e999}",
            b"{\"type\":\"ping\",\"ref\":9007199254740993}",
            b"{\"type\":\"ping\",\"ref\":1.5}",
            b"{\"type\":\"ping\",\"ref\":[]}",
            b"{\"type\":\"ping\",\"ref\":{}}",
            b"{\"type\":\"ping\",\"ref\":true}",
        ] {
            is_bad_frame(wire, line, &Value::Null);
        }
        for line in [
            "{\"ref\":1}",
            "{\"type\":7,\"ref\":1}",
            "{\"type\":\"dance\",\"ref\":1}",
            "{\"type\":\"\",\"ref\":1}",
        ] {
            is_bad_frame(wire, line.as_bytes(), &json!(1));
        }
        let digits = format!("{{\"type\":\"ping\",\"ref\":{}}}", "9".repeat(10_000));
        is_bad_frame(wire, digits.as_bytes(), &Value::Null);
    }
    bystanders.still_chat();
}

/// Requests with a field that is missing or wrong, and what the refusal has to name.
fn wrong_fields(id: u64) -> Vec<(Value, &'static str)> {
    vec![
        (json!({"type": "register", "name": "bob"}), "`password`"),
        (
            json!({"type": "register", "name": 7, "password": "correct horse"}),
            "`name`",
        ),
        (
            json!({"type": "register", "name": "bob", "password": "short"}),
            "`password`",
        ),
        (json!({"type": "login", "name": "alice"}), "`password`"),
        (json!({"type": "send", "to": {"user": id}}), "`body`"),
        (json!({"type": "send", "body": "x"}), "`to`"),
        (json!({"type": "send", "to": 7, "body": "x"}), "`to`"),
        (json!({"type": "send", "to": {}, "body": "x"}), "`to`"),
        (
            json!({"type": "send", "to": {"user": id, "group": 1}, "body": "x"}),
            "`to`",
        ),
        (
            json!({"type": "send", "to": {"user": "1"}, "body": "x"}),
            "`to.user`",
        ),
        (json!({"type": "send", "to": {"user": id}, "body": 7}), "`body`"),
        (
            json!({"type": "send", "to": {"user": id}, "body": "x", "id": ""}),
            "`id`",
        ),
        (
            json!({"type": "send", "to": {"user": id}, "body": "x", "id": "ä"}),
            "`id`",
        ),
        (
            json!({"type": "send", "to": {"user": id}, "body": "x", "data": 7}),
            "`data`",
        ),
        (json!({"type": "ack", "seq": 1}), "`conversation`"),
        (json!({"type": "ack", "conversation": "d:1:1"}), "`seq`"),
        (
            json!({"type": "ack", "conversation": "x:1", "seq": 1}),
            "`conversation`",
        ),
        (
            json!({"type": "history", "conversation": "d:2:1"}),
            "`conversation`",
        ),
        (
            json!({"type": "history", "conversation": "d:1:1", "limit": "50"}),
            "`limit`",
        ),
        (json!({"type": "create_group"}), "`name`"),
        (
            json!({"type": "create_group", "name": "g", "description": "x".repeat(201)}),
            "`description`",
        ),
        (json!({"type": "find_user", "name": ["alice"]}), "`name`"),
    ]
}

#[test]
fn missing_and_wrong_fields_are_named_and_unknown_ones_are_ignored() {
    let server = Server::start(MEMORY);
    let bystanders = Bystanders::of(&server);
    let (mut wire, id, _) = user(&server, "alice");
    for (fields, named) in wrong_fields(id) {
        let mut frame = fields.clone();
        frame["ref"] = json!("r");
        let message = is_bad_frame(&mut wire, frame.to_string().as_bytes(), &json!("r"));
        assert!(message.contains(named), "{fields}: {message}");
    }
    let frame = format!(
        "{{\"type\":\"ping\",\"ref\":1,\"é\":1e999,\"n\":{},\"\\u0000\":\"\\u0000\"}}",
        "9".repeat(5_000)
    );
    wire.send_line(&frame);
    assert_eq!(wire.frame()["type"], "pong");
    bystanders.still_chat();
}

#[test]
fn ids_outside_of_their_range_are_bad_frames_and_unknown_ones_are_not_found() {
    let server = Server::start(MEMORY);
    let bystanders = Bystanders::of(&server);
    let (mut wire, _, _) = user(&server, "alice");
    let requests = |id: &str| {
        [
            format!(r#"{{"type":"send","ref":1,"to":{{"user":{id}}},"body":"x"}}"#),
            format!(r#"{{"type":"send","ref":1,"to":{{"group":{id}}},"body":"x"}}"#),
            format!(r#"{{"type":"add_friend","ref":1,"user":{id}}}"#),
            format!(r#"{{"type":"join_group","ref":1,"group":{id}}}"#),
            format!(r#"{{"type":"members","ref":1,"group":{id}}}"#),
            format!(r#"{{"type":"history","ref":1,"conversation":"g:{id}"}}"#),
        ]
    };
    for id in [
        "0",
        "-1",
        "9007199254740993",
        "18446744073709551616",
        "1e400",
        "1.5",
        "-0",
    ] {
        for request in requests(id) {
            is_bad_frame(&mut wire, request.as_bytes(), &json!(1));
        }
    }
    for request in requests("9007199254740991") {
        wire.send_line(&request);
        let error = wire.frame();
        assert_eq!(
            (&error["code"], &error["ref"]),
            (&json!("not_found"), &json!(1)),
            "{request}: {error}"
        );
    }
    bystanders.still_chat();
}

#[test]
fn nesting_of_any_depth_harms_nobody() {
    let server = Server::start(WIDE);
    let bystanders = Bystanders::of(&server);
    let (mut wire, id, _) = user(&server, "alice");
    let deep = nested(DEPTH);
    wire.send_line(&format!(r#"{{"type":"ping","ref":1,"x":{deep}}}"#));
    assert_eq!(wire.frame()["type"], "pong");
    let objects = format!("{}1{}", "{\"a\":".repeat(DEPTH), "}".repeat(DEPTH));
    wire.send_line(&format!(r#"{{"type":"ping","ref":2,"x":{objects}}}"#));
    assert_eq!(wire.frame()["type"], "pong");
    for (line, reference) in [
        (deep.clone(), Value::Null),
        ("[".repeat(DEPTH), Value::Null),
        ("{\"a\":".repeat(DEPTH), Value::Null),
        (format!(r#"{{"type":"ping","ref":{deep}}}"#), Value::Null),
        (format!(r#"{{"type":{deep},"ref":1}}"#), json!(1)),
        (
            format!(r#"{{"type":"send","ref":1,"to":{deep},"body":"x"}}"#),
            json!(1),
        ),
        (
            format!(r#"{{"type":"send","ref":1,"to":{{"x":{deep}}},"body":"x"}}"#),
            json!(1),
        ),
        (
            format!(r#"{{"type":"send","ref":1,"to":{{"user":{id}}},"body":{deep}}}"#),
            json!(1),
        ),
        (
            format!(r#"{{"type":"send","ref":1,"to":{{"user":{id}}},"body":"x","data":{objects}}}"#),
            json!(1),
        ),
    ] {
        is_bad_frame(&mut wire, line.as_bytes(), &reference);
    }
    // As deep as `data` may be long: it is carried unread.
    let data = format!(r#"{{"a":{}}}"#, nested(4_090));
    wire.send_line(&format!(
        r#"{{"type":"send","ref":3,"to":{{"user":{id}}},"body":"x","data":{data}}}"#
    ));
    assert_eq!(wire.frame()["type"], "sent");
    wire.send_line(&format!(
        r#"{{"type":"history","ref":4,"conversation":"d:{id}:{id}"}}"#
    ));
    assert!(wire.line().contains(&data));
    bystanders.still_chat();
}

#[test]
fn a_line_without_end_is_cut_off_and_takes_no_memory() {
    let server = Server::start(MEMORY);
    let bystanders = Bystanders::of(&server);
    let before = server.peak_memory();
    let mut wire = server.connect();
    let mut input = Wire::of(wire.socket());
    let sent = thread::scope(|scope| {
        let sending = scope.spawn(|| {
            let piece = vec![b'x'; MEBIBYTE];
            (0..200).take_while(|_| input.send_bytes(&piece).is_ok()).count()
        });
        let goodbye = wire.frame();
        assert_eq!(
            (&goodbye["type"], &goodbye["code"]),
            (&json!("goodbye"), &json!("frame_too_large"))
        );
        assert_eq!(wire.next_frame(), None);
        wire.close();
        sending.join().unwrap()
    });
    let grown = server.grown_since(before);
    assert!(grown < 16 * MEBIBYTE, "{grown} bytes more after {sent} MiB");
    bystanders.still_chat();
}

#[test]
fn half_a_line_and_then_silence_ends_with_login_timeout() {
    let server = Server::start(&["--store", "memory:", "--limits-login-timeout", "3s"]);
    let bystanders = Bystanders::of(&server);
    let mut half = server.connect();
    half.send_bytes(b"{\"type\":\"login\",\"na").unwrap();
    let mut silent = server.connect();
    for wire in [&mut half, &mut silent] {
        let frames = wire.rest();
        let codes: Vec<_> = frames.iter().map(|frame| &frame["code"]).collect();
        assert_eq!(codes, ["login_timeout"], "{frames:?}");
    }
    bystanders.still_chat();
}

#[test]
fn deceptive_names_are_refused_and_equal_ones_are_taken() {
    let server = Server::start(MEMORY);
    let bystanders = Bystanders::of(&server);
    let mut wire = server.connect();
    let register =
        |name: &str| json!({"type": "register", "ref": 1, "name": name, "password": "correct horse"});
    let long = "\u{10348}".repeat(51);
    for bad in [
        "",
        " ",
        " a",
        "a ",
        "a\nb",
        "a\0b",
        "a\u{7f}",
        "a\u{85}b",
        "a\u{1b}[2J",
        "a\u{200e}b",
        "a\u{200f}b",
        "a\u{202e}b",
        "a\u{2066}b",
        "a\u{200b}b",
        "a\u{feff}",
        "\u{a0}a",
        "a\u{3000}",
        "a\u{2003}",
        &long,
    ] {
        let error = wire.request(&register(bad));
        assert_eq!(error["code"], "bad_frame", "{bad:?}: {error}");
        assert!(error["message"].as_str().unwrap().contains("`name`"), "{error}");
    }
    for (name, equal) in [
        ("\u{10348}".repeat(50), "\u{10348}".repeat(50)),
        ("Ärger".to_owned(), "äRGER".to_owned()),
        ("straße".to_owned(), "STRASSE".to_owned()),
        ("ΣΊΣΥΦΟΣ".to_owned(), "σίσυφος".to_owned()),
        ("Ж".to_owned(), "ж".to_owned()),
        ("a b".to_owned(), "A\u{2003}B".to_owned()),
        ("é".to_owned(), "e\u{301}".to_owned()),
    ] {
        let reply = wire.request(&register(&name));
        assert_eq!(
            (&reply["type"], &reply["user"]["name"]),
            (&json!("registered"), &json!(name)),
            "{reply}"
        );
        let error = wire.request(&register(&equal));
        assert_eq!(error["code"], "name_taken", "{equal}: {error}");
    }
    bystanders.still_chat();
}

#[test]
fn before_login_only_three_requests_are_taken() {
    let server = Server::start(MEMORY);
    let mut wire = server.connect();
    for request in [
        json!({"type": "send", "to": {"user": 1}, "body": "x"}),
        json!({"type": "ack", "conversation": "d:1:1", "seq": 1}),
        json!({"type": "history", "conversation": "d:1:1"}),
        json!({"type": "add_friend", "user": 1}),
        json!({"type": "remove_friend", "user": 1}),
        json!({"type": "create_group", "name": "g"}),
        json!({"type": "join_group", "group": 1}),
        json!({"type": "leave_group", "group": 1}),
        json!({"type": "members", "group": 1}),
        json!({"type": "find_user", "name": "alice"}),
        json!({"type": "conversations"}),
        json!({"type": "friends"}),
        json!({"type": "groups"}),
        json!({"type": "logout"}),
    ] {
        let mut request = request.clone();
        request["ref"] = request["type"].clone();
        let error = wire.request(&request);
        assert_eq!(error["code"], "unauthenticated", "{request}: {error}");
    }
    // Without a `ref`, a failed acknowledgement is answered all the same.
    wire.send(&json!({"type": "ack", "conversation": "d:1:1", "seq": 1}));
    assert_eq!(wire.frame()["code"], "unauthenticated");
    assert_eq!(wire.request(&json!({"type": "ping", "ref": 1}))["type"], "pong");
}

#[test]
fn references_of_the_right_form_come_back_and_others_are_bad_frames() {
    let server = Server::start(MEMORY);
    let mut wire = server.connect();
    let longest = "é".repeat(32);
    let integers = [0_i64, -1, 9_007_199_254_740_991, -9_007_199_254_740_991].map(Value::from);
    let texts = ["", "r", "\u{0}\n\"", longest.as_str()].map(Value::from);
    for reference in integers.into_iter().chain(texts) {
        wire.send(&json!({"type": "ping", "ref": reference}));
        let pong = wire.frame();
        assert_eq!((&pong["type"], &pong["ref"]), (&json!("pong"), &reference));
    }
    wire.send_line(r#"{"type":"ping"}"#);
    assert_eq!(wire.frame().get("ref"), None);
    let too_long = json!({"type": "ping", "ref": format!("{longest}x")}).to_string();
    is_bad_frame(&mut wire, too_long.as_bytes(), &Value::Null);
}
