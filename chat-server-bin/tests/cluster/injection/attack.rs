//! One text in every field.

use serde_json::{Value, json};

use super::bystanders::Bystanders;
use super::payloads::{is_identifier, is_name};
use super::tables::Additions;
use crate::harness::Cluster;
use crate::people::{PASSWORD, Person, Session, field};
use crate::support::Wire;

/// Someone who puts texts into fields, beginning with a session of their own.
pub(super) struct Attack<'a> {
    cluster: &'a Cluster,
    bystanders: &'a Bystanders,
    attacker: Person,
    session: Session,
    /// Tells the texts of this attacker from those of others.
    number: usize,
    /// The password before, which is wrong for the user after.
    other_password: String,
    /// What the database has to have more, by what was answered.
    pub(super) added: Additions,
}

impl<'a> Attack<'a> {
    pub(super) fn begin(cluster: &'a Cluster, bystanders: &'a Bystanders, number: usize) -> Self {
        let attacker = Person::register(cluster, &format!("attacker {number}"));
        let mut added = Additions::default();
        added.count(&["User", "Token", "Device"]);
        Self {
            cluster,
            bystanders,
            session: attacker.log_in(cluster),
            attacker,
            number,
            other_password: PASSWORD.to_owned(),
            added,
        }
    }

    /// Tries the text in every field.
    pub(super) fn with(&mut self, text: &str) {
        let mut wire = self.cluster.connect();
        self.as_someone_unknown(&mut wire, text);
        let (id, name) = self.registers(&mut wire, text);
        self.befriends(id, &name);
        self.sends(&mut wire, text);
        self.makes_a_group(&mut wire, text);
        self.in_references_and_numbers(&mut wire, text);
        self.in_conversations(&mut wire, text);
        wire.close();
    }

    /// The text names nobody, also behind the name of a bystander, and is no token.
    fn as_someone_unknown(&mut self, wire: &mut Wire, text: &str) {
        let longer = format!("{}{text}", self.bystanders.one().name);
        for name in [text.trim(), longer.trim()] {
            let expected = if is_name(name) { "not_found" } else { "bad_frame" };
            for request in [
                json!({"type": "find_user", "name": name}),
                json!({"type": "add_friend", "name": name}),
            ] {
                is_error(&ask(&mut self.session.wire, &request), expected, &request);
            }
        }
        let login = json!({"type": "login", "name": longer.trim(), "password": PASSWORD});
        let expected = if is_name(longer.trim()) {
            "invalid_credentials"
        } else {
            "bad_frame"
        };
        is_error(&ask(wire, &login), expected, &login);
        let login = json!({"type": "login", "token": text});
        is_error(&ask(wire, &login), "invalid_credentials", &login);
    }

    /// The text as a name, a password and a device; answers the user's id and name.
    fn registers(&mut self, wire: &mut Wire, text: &str) -> (u64, String) {
        let password = format!("{text}{text}xxxxxxxx");
        let mut register = json!({"type": "register", "name": text.trim(), "password": password});
        if !is_name(text.trim()) {
            is_error(&ask(wire, &register), "bad_frame", &register);
            register["name"] = json!(format!("user {} of {}", self.added.of("User"), self.number));
        }
        let registered = ask(wire, &register);
        assert_eq!(registered["type"], "registered", "{register}: {registered}");
        assert_eq!(registered["user"]["name"], register["name"]);
        self.added.count(&["User"]);

        let wrong = json!({"type": "login", "name": register["name"], "password": self.other_password});
        is_error(&ask(wire, &wrong), "invalid_credentials", &wrong);
        let mut login =
            json!({"type": "login", "name": register["name"], "password": password, "device": text});
        if !is_identifier(text, "._-") {
            is_error(&ask(wire, &login), "bad_frame", &login);
            login["device"] = json!("default");
        }
        let welcome = ask(wire, &login);
        assert_eq!(welcome["type"], "welcome", "{login}: {welcome}");
        assert_eq!(
            (&welcome["user"], &welcome["device"]),
            (&registered["user"], &login["device"])
        );
        assert_eq!(
            (&welcome["friends"], &welcome["groups"]),
            (&json!([]), &json!([]))
        );
        assert_eq!(wire.frame()["type"], "synced");
        self.added.count(&["Token", "Device"]);
        self.other_password = password;
        let name = register["name"].as_str().unwrap().to_owned();
        (welcome["user"]["id"].as_u64().unwrap(), name)
    }

