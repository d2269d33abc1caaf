//! A client that stands still while messages come, and then goes on.

use std::net::SocketAddr;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use chat_core::contract::history::{History, Record};
use chat_core::types::{ConversationId, Device, GroupId, MessageId, Seq, UserId};
use chat_test_services::{Process, Signal, eventually};
use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};

use crate::people::Person;
use crate::stage::Stage;
use crate::support::Wire;

/// Where these name a server and a request to log in, this program is the client.
const SERVER: &str = "CHAT_TEST_CHILD_SERVER";
const LOGIN: &str = "CHAT_TEST_CHILD_LOGIN";

const MESSAGES: u64 = 500;
/// As long as a body may be, so that no buffer on the way takes them all.
const BODY_BYTES: usize = 8_192;
const RECEIVE_BUFFER_BYTES: usize = 4_096;
const WINDOW: u64 = 32;

/// Runs the client where this process is meant to be one: it prints every frame that comes.
pub(crate) fn run_as_child() -> Option<Result<ExitCode>> {
    let server = std::env::var(SERVER).ok()?;
    Some(listen(&server).map(|()| ExitCode::SUCCESS))
}

fn listen(server: &str) -> Result<()> {
    let login = std::env::var(LOGIN).context("no request to log in")?;
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES)?;
    socket.connect(&server.parse::<SocketAddr>()?.into())?;
    let mut wire = Wire::of(&socket.into());
    wire.send_line(&login);
    // Its end is the end of the process, which its parent brings about.
    loop {
        let line = wire.line();
        anyhow::ensure!(!line.is_empty(), "the server closed the connection");
        print!("{line}");
    }
}

/// What a session of a history got.
fn delivered(session: u64, frame: &Value) -> Record {
    let number = |value: &Value| value.as_u64().unwrap_or_else(|| panic!("{frame}"));
    Record::Delivered {
        session,
        conversation: ConversationId::parse(frame["conversation"].as_str().unwrap()).unwrap(),
        seq: Seq::new(number(&frame["seq"])).unwrap(),
        from: UserId::new(number(&frame["from"]["id"])).unwrap(),
        id: frame["id"].as_str().map(|id| MessageId::parse(id).unwrap()),
    }
}

/// Sends long messages to a group, several at once, and writes them down.
fn send_all(wire: &mut Wire, group: GroupId, history: &mut History) {
    let body = "x".repeat(BODY_BYTES);
    let mut unanswered = 0;
    let mut take = |wire: &mut Wire| {
        let mut frame = wire.frame();
        while frame["type"] != "sent" {
            assert_ne!(frame["type"], "error", "{frame}");
            frame = wire.frame();
        }
        history.push(Record::Sent {
            session: 1,
            conversation: ConversationId::group(group),
            seq: Seq::new(frame["seq"].as_u64().unwrap()).unwrap(),
            id: MessageId::parse(frame["id"].as_str().unwrap()).unwrap(),
            duplicate: false,
        });
    };
    for number in 1..=MESSAGES {
        let id = format!("long-{number}");
        wire.send(&json!({"type": "send", "ref": number, "id": id, "to": {"group": group}, "body": body}));
        unanswered += 1;
        if unanswered >= WINDOW {
            take(wire);
            unanswered -= 1;
        }
    }
    (0..unanswered).for_each(|_| take(wire));
}

/// SIGSTOP of a client's process while hundreds of long messages come, then SIGCONT.
pub(super) fn client_goes_on(stage: &mut Stage) {
    let suffix = stage.random.u32(..);
    let [writer, reader] =
        ["writer", "reader"].map(|name| Person::register(&stage.cluster, &format!("{name} {suffix}")));
    let mut writer_wire = writer.begin(stage.cluster.connect(), "desk");
    let create = json!({"type": "create_group", "ref": 1, "name": format!("frozen {suffix}")});
    let group = writer_wire.request(&create)["group"]["id"].as_u64().unwrap();
    let join = json!({"type": "join_group", "ref": 2, "group": group});
    let joined = reader.begin(stage.cluster.connect(), "first").request(&join);
    assert_eq!(joined["type"], "group_joined", "{joined}");
    let mut history = begun(&[&writer, &reader], GroupId::new(group).unwrap());

    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env(SERVER, stage.cluster.address().to_string());
    command.env(LOGIN, reader.login("frozen").to_string());
    let mut client = Process::start(&command).unwrap();
    let synced = eventually("the client is live", || {
        client.stdout().text().contains("synced").then_some(())
    });
    synced.unwrap_or_else(|error| panic!("{error}: {}", client.stderr().text()));

    client.signal(Signal::SIGSTOP);
    let begun = Instant::now();
    send_all(&mut writer_wire, GroupId::new(group).unwrap(), &mut history);
    stage.goes_on("a client stands still");
    stage.crowd.pass(1_000..2_000);
    let frozen = begun.elapsed();
    client.signal(Signal::SIGCONT);
    let last = format!("\"seq\":{MESSAGES},");
    let came = eventually("the last message comes", || {
        client.stdout().text().contains(&last).then_some(())
    });
    came.unwrap_or_else(|error| panic!("{error}: {}", client.stderr().text()));

    println!("frozen for {frozen:?}");
    assert!(frozen > Duration::from_secs(1));
    for line in client.stdout().text().lines() {
        let frame: Value = serde_json::from_str(line).unwrap();
        match frame["type"].as_str() {
            Some("message") => history.push(delivered(2, &frame)),
            Some("welcome" | "synced" | "member_joined" | "presence") => {}
            _ => panic!("the client got {frame}"),
        }
    }
    history.push(Record::ReadToEnd { session: 2 });
    assert_eq!(history.violations(), []);
}

/// Both are members; the first writes in session 1, the second reads in session 2.
fn begun(people: &[&Person; 2], group: GroupId) -> History {
    let mut history = History::default();
    for (session, person) in (1..).zip(people) {
        let user = UserId::new(person.id).unwrap();
        history.push(Record::Opened {
            session,
            user,
            device: Device::default(),
        });
        history.push(Record::Joined { user, group });
    }
    history
}
