//! The binary as scripts and people without a terminal use it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it cannot go on"
)]

mod fake_server;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use fake_server::{FakeServer, Peer};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// The binary with a home of its own, and a server that it is told of.
struct Setting {
    home: TempDir,
    server: FakeServer,
    address: String,
}

impl Setting {
    async fn new() -> Self {
        let (server, address) = FakeServer::on_tcp().await;
        let home = TempDir::new().unwrap();
        Self {
            home,
            server,
            address,
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chat"));
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.home.path())
            .env("CHAT_SERVER", &self.address)
            .env("TZ", "UTC")
            .kill_on_drop(true)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn token_command(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(arguments);
        command.env("CHAT_TOKEN", "token-0");
        command
    }

    fn token_file(&self) -> PathBuf {
        let name = format!("token-{}.json", self.address.replace(':', "_"));
        self.home.path().join(".config/chat").join(name)
    }

    fn store_login(&self, mode: u32) {
        let path = self.token_file();
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let login = json!({"server": self.address, "user": {"id": 1, "name": "alice"}, "token": "stored-token", "token_expires_at": 5});
        std::fs::write(&path, login.to_string()).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn json_lines(output: &Output) -> Vec<Value> {
    stdout(output)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

async fn run(mut command: Command) -> Output {
    command.output().await.unwrap()
}

async fn run_with_input(mut command: Command, input: &str) -> Output {
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).await.unwrap();
    drop(stdin);
    child.wait_with_output().await.unwrap()
}

/// Answers one request of this type and waits for the end.
async fn answer(peer: &mut Peer, kind: &str, reply: Value) -> Value {
    let request = peer.expect(kind).await;
    peer.reply(&request, reply).await;
    request
}

#[tokio::test]
async fn help_documents_the_exit_codes() {
    let setting = Setting::new().await;
    let output = run(setting.command(&["--help"])).await;
    assert_eq!(code(&output), 0);
    for line in [
        "0  done",
        "2  the command line",
        "3  the server refused",
        "4  the server could not",
    ] {
        assert!(stdout(&output).contains(line), "{line}");
    }
}

#[tokio::test]
async fn a_wrong_command_line_is_usage() {
    let setting = Setting::new().await;
    for arguments in [
        &["dance"][..],
        &["send"],
        &["history", "@bob", "--limit", "201"],
        &["send", "@", "x"],
    ] {
        assert_eq!(
            code(&run(setting.token_command(arguments)).await),
            2,
            "{arguments:?}"
        );
    }
}

#[tokio::test]
async fn who_is_not_logged_in_is_told_how_to() {
    let setting = Setting::new().await;
    let output = run(setting.command(&["friends"])).await;
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("chat login"), "{}", stderr(&output));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable() {
    let Setting {
        home,
        server,
        address,
    } = Setting::new().await;
    drop(server);
    let (server, _) = FakeServer::on_tcp().await;
    let setting = Setting {
        home,
        server,
        address,
    };
    let output = run(setting.token_command(&["friends"])).await;
    assert_eq!(code(&output), 4);
    assert!(stderr(&output).contains(&setting.address) && stderr(&output).contains("--server"));
}

#[tokio::test]
async fn a_refusal_has_its_exit_code_and_its_json() {
    let setting = Setting::new().await;
    let server = async {
        let mut peer = setting.server.accept_login("t").await;
        let refusal = json!({"type": "error", "code": "not_found", "message": "no such user"});
        answer(&mut peer, "find_user", refusal).await;
        peer
    };
    let (output, _) = tokio::join!(run(setting.token_command(&["find", "carol", "--json"])), server);
    assert_eq!(code(&output), 3);
    assert_eq!(
        json_lines(&output),
        [json!({"type": "error", "code": "not_found", "message": "no such user"})]
    );
    assert_eq!(stderr(&output), "chat: no such user; check the name or the id\n");
}

#[tokio::test]
async fn login_stores_a_token_for_its_owner_only_and_later_commands_use_it() {
    let setting = Setting::new().await;
    let mut command = setting.command(&["login", "alice"]);
    command.env("CHAT_PASSWORD", "correct horse");
    let server = async {
        let mut peer = setting.server.accept().await;
        let login = peer.welcome("token-1").await;
        assert_eq!(
            (&login["name"], &login["password"]),
            (&json!("alice"), &json!("correct horse"))
        );
    };
    let (output, ()) = tokio::join!(run(command), server);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(!stdout(&output).contains("token-1"));
    let mode = std::fs::metadata(setting.token_file())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);

    let server = async {
        let mut peer = setting.server.accept().await;
        assert_eq!(peer.welcome("token-1").await["token"], "token-1");
        answer(&mut peer, "groups", json!({"type": "groups", "groups": []})).await;
        peer
    };
    let (output, _) = tokio::join!(run(setting.command(&["groups"])), server);
    assert_eq!((code(&output), stdout(&output).as_str()), (0, "no groups\n"));
}

#[tokio::test]
async fn a_token_file_that_others_can_read_is_refused() {
    let setting = Setting::new().await;
    setting.store_login(0o640);
    let output = run(setting.command(&["friends"])).await;
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("chmod 600"), "{}", stderr(&output));
}

#[tokio::test]
async fn a_stored_token_is_shown_to_no_other_server() {
    let setting = Setting::new().await;
    setting.store_login(0o600);
    let other = Setting::new().await;
    let mut command = setting.command(&["friends", "--server", &other.address]);
    command.env("CHAT_TOKEN_FILE", setting.token_file());
    assert_eq!(code(&run(command).await), 2);
}

#[tokio::test]
async fn logout_forgets_the_stored_token() {
    let setting = Setting::new().await;
    setting.store_login(0o600);
    let server = async {
        let mut peer = setting.server.accept_login("t").await;
        answer(&mut peer, "logout", json!({"type": "logged_out"})).await;
        peer
    };
    let (output, _) = tokio::join!(run(setting.command(&["logout"])), server);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(!Path::new(&setting.token_file()).exists());
}

#[tokio::test]
async fn a_password_can_come_by_standard_input() {
    let setting = Setting::new().await;
    let server = async {
        let mut peer = setting.server.accept().await;
        let request = peer.expect("register").await;
        assert_eq!(
            (&request["name"], &request["password"]),
            (&json!("carol"), &json!("battery staple"))
        );
        peer.reply(
            &request,
            json!({"type": "registered", "user": {"id": 9, "name": "carol"}}),
        )
        .await;
        peer
    };
    let command = setting.command(&["register", "carol", "--password-stdin", "--json"]);
    let (output, _) = tokio::join!(run_with_input(command, "battery staple\n"), server);
    assert_eq!(
        json_lines(&output),
        [json!({"type": "registered", "user": {"id": 9, "name": "carol"}})]
    );
}

#[tokio::test]
async fn send_takes_names_ids_and_data_and_prints_the_reply_as_it_came() {
    let setting = Setting::new().await;
    let server = async {
        let mut peer = setting.server.accept_login("t").await;
        let find = peer.expect("find_user").await;
        assert_eq!(find["name"], "carol");
        peer.reply(
            &find,
            json!({"type": "user_found", "user": {"id": 7, "name": "carol", "online": false}}),
        )
        .await;
        let send = peer.expect("send").await;
        assert_eq!(
            (&send["to"], &send["body"]),
            (&json!({"user": 7}), &json!("two\nlines"))
        );
        assert_eq!((&send["id"], &send["data"]), (&json!("my-1"), &json!({"a": 1})));
        peer.reply_sent(&send, 4).await;
        peer
    };
    let command = setting.token_command(&["send", "@carol", "--id", "my-1", "--data", "{\"a\":1}", "--json"]);
    let (output, _) = tokio::join!(run_with_input(command, "two\nlines\n"), server);
    let sent = json!({"type": "sent", "conversation": "d:1:2", "seq": 4, "at": 1004, "id": "my-1"});
    assert_eq!(json_lines(&output), [sent], "{}", stderr(&output));
}

#[tokio::test]
async fn send_repeats_its_id_where_the_answer_was_lost() {
    let setting = Setting::new().await;
    let server = async {
        let mut peer = setting.server.accept_login("t").await;
        let first = peer.expect("send").await;
        assert_eq!(first["to"], json!({"group": 3}));
        drop(peer);
        let mut peer = setting.server.accept_login("t").await;
        let again = peer.expect("send").await;
        assert_eq!(first["id"], again["id"]);
        peer.reply_sent(&again, 1).await;
        peer
    };
    let (output, _) = tokio::join!(run(setting.token_command(&["send", "#rust", "hello"])), server);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
}

#[tokio::test]
async fn listen_prints_each_message_once_and_acknowledges_it() {
    let setting = Setting::new().await;
    let server = async {
        let mut peer = setting.server.accept_login("t").await;
        peer.deliver("d:1:2", 1, "one").await;
        peer.deliver("d:1:2", 2, "two").await;
        // The last acknowledgement is one that an answer is waited for.
        loop {
            let ack = peer.expect("ack").await;
            if !ack["ref"].is_null() {
                peer.reply(&ack, json!({"type": "acked"})).await;
            }
            if ack["seq"] == 2 {
                return peer.try_read().await;
            }
        }
    };
    let command = setting.token_command(&["listen", "--count", "2", "--json"]);
    let (output, rest) = tokio::join!(run(command), server);
    let messages: Vec<Value> = json_lines(&output)
        .into_iter()
        .filter(|event| event["type"] == "message")
        .collect();
    assert_eq!(
        messages
            .iter()
            .map(|message| message["body"].clone())
            .collect::<Vec<_>>(),
        ["one", "two"]
    );
    assert_eq!(messages[0]["from"], json!({"id": 2, "name": "bob"}));
    assert_eq!((code(&output), rest), (0, None), "{}", stderr(&output));
}

#[tokio::test]
async fn listen_says_why_the_server_ended_it() {
    let setting = Setting::new().await;
    let server = async {
        let mut peer = setting.server.accept_login("t").await;
        peer.write(json!({"type": "goodbye", "code": "replaced", "message": "elsewhere"}))
            .await;
        peer
    };
    let (output, _) = tokio::join!(run(setting.token_command(&["listen"])), server);
    assert_eq!(code(&output), 3);
    assert!(
        stderr(&output).contains("elsewhere; give this one a device of its own"),
        "{}",
        stderr(&output)
    );
}

#[tokio::test]
async fn escape_sequences_of_others_do_not_reach_the_terminal() {
    let setting = Setting::new().await;
    let server = async {
        let mut peer = setting.server.accept_login("t").await;
        let message = json!({"conversation": "d:1:2", "seq": 1, "from": {"id": 2, "name": "bob"},
            "body": "\u{1b}[2J\u{1b}]0;owned\u{7}\nalice: I owe bob\u{202e}", "at": 5});
        let history =
            json!({"type": "history", "conversation": "d:1:2", "messages": [message], "more": false});
        answer(&mut peer, "history", history).await;
        peer
    };
    let (output, _) = tokio::join!(run(setting.token_command(&["history", "@bob"])), server);
    let text = stdout(&output);
    assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{text:?}");
    assert!(
        text.contains("\\u{1b}[2J") && text.contains("\n    | alice: I owe bob"),
        "{text:?}"
    );
}

#[tokio::test]
async fn interactive_lines_without_a_terminal_are_sent_in_order_and_answered_before_the_end() {
    let setting = Setting::new().await;
    let server = async {
        let mut peer = setting.server.accept_login("t").await;
        peer.deliver("g:3", 1, "over here").await;
        let (mut bodies, mut seq) = (Vec::new(), 0);
        while let Some(frame) = peer.try_read().await {
            match frame["type"].as_str().unwrap() {
                "send" => {
                    assert_eq!(frame["to"], json!({"user": 2}));
                    seq += 1;
                    bodies.push(frame["body"].as_str().unwrap().to_owned());
                    peer.reply_sent(&frame, seq).await;
                }
                "friends" => {
                    peer.reply(&frame, json!({"type": "friends", "friends": []}))
                        .await
                }
                _ if !frame["ref"].is_null() => peer.reply(&frame, json!({"type": "acked"})).await,
                _ => {}
            }
        }
        bodies
    };
    let input = "nowhere yet\n/to @bob\nfirst\n/friends\nsecond\n//third\n/dance\n";
    let (output, bodies) = tokio::join!(run_with_input(setting.token_command(&[]), input), server);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(bodies, ["first", "second", "/third"]);
    let text = stdout(&output);
    for expected in [
        "say first where to talk",
        "no friends",
        "/dance is no command",
        "#rust @bob: over here",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

#[tokio::test]
async fn interactive_messages_written_while_away_go_out_once_afterwards() {
    let setting = Setting::new().await;
    let mut child = setting.token_command(&[]).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let peer = setting.server.accept_login("t").await;
    stdin.write_all(b"/to @bob\n").await.unwrap();
    drop(peer);
    stdin.write_all(b"while away\n").await.unwrap();
    let mut peer = setting.server.accept_login("t").await;
    let send = peer.expect("send").await;
    assert_eq!(send["body"], "while away");
    peer.reply_sent(&send, 11).await;
    drop(stdin);
    assert_eq!(peer.try_read().await, None);
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
}
