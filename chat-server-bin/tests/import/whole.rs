//! A database with every odd row that there can be.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::original::{Original, direct, to_group};
use crate::support::{Ended, Server, Wire, run};

const TEXT: &str = "it's \"quoted\" \\ 你好 🦀";
/// A password of 6 bytes, as they are in the original, and what no output may hold.
const SECRETS: &[&str] = &["123456", "666666", "correct horse", "quoted", "hello", "secret"];

fn original() -> Original {
    let original = Original::new();
    original.execute(
        "INSERT INTO User VALUES
           (13, 'zhang san', '123456', 'online'), (15, 'li si', '666666', 'offline'),
           (19, '刘硕', 'correct horse', 'offline'), (20, 'gao yang', 'it''s \\\\ a 🦀', 'offline'),
           (21, 'pi pi', 'secret21', 'offline'), (22, ' padded', 'secret22', 'offline'),
           (23, 'LI SI', 'secret23', 'offline'), (24, 'open', '', 'offline'), (25, 'void', NULL, 'offline'),
           (26, NULL, 'secret26', 'offline'), (27, 'hidden\\n', 'secret27', 'offline');
         INSERT INTO Friend VALUES (13, 15), (15, 13), (19, 13), (13, 99), (22, 13), (20, 20);
         INSERT INTO AllGroup VALUES
           (1, 'C++ chat', 'for \"all\"'), (2, 'headless', NULL), (3, 'deserted', ''), (4, 'c++ CHAT', ''),
           (5, '', ''), (6, 'strangers', '');
         INSERT INTO GroupUser VALUES
           (1, 13, 'creator'), (1, 15, 'normal'), (1, 19, 'normal'), (1, 20, 'normal'), (1, 21, 'creator'),
           (2, 19, 'normal'), (2, 15, 'normal'), (4, 13, 'creator'), (6, 99, 'creator'), (9, 13, 'normal'),
           (1, 99, 'normal');",
    );
    original.wait(&[
        (15, &direct(13, 15, "first")),
        (15, &direct(13, 15, TEXT)),
        (15, &to_group(13, 1, "hello li si")),
        (19, &direct(13, 19, "again")),
        (15, &to_group(13, 1, "hello both")),
        (19, &to_group(13, 1, "hello both")),
        (19, &direct(13, 19, "again")),
        (15, &direct(13, 15, "last")),
        (15, "no JSON, and secret"),
        (15, r#"{"id":13,"msg":"cut off secret"#),
        (15, r#"{"id":13,"msg":""}"#),
        (15, r#"{"msg":"secret"}"#),
        (99, &direct(13, 99, "secret to nobody")),
        (15, &direct(99, 15, "secret from nobody")),
        (15, &direct(22, 15, "secret from who was skipped")),
        (15, &to_group(13, 9, "secret to no group")),
        (21, &to_group(20, 2, "secret of a stranger")),
        (15, &to_group(20, 2, "secret of another stranger")),
        (15, &to_group(13, 1, "hello again")),
        (19, &to_group(13, 1, "hello again")),
    ]);
    // As the original program writes it: the database takes the escape, and JSON has a line end.
    original.execute(
        r#"INSERT INTO OfflineMessage VALUES (20, '{"id":15,"msg":"one\ntwo","msgid":5,"name":"li si","toid":20}'), (20, NULL)"#,
    );
    original
}

const LISTED: &[&str] = &[
    "skipped User 22: its name must be 1 to 50 characters",
    "skipped User 23: user 15 has this name, or one that counts as the same",
    "incomplete User 24: its password is empty",
    "incomplete User 25: its password is empty",
    "skipped User 26: its name is NULL",
    "skipped User 27: its name must be 1 to 50 characters",
    "skipped Friend 13 99: one of the two users is not there",
    "skipped Friend 22 13: one of the two users is not there",
    "skipped AllGroup 3: it has no member who could be its creator",
    "skipped AllGroup 4: another group has this name, or one that counts as the same",
    "skipped AllGroup 5: its name must be 1 to 50 characters",
    "skipped AllGroup 6: it has no member who could be its creator",
    "changed GroupUser 1 21: the group has another creator",
    "skipped GroupUser 4 13: the group or the user is not there",
    "skipped GroupUser 6 99: the group or the user is not there",
    "skipped GroupUser 9 13: the group or the user is not there",
    "skipped GroupUser 1 99: the group or the user is not there",
    "skipped OfflineMessage row 9 for user 15: the message is not valid JSON",
    "skipped OfflineMessage row 10 for user 15: the message is not valid JSON",
    "skipped OfflineMessage row 11 for user 15: the message has no text",
    "skipped OfflineMessage row 12 for user 15: the message has no sender's id",
    "skipped OfflineMessage row 13 for user 99: its user is not there",
    "skipped OfflineMessage row 14 for user 15: its sender 99, its receiver or its group is not there",
    "skipped OfflineMessage row 15 for user 15: its sender 22, its receiver or its group is not there",
    "skipped OfflineMessage row 16 for user 15: its user is no member of group 9",
    "skipped OfflineMessage row 17 for user 21: its user is no member of group 2",
    "skipped OfflineMessage row 18 for user 15: its sender 20 is no member of the group",
    "skipped OfflineMessage row 22 for user 20: its message is NULL",
];

/// Listed by the first run alone, which makes it so.
const CHANGED_AT_FIRST: &str = "changed AllGroup 2: it had no creator; its member 15 is it now";

pub(crate) fn into_sqlite_everything_is_taken_over_once_and_what_cannot_be_is_listed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("chat.db");
    everything_is_taken_over_once_and_what_cannot_be_is_listed(&format!("sqlite:{}", path.display()));
}

pub(crate) fn into_mysql_everything_is_taken_over_once_and_what_cannot_be_is_listed() {
    let store = Original::empty("");
    everything_is_taken_over_once_and_what_cannot_be_is_listed(&store.url());
}

fn everything_is_taken_over_once_and_what_cannot_be_is_listed(store: &str) {
    let original = original();
    let before = original.checksum();
    let import = || run(&["import", "--from", &original.url(), "--store", store], &[]);

    let mut listed: BTreeSet<&str> = LISTED.iter().copied().collect();
    listed.insert(CHANGED_AT_FIRST);
    check_output(
        &import(),
        &listed,
        "AllGroup                6          2         4           0         1",
    );

    let mut server = Server::start(&["--store", store]);
    check_accounts(&server);
    check_deliveries(&server);
    // In between, li si has received two, and writes an answer.
    let mut li_si = login(&server, &json!(15), "666666", "phone");
    assert_eq!(bodies(&mut li_si).len(), 6);
    li_si.request(&json!({"type": "ack", "ref": "a", "conversation": "d:13:15", "seq": 2}));
    li_si.request(&json!({"type": "send", "ref": "s", "to": {"user": 13}, "body": "an answer"}));
    server.terminate();

    listed.remove(CHANGED_AT_FIRST);
    check_output(
        &import(),
        &listed,
        "AllGroup                6          2         4           0         0",
    );
    assert_eq!(original.checksum(), before, "nothing is written to the original");

    let server = Server::start(&["--store", store]);
    check_accounts(&server);
    let mut li_si = login(&server, &json!(15), "666666", "phone");
    assert_eq!(
        bodies(&mut li_si),
        [
            "d:13:15 3 last",
            "d:13:15 4 an answer",
            "g:1 1 hello li si",
            "g:1 2 hello both",
            "g:1 3 hello again"
        ]
    );
    let mut zhang_san = login(&server, &json!(13), "123456", "new");
    assert_eq!(bodies(&mut zhang_san), ["d:13:15 4 an answer"]);
    let mut gao_yang = login(&server, &json!(20), "it's \\ a 🦀", "new");
    assert_eq!(bodies(&mut gao_yang), ["d:15:20 1 one\ntwo"]);
}

/// Checks what a run says, and that it says nothing else.
fn check_output(ended: &Ended, listed: &BTreeSet<&str>, row_of_groups: &str) {
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
    for secret in SECRETS {
        assert!(!ended.stderr.contains(secret), "{secret}: {}", ended.stderr);
        assert!(!ended.stdout.contains(secret), "{secret}: {}", ended.stdout);
    }
    let words = ["skipped ", "incomplete ", "changed "];
    let lines = ended.stderr.lines();
    let lines: Vec<&str> = lines
        .filter(|line| words.iter().any(|word| line.starts_with(word)))
        .collect();
    for start in listed {
        let count = lines.iter().filter(|line| line.starts_with(start)).count();
        assert_eq!(count, 1, "{start}: {}", ended.stderr);
    }
    assert_eq!(lines.len(), listed.len(), "{}", ended.stderr);
    for row in [
        "User                   11          7         4           2         0",
        "Friend                  6          4         2           0         0",
        row_of_groups,
        "GroupUser              11          7         4           0         1",
        "OfflineMessage         22         11        11           0         0",
    ] {
        assert!(ended.stdout.contains(row), "{row}\n{}", ended.stdout);
    }
    assert!(
        ended.stderr.contains("27 rows were not taken over"),
        "{}",
        ended.stderr
    );
}

fn login(server: &Server, id: &Value, password: &str, device: &str) -> Wire {
    let mut wire = server.connect();
    let login = json!({"type": "login", "ref": "l", "id": id, "password": password, "device": device});
    let welcome = wire.request(&login);
    assert_eq!(welcome["type"], "welcome", "{welcome}");
    wire
}

/// The messages up to `synced`: conversation, number and text, sorted.
fn bodies(wire: &mut Wire) -> Vec<String> {
    let mut bodies = Vec::new();
    loop {
        let frame = wire.frame();
        match frame["type"].as_str() {
            Some("synced") => break,
            Some("message") => bodies.push(format!(
                "{} {} {}",
                frame["conversation"].as_str().unwrap(),
                frame["seq"],
                frame["body"].as_str().unwrap()
            )),
            _ => {}
        }
    }
    bodies.sort();
    bodies
}

fn check_accounts(server: &Server) {
    let mut wire = server.connect();
    let login = |name: &str, password: &str| {
        let mut wire = server.connect();
        wire.request(
            &json!({"type": "login", "ref": 1, "name": name, "password": password, "device": "looks"}),
        )
    };
    let welcome = login("Zhang San", "123456");
    assert_eq!(welcome["user"], json!({"id": 13, "name": "zhang san"}));
    let friends: Vec<_> = welcome["friends"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| &f["id"])
        .collect();
    assert_eq!(friends, [15, 19], "{welcome}");
    let group =
        json!({"id": 1, "name": "C++ chat", "description": "for \"all\"", "role": "creator", "members": 5});
    assert_eq!(welcome["groups"], json!([group]));
    let headless = json!({"id": 2, "name": "headless", "description": "", "role": "creator", "members": 2});
    assert_eq!(login("li si", "666666")["groups"][1], headless);
    assert_eq!(login("刘硕", "correct horse")["groups"][1]["role"], "normal");
    assert_eq!(login("pi pi", "secret21")["groups"][0]["role"], "normal");
    for (name, password) in [
        ("zhang san", "1234567"),
        ("open", "x"),
        ("void", "x"),
        (" padded", "secret22"),
    ] {
        let refused = login(name.trim(), password);
        assert_eq!(refused["code"], "invalid_credentials", "{name}");
    }
    // The next id is one that the original never gave out.
    let name = format!("new {}", wire.socket().local_addr().unwrap());
    let registered =
        wire.request(&json!({"type": "register", "ref": 2, "name": name, "password": "correct horse"}));
    assert!(registered["user"]["id"].as_u64().unwrap() > 25, "{registered}");
    let short = wire.request(&json!({"type": "register", "ref": 3, "name": "short", "password": "123456"}));
    assert_eq!(short["code"], "bad_frame");
}

/// Everyone is sent what waited for them, in its order, and nothing else.
fn check_deliveries(server: &Server) {
    let quoted = format!("d:13:15 2 {TEXT}");
    for (id, password, expected) in [
        (13, "123456", vec![]),
        (
            15,
            "666666",
            vec![
                "d:13:15 1 first",
                &quoted,
                "d:13:15 3 last",
                "g:1 1 hello li si",
                "g:1 2 hello both",
                "g:1 3 hello again",
            ],
        ),
        (
            19,
            "correct horse",
            vec![
                "d:13:19 1 again",
                "d:13:19 2 again",
                "g:1 2 hello both",
                "g:1 3 hello again",
            ],
        ),
        (20, "it's \\ a 🦀", vec!["d:15:20 1 one\ntwo"]),
        (21, "secret21", vec![]),
    ] {
        let mut wire = login(server, &json!(id), password, "first");
        assert_eq!(bodies(&mut wire), expected, "user {id}");
    }
}
