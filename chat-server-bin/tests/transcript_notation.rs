//! The notation of transcripts reads and matches as its page says.

mod notation;

use notation::matching::Bindings;
use notation::parse::{Action, parse_file, parse_markdown};
use serde_json::{Value, json};

/// Whether a frame matches, with nothing bound before.
fn matches(expected: &str, received: &str) -> bool {
    let (expected, received) = (expected.parse::<Value>(), received.parse::<Value>());
    matches!((expected, received), (Ok(expected), Ok(received)) if Bindings::default().check(&expected, &received).is_ok())
}

#[test]
fn every_kind_of_step_is_read() {
    let transcript = parse_file(
        "all",
        "# a comment\n\nserver: limits.max_frame = 256\nA: connect\nB: connect as bob\nC2: connect as bob on phone\n\
         A> {\"type\": \"ping\"} \nA< {\"type\":\"pong\"}\nA: closed\nB: disconnect\nserver: terminate\n",
    )
    .unwrap();
    assert_eq!(transcript.settings, ["limits.max_frame = 256"]);
    let connect_as = |device: &str| Action::ConnectAs {
        user: "bob".to_owned(),
        device: device.to_owned(),
    };
    let steps: Vec<_> = transcript
        .steps
        .iter()
        .map(|step| (step.line, step.client.as_str(), &step.action))
        .collect();
    assert_eq!(
        steps,
        [
            (4, "A", &Action::Connect),
            (5, "B", &connect_as("default")),
            (6, "C2", &connect_as("phone")),
            (7, "A", &Action::Send("{\"type\": \"ping\"}".to_owned())),
            (8, "A", &Action::Expect(json!({"type": "pong"}))),
            (9, "A", &Action::Closed),
            (10, "B", &Action::Disconnect),
            (11, "server", &Action::Terminate),
        ]
    );
}

#[test]
fn what_is_no_step_is_refused_with_its_line() {
    for bad in [
        "A",
        "A connect",
        ": connect",
        "A: dance",
        "A: connect as",
        "A< not json",
        "A> <x*99999999999999999999>",
        "server: dance",
    ] {
        let refusal = parse_file("bad", &format!("A: connect\n{bad}\n"));
        let message = format!("{:#}", refusal.expect_err(bad));
        assert!(message.contains("line 2"), "{bad}: {message}");
    }
    assert!(parse_file("late", "A: connect\nserver: limits.max_frame = 256\n").is_err());
    assert!(parse_file("empty", "# nothing\n").is_err());
}

#[test]
fn repetitions_are_written_out_and_other_brackets_stay() {
    let transcript = parse_file("long", "A> a<x*3>b<é*2>\"<token>\" <1 <*4> <x*>\n").unwrap();
    let Action::Send(line) = &transcript.steps[0].action else {
        panic!("{transcript:?}")
    };
    assert_eq!(line, "axxxbéé\"<token>\" <1 <*4> <x*>");
}

#[test]
fn only_the_transcript_blocks_of_a_page_are_read_and_named_by_their_heading() {
    let page = "# Page\n```transcript\nA: connect\n```\n## `send`\n```sh\n# no heading\nA: dance\n```\n\
                text\n```transcript\nB: connect\nB: closed\n```\n";
    let transcripts = parse_markdown(page).unwrap();
    let names: Vec<_> = transcripts
        .iter()
        .map(|transcript| transcript.name.as_str())
        .collect();
    assert_eq!(names, ["Page (line 2)", "`send` (line 11)"]);
    assert_eq!(transcripts[1].steps[1].line, 13);
    assert!(parse_markdown("```transcript\nA: dance\n```\n").is_err());
}

#[test]
fn fields_that_are_not_named_are_free_and_named_ones_are_not() {
    assert!(matches(r#"{"a":1}"#, r#"{"a":1,"b":2}"#));
    assert!(matches(
        r#"{"a":{"b":[1,{"c":2}]}}"#,
        r#"{"a":{"b":[1,{"c":2,"d":3}]}}"#
    ));
    assert!(!matches(r#"{"a":1,"b":2}"#, r#"{"a":1}"#));
    assert!(!matches(r#"{"a":1}"#, r#"{"a":2}"#));
    assert!(!matches(r#"{"a":1}"#, r#"{"a":"1"}"#));
    assert!(!matches(r#"{"a":{}}"#, r#"{"a":1}"#));
    assert!(!matches(r#"{"a":null}"#, "{}"));
}

#[test]
fn lists_are_compared_item_by_item_and_by_length() {
    assert!(matches("[]", "[]"));
    assert!(!matches("[]", "[1]"));
    assert!(!matches("[1]", "[]"));
    assert!(!matches("[1,2]", "[2,1]"));
}

#[test]
fn placeholders_take_any_value_once_and_the_same_one_afterwards() {
    let mut bindings = Bindings::default();
    bindings
        .check(
            &json!({"token": "<token>", "at": "<any>"}),
            &json!({"token": "abc", "at": 1}),
        )
        .unwrap();
    assert_eq!(bindings.fill(r#"{"token":"<token>"}"#), r#"{"token":"abc"}"#);
    bindings
        .check(
            &json!({"x": "<token>", "at": "<any>"}),
            &json!({"x": "abc", "at": 2}),
        )
        .unwrap();
    let other = bindings.check(&json!({"x": "<token>"}), &json!({"x": "abd"}));
    assert!(other.unwrap_err().to_string().contains("<token>"));
    assert!(matches(r#"["<a>","<a>"]"#, "[7,7]"));
    assert!(!matches(r#"["<a>","<a>"]"#, "[7,8]"));
    assert!(!matches(r#"{"a":"<Not a name>"}"#, r#"{"a":"x"}"#));
}

#[test]
fn a_frame_that_does_not_match_binds_nothing() {
    let mut bindings = Bindings::default();
    assert!(bindings.check(&json!(["<a>", 1]), &json!([7, 2])).is_err());
    assert_eq!(bindings, Bindings::default());
}

#[test]
fn absent_fields_must_be_absent() {
    assert!(matches(r#"{"a":"<absent>"}"#, "{}"));
    assert!(!matches(r#"{"a":"<absent>"}"#, r#"{"a":null}"#));
    assert!(!matches(r#"{"a":"<any>"}"#, "{}"));
}

#[test]
fn a_mismatch_says_where() {
    let mismatch = Bindings::default()
        .check(
            &json!({"user": {"ids": [1, 2]}}),
            &json!({"user": {"ids": [1, 3]}}),
        )
        .unwrap_err();
    assert_eq!(
        mismatch.to_string(),
        "`frame.user.ids[1]`: expected 2, received 3"
    );
}