    /// The name finds exactly who has it.
    fn befriends(&mut self, id: u64, name: &str) {
        for (request, kind) in [("find_user", "user_found"), ("add_friend", "friend_added")] {
            let found = ask(&mut self.session.wire, &json!({"type": request, "name": name}));
            assert_eq!(found["type"], kind, "{name:?}: {found}");
            assert_eq!(
                (&found["user"]["id"], &found["user"]["name"]),
                (&json!(id), &json!(name))
            );
        }
        self.added.count(&["Friend", "Friend"]);
    }

    /// The text as a body, as a key and a value of `data`, and as an id.
    fn sends(&mut self, wire: &mut Wire, text: &str) {
        let mut send = json!({
            "type": "send", "to": {"user": self.attacker.id}, "body": text, "data": {text: text}
        });
        self.is_stored(wire, &send, 1);
        self.added.count(&["Conversation"]);
        send["id"] = json!(text);
        let mut bodies = vec![text];
        if is_identifier(text, "._:-") {
            self.is_stored(wire, &send, 2);
            bodies.push(text);
        } else {
            is_error(&ask(wire, &send), "bad_frame", &send);
        }
        send["data"] = json!(text);
        is_error(&ask(wire, &send), "bad_frame", &send);
        let received: Vec<Value> = bodies.iter().map(|_| self.session.message()).collect();
        assert_eq!(field(&received, "body"), bodies);
        let history = self
            .session
            .history(received[0]["conversation"].as_str().unwrap());
        assert_eq!(history, without_type(received));
        for message in history {
            assert_eq!(message["data"], json!({text: text}));
        }
    }

    fn is_stored(&mut self, wire: &mut Wire, send: &Value, seq: u64) {
        let sent = ask(wire, send);
        assert_eq!(
            (&sent["type"], &sent["seq"]),
            (&json!("sent"), &json!(seq)),
            "{send}: {sent}"
        );
        self.added.count(&["Message"]);
    }

    /// The text as a group's name, as its description, and as a message to it.
    fn makes_a_group(&mut self, wire: &mut Wire, text: &str) {
        let mut create = json!({"type": "create_group", "name": text.trim(), "description": text});
        if !is_name(text.trim()) {
            is_error(&ask(wire, &create), "bad_frame", &create);
            create["name"] = json!(format!("group {} of {}", self.added.of("AllGroup"), self.number));
        }
        let created = ask(wire, &create);
        assert_eq!(created["type"], "group_created", "{create}: {created}");
        let groups = ask(wire, &json!({"type": "groups"}))["groups"].clone();
        assert_eq!(groups, json!([created["group"]]));
        assert_eq!(
            (&groups[0]["name"], &groups[0]["description"]),
            (&create["name"], &json!(text))
        );
        self.added.count(&["AllGroup", "GroupUser", "Conversation"]);
        let send = json!({"type": "send", "to": {"group": groups[0]["id"]}, "body": text});
        self.is_stored(wire, &send, 1);
    }

