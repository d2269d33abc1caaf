//! People who do everything with values that can be found again, also what goes wrong.

use serde_json::{Value, json};

use crate::support::{Server, Wire};

const NAME: &str = "Markedname-aaa";
const OTHER_NAME: &str = "Markedname-bbb";
const ABSENT_NAME: &str = "Markedname-ccc";
const GROUP: &str = "Markedgroup-ddd";
const DESCRIPTION: &str = "Markeddescription-eee";
const PASSWORD: &str = "Markedpassword-fff";
const WRONG_PASSWORD: &str = "Markedpassword-ggg";
const BODY: &str = "Markedbody-hhh";
const DATA: &str = "Markeddata-iii";
const WRONG_TOKEN: &str = "Markedtoken-jjj";
const RUBBISH: &str = "Markedrubbish-kkk";

/// What was left, and must be found nowhere.
#[derive(Debug)]
pub(crate) struct Marks {
    tokens: Vec<String>,
}

impl Marks {
    /// Leaves all of them.
    pub(crate) fn left_in(server: &Server) -> Self {
        let mut alice = server.connect();
        for name in [NAME, OTHER_NAME] {
            let registered =
                alice.request(&json!({"type": "register", "ref": 1, "name": name, "password": PASSWORD}));
            assert_eq!(registered["type"], "registered", "{registered}");
        }
        fail_to_log_in(server);
        let welcome = alice.request(&json!({"type": "login", "ref": 2, "name": NAME, "password": PASSWORD}));
        let token = token_of(&welcome);
        let mut phone = server.connect();
        let by_token = json!({"type": "login", "ref": 1, "token": token, "device": "phone"});
        assert_eq!(phone.request(&by_token)["type"], "welcome");

        let mut bob = server.connect();
        let welcome =
            bob.request(&json!({"type": "login", "ref": 1, "name": OTHER_NAME, "password": PASSWORD}));
        let bob_id = welcome["user"]["id"].as_u64().unwrap();
        let tokens = vec![token, token_of(&welcome)];
        talk(&mut alice, &mut bob, bob_id);
        err(&mut alice);
        Self { tokens }
    }

    /// Each with what it is.
    pub(crate) fn all(&self) -> Vec<(&'static str, String)> {
        let fixed = [
            ("the name", NAME),
            ("the name", OTHER_NAME),
            ("the name", ABSENT_NAME),
            ("the name of the group", GROUP),
            ("the description of the group", DESCRIPTION),
            ("the password", PASSWORD),
            ("the wrong password", WRONG_PASSWORD),
            ("the body", BODY),
            ("the data", DATA),
            ("the wrong token", WRONG_TOKEN),
            ("the rubbish", RUBBISH),
        ];
        let fixed = fixed.iter().flat_map(|&(what, mark)| {
            // Names are compared in another form.
            [(what, mark.to_owned()), (what, mark.to_lowercase())]
        });
        let tokens = self.tokens.iter().map(|token| ("the token", token.clone()));
        fixed.chain(tokens).collect()
    }
}

fn token_of(welcome: &Value) -> String {
    let token = welcome["token"].as_str();
    token.unwrap_or_else(|| panic!("{welcome}")).to_owned()
}

/// By every method, and until there are too many failures.
fn fail_to_log_in(server: &Server) {
    let mut wire = server.connect();
    for login in [
        json!({"type": "login", "ref": 1, "name": NAME, "password": WRONG_PASSWORD}),
        json!({"type": "login", "ref": 2, "name": ABSENT_NAME, "password": PASSWORD}),
        json!({"type": "login", "ref": 3, "id": 1, "password": WRONG_PASSWORD}),
        json!({"type": "login", "ref": 4, "token": WRONG_TOKEN}),
    ] {
        assert_eq!(wire.request(&login)["code"], "invalid_credentials", "{login}");
    }
    let limited = (0..8).any(|_| {
        let login = json!({"type": "login", "ref": 5, "name": ABSENT_NAME, "password": WRONG_PASSWORD});
        wire.request(&login)["code"] == "rate_limited"
    });
    assert!(limited);
}

/// To a user and to a group, and the same once more.
fn talk(alice: &mut Wire, bob: &mut Wire, bob_id: u64) {
    let group = alice
        .request(&json!({"type": "create_group", "ref": "group", "name": GROUP, "description": DESCRIPTION}));
    let group = group["group"]["id"].as_u64().unwrap_or_else(|| panic!("{group}"));
    let joined = bob.request(&json!({"type": "join_group", "ref": "join", "group": group}));
    assert_eq!(joined["type"], "group_joined", "{joined}");
    for (reference, to) in [(1, json!({"user": bob_id})), (2, json!({"group": group}))] {
        let send = json!({
            "type": "send", "ref": reference, "to": to, "body": BODY, "data": {"mark": DATA}, "id": "once"
        });
        for _ in 0..2 {
            assert_eq!(alice.request(&send)["type"], "sent");
        }
        let delivered = loop {
            let frame = bob.frame();
            if frame["type"] == "message" {
                break frame;
            }
        };
        assert_eq!(
            (&delivered["body"], &delivered["data"]["mark"]),
            (&json!(BODY), &json!(DATA))
        );
        let ack = json!({"type": "ack", "conversation": delivered["conversation"], "seq": delivered["seq"]});
        bob.send(&ack);
    }
    let history = json!({"type": "history", "ref": "history", "conversation": format!("g:{group}")});
    let history = bob.request(&history);
    assert!(history.to_string().contains("history"), "{history}");
}

/// Requests that are refused, with the marks in every place.
fn err(wire: &mut Wire) {
    for refused in [
        json!({"type": "register", "ref": 10, "name": NAME, "password": PASSWORD}),
        json!({"type": "register", "ref": 11, "name": format!("{NAME}\u{7}"), "password": PASSWORD}),
        json!({"type": "register", "ref": 12, "name": ABSENT_NAME, "password": PASSWORD.repeat(20)}),
        json!({"type": "find_user", "ref": 13, "name": ABSENT_NAME}),
        json!({"type": "create_group", "ref": 14, "name": GROUP, "description": DESCRIPTION}),
        json!({"type": "send", "ref": 15, "to": {"user": 999}, "body": BODY, "data": DATA}),
        json!({"type": "send", "ref": 16, "to": {"group": 999}, "body": BODY}),
        json!({"type": "send", "ref": 17, "to": {"user": RUBBISH}, "body": BODY}),
        json!({"type": "send", "ref": 18, "to": {"user": 1}, "body": ""}),
        json!({"type": RUBBISH, "ref": 19, "name": NAME, "body": BODY}),
        json!({"type": "login", "ref": 20, "name": [NAME], "password": {"is": PASSWORD}}),
    ] {
        let reply = wire.request(&refused);
        assert_eq!(reply["type"], "error", "{refused}: {reply}");
    }
    for line in [
        format!("{{\"type\":\"send\",\"body\":\"{BODY}\", {RUBBISH}"),
        RUBBISH.to_owned(),
        format!("{{\"type\":\"login\",\"password\":\"{PASSWORD}\",\"token\":\"{WRONG_TOKEN}\"}}"),
    ] {
        wire.send_line(&line);
        assert_eq!(wire.frame()["type"], "error", "{line}");
    }
    // Longer than a frame may be: the connection ends.
    let long = format!(
        "{{\"type\":\"send\",\"ref\":21,\"body\":\"{}\"}}",
        BODY.repeat(1_000)
    );
    wire.send_line(&long);
    assert!(wire.rest().iter().any(|frame| frame["type"] != "message"));
}
