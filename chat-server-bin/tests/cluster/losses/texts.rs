//! Any text comes back byte for byte.

use serde_json::{Value, json};

use crate::harness::Cluster;
use crate::people::{PASSWORD, Person, field};

/// The longest body, in bytes.
const LONGEST: usize = 8_192;

/// Texts that have broken other servers: what each is, and the text.
pub(super) const TEXTS: &[(&str, &str)] = &[
    ("apostrophes", "it's Miles O'Brien's, ''twice''; 'and at the end'"),
    ("quotes", "say \"hello\" to \"\"everybody\"\" and \"me\""),
    ("backslashes", r"C:\new\table\0\%\_\' \\ and at the end \"),
    ("line_ends", "\none\ntwo\r\nthree\rfour\n\n\tfive\n"),
    ("chinese_characters", "你好，世界！㐀𠀀𪚥，龍龜。"),
    ("emoji", "👍🏽 👨\u{200D}👩\u{200D}👧\u{200D}👦 🇨🇳 ❤️ 𝕏 e\u{301}"),
];

/// A body of the greatest length, of printable ASCII.
pub(super) fn longest_ascii() -> String {
    (' '..='~').cycle().take(LONGEST).collect()
}

/// A body of the greatest length, of characters of four bytes each.
pub(super) fn longest_of_four_bytes() -> String {
    let characters = ('\u{1F300}'..='\u{1F5FF}').chain('\u{20000}'..='\u{20100}');
    characters.cycle().take(LONGEST / 4).collect()
}

/// A message to an absent user and one to a group with an absent member: both come at the next
/// login, on another node, and stand in `history`.
pub(super) fn reaches_an_absent_user(cluster: &Cluster, what: &str, text: &str) {
    let sender = Person::register(cluster, &format!("sender of {what}"));
    let receiver = Person::register(cluster, &format!("receiver of {what}"));
    let group = receiver
        .log_in(cluster)
        .create_group(&format!("group for {what}"), "");
    let (direct, of_group) = (sender.conversation_with(&receiver), format!("g:{group}"));

    let mut sending = sender.log_in(cluster);
    sending.join(group);
    let data = data_with(text);
    for to in [json!({"user": receiver.id}), json!({"group": group})] {
        let send = json!({"type": "send", "ref": "send", "to": to, "body": text, "id": "one", "data": data});
        let sent = sending.request(&send);
        assert_eq!(
            (&sent["type"], &sent["seq"]),
            (&json!("sent"), &json!(1)),
            "{sent}"
        );
    }
    is_twice(&offline_messages(cluster, receiver.id), text, &data);

    let mut receiving = receiver.log_in(cluster);
    is_twice(&receiving.stored, text, &data);
    for message in receiving.stored.clone() {
        receiving.acknowledge(&message);
    }
    for session in [&mut sending, &mut receiving] {
        let mut both = session.history(&direct);
        both.extend(session.history(&of_group));
        is_twice(&both, text, &data);
    }
}

/// What the original's table of messages to absent users has for this one.
fn offline_messages(cluster: &Cluster, user: u64) -> Vec<Value> {
    let query = format!("SELECT message FROM OfflineMessage WHERE userid = {user}");
    let rows = cluster.database.rows(&query);
    rows.iter()
        .map(|row| serde_json::from_str(row).unwrap())
        .collect()
}

/// An object that holds the text as a key and as a value, or is as long as one can be.
fn data_with(text: &str) -> Value {
    let object = json!({text: text, "list": [text, null, 1.5]});
    if object.to_string().len() <= LONGEST {
        return object;
    }
    let longest = json!({"x": "y".repeat(LONGEST - json!({"x": ""}).to_string().len())});
    assert_eq!(longest.to_string().len(), LONGEST);
    longest
}

/// There are two messages with this body and this data, in different conversations.
fn is_twice(messages: &[Value], text: &str, data: &Value) {
    assert_eq!(field(messages, "body"), [text, text]);
    assert_eq!(field(messages, "data"), [data.clone(), data.clone()]);
    assert_eq!(field(messages, "id"), ["one", "one"]);
    assert_ne!(messages[0]["conversation"], messages[1]["conversation"]);
}

/// A user's and a group's name and its description hold the text, and others see it from any node.
/// A name with line ends is refused.
pub(super) fn stands_in_names(cluster: &Cluster, what: &str, text: &str) {
    let name = text.trim();
    if name.chars().any(char::is_control) {
        is_refused(cluster, name);
    }
    // What a name cannot hold still fits into the description.
    let name: String = name.chars().filter(|character| !character.is_control()).collect();
    let named = Person::register(cluster, &name);
    let other = Person::register(cluster, &format!("who looks at {what}"));
    let group = named.log_in(cluster).create_group(&name, text);

    let mut looking = other.log_in(cluster);
    let found = looking.request(&json!({"type": "find_user", "ref": "find", "name": name}));
    is_named(&found["user"], named.id, &name);
    let added = looking.request(&json!({"type": "add_friend", "ref": "add", "name": name}));
    is_named(&added["user"], named.id, &name);
    looking.join(group);
    let members = looking.request(&json!({"type": "members", "ref": "members", "group": group, "limit": 1}));
    is_named(&members["members"][0], named.id, &name);

    named.log_in(cluster).send(&json!({"user": other.id}), "from me");
    is_named(&looking.message()["from"], named.id, &name);

    let mut again = cluster.connect();
    let login = json!({"type": "login", "ref": "login", "name": name, "password": PASSWORD});
    let welcome = again.request(&login);
    is_named(&welcome["user"], named.id, &name);
    let later = other.log_in(cluster);
    is_named(&later.welcome["friends"][0], named.id, &name);
    let seen = &later.welcome["groups"][0];
    assert_eq!(
        (&seen["name"], &seen["description"]),
        (&json!(name), &json!(text))
    );
    assert_eq!(field(&later.stored, "from")[0]["name"], name);
}

fn is_named(user: &Value, id: u64, name: &str) {
    assert_eq!((&user["id"], &user["name"]), (&json!(id), &json!(name)));
}

fn is_refused(cluster: &Cluster, name: &str) {
    let register = json!({"type": "register", "ref": 1, "name": name, "password": PASSWORD});
    let error = cluster.connect().request(&register);
    assert_eq!(error["code"], "bad_frame", "{error}");
}