    /// The text as a `ref`, as a `type`, and in the place of a number.
    fn in_references_and_numbers(&self, wire: &mut Wire, text: &str) {
        wire.send(&json!({"type": "ping", "ref": text}));
        let answer = pong_or_error(wire);
        if text.len() <= 64 {
            assert_eq!((&answer["type"], &answer["ref"]), (&json!("pong"), &json!(text)));
        } else {
            assert_eq!(answer["code"], "bad_frame", "{answer}");
        }
        let (user, group) = (self.bystanders.one().id, self.bystanders.group());
        for request in [
            json!({"type": text}),
            json!({"type": "login", "id": text, "password": PASSWORD}),
            json!({"type": "send", "to": {"user": text}, "body": "x"}),
            json!({"type": "send", "to": {"group": format!("{group}{text}")}, "body": "x"}),
            json!({"type": "send", "to": text, "body": "x"}),
            json!({"type": "add_friend", "user": format!("{user}{text}")}),
            json!({"type": "remove_friend", "user": format!("{user}{text}")}),
            json!({"type": "join_group", "group": format!("{group}{text}")}),
            json!({"type": "leave_group", "group": text}),
            json!({"type": "members", "group": group, "after": text, "limit": text}),
            json!({"type": "conversations", "limit": text}),
        ] {
            is_error(&ask(wire, &request), "bad_frame", &request);
        }
    }

    /// The text as a conversation, alone and behind one of the bystanders'.
    fn in_conversations(&self, wire: &mut Wire, text: &str) {
        let of_bystanders = format!("g:{}", self.bystanders.group());
        for conversation in [text, &format!("{of_bystanders}{text}"), &format!("d:1:{text}")] {
            for request in [
                json!({"type": "history", "conversation": conversation}),
                json!({"type": "ack", "conversation": conversation, "seq": 1}),
            ] {
                is_error(&ask(wire, &request), "bad_frame", &request);
            }
        }
        for request in [
            json!({"type": "history", "conversation": of_bystanders, "before": text}),
            json!({"type": "history", "conversation": of_bystanders, "limit": text}),
            json!({"type": "ack", "conversation": of_bystanders, "seq": text}),
        ] {
            is_error(&ask(wire, &request), "bad_frame", &request);
        }
    }

    /// Bytes that other character sets read as a letter with a quote, and halves of characters.
    pub(super) fn without_valid_utf8(&mut self) {
        let wire = &mut self.session.wire;
        for bytes in [
            &b"\xBF'"[..],
            b"\xBF\x5C\x5C'",
            b"\x81'",
            b"\xE0\x5C\x5C'",
            b"\xF0\x9F'",
            b"\xC0\xA7 OR 1=1 -- ",
            b"\\uD800' OR 1=1 -- ",
            b"\\uBF27\\uDC27",
        ] {
            for (start, end) in [
                (r#"{"type":"find_user","ref":1,"name":""#, r#""}"#),
                (r#"{"type":"send","ref":1,"to":{"user":1},"body":""#, r#""}"#),
                (
                    r#"{"type":"create_group","ref":1,"name":"x","description":""#,
                    r#""}"#,
                ),
            ] {
                let line = [start.as_bytes(), bytes, end.as_bytes(), b"\n"].concat();
                wire.send_bytes(&line).unwrap();
                let answer = pong_or_error(wire);
                assert_eq!(
                    answer["code"],
                    "bad_frame",
                    "{}: {answer}",
                    String::from_utf8_lossy(&line)
                );
            }
        }
    }
}

/// Sends a request and answers its reply.
fn ask(wire: &mut Wire, request: &Value) -> Value {
    let mut request = request.clone();
    request["ref"] = json!("asked");
    wire.request(&request)
}

/// The next frame that is no event, where nothing else can be an answer.
fn pong_or_error(wire: &mut Wire) -> Value {
    let is_answer = |frame: &Value| frame["type"] == "pong" || frame["type"] == "error";
    std::iter::from_fn(|| wire.next_frame()).find(is_answer).unwrap()
}

fn is_error(answer: &Value, code: &str, request: &Value) {
    let found = (&answer["type"], &answer["code"]);
    assert_eq!(found, (&json!("error"), &json!(code)), "{request}: {answer}");
}

fn without_type(mut messages: Vec<Value>) -> Vec<Value> {
    for message in &mut messages {
        message.as_object_mut().unwrap().remove("type");
    }
    messages
}
