//! The relay with clients of its own.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::{Answer, serve};

struct Client {
    id: u64,
    socket: BufReader<TcpStream>,
}

impl Client {
    async fn log_in(address: SocketAddr, name: &str) -> Self {
        let socket = BufReader::new(TcpStream::connect(address).await.unwrap());
        let mut client = Self { id: 0, socket };
        client
            .send(&json!({"type": "register", "ref": 1, "name": name, "password": "correct horse"}))
            .await;
        let registered = client.next().await;
        assert_eq!(registered["ref"], 1);
        client
            .send(&json!({"type": "login", "id": registered["user"]["id"], "password": "x"}))
            .await;
        client.id = client.next().await["user"]["id"].as_u64().unwrap();
        assert_eq!(client.next().await, json!({"type": "synced"}));
        client
    }

    async fn send(&mut self, frame: &Value) {
        let line = format!("{frame}\n");
        self.socket.get_mut().write_all(line.as_bytes()).await.unwrap();
    }

    async fn next(&mut self) -> Value {
        let mut line = String::new();
        self.socket.read_line(&mut line).await.unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

async fn relay(answer: Answer) -> (SocketAddr, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { serve(listener, answer).await.unwrap() });
    (address, tasks)
}

/// More than a queue holds, in pieces that are no whole frames.
async fn send_many(sender: &mut Client, to: &Value) {
    let frames: String = (1..=1_000)
        .map(|number| {
            format!(
                "{}\n",
                json!({"type": "send", "to": to, "body": format!("\"{number}\n"), "id": number.to_string()})
            )
        })
        .collect();
    for piece in frames.as_bytes().chunks(999) {
        sender.socket.get_mut().write_all(piece).await.unwrap();
    }
}

async fn receive_many(receiver: &mut Client, conversation: &str, sender: u64, name: &str) {
    for number in 1..=1_000 {
        let mut message = receiver.next().await;
        assert!(message.as_object_mut().unwrap().remove("at").unwrap().is_u64());
        let expected = json!({
            "type": "message", "conversation": conversation, "seq": number, "from": {"id": sender, "name": name},
            "body": format!("\"{number}\n"), "id": number.to_string(),
        });
        assert_eq!(message, expected);
    }
}

#[tokio::test]
async fn messages_of_a_pair_come_once_and_in_order() {
    let (address, _tasks) = relay(Answer::Nothing).await;
    let mut alice = Client::log_in(address, "alice").await;
    let mut bob = Client::log_in(address, "bob").await;
    let to = json!({"user": bob.id});
    let (from, conversation) = (alice.id, format!("d:{}:{}", alice.id, bob.id));
    tokio::join!(
        send_many(&mut alice, &to),
        receive_many(&mut bob, &conversation, from, "alice")
    );
}

#[tokio::test]
async fn a_group_gets_the_same_in_order_and_the_sender_nothing() {
    let (address, _tasks) = relay(Answer::Nothing).await;
    let mut alice = Client::log_in(address, "alice").await;
    let mut bob = Client::log_in(address, "bob").await;
    let mut carol = Client::log_in(address, "carol").await;
    alice.send(&json!({"type": "create_group", "name": "all"})).await;
    let group = alice.next().await["group"]["id"].clone();
    for member in [&mut bob, &mut carol] {
        member.send(&json!({"type": "join_group", "group": group})).await;
        assert_eq!(member.next().await["type"], "group_joined");
    }
    let (to, from) = (json!({"group": group}), alice.id);
    let conversation = format!("g:{group}");
    tokio::join!(
        send_many(&mut alice, &to),
        receive_many(&mut bob, &conversation, from, "alice"),
        receive_many(&mut carol, &conversation, from, "alice")
    );
    alice.send(&json!({"type": "ping"})).await;
    assert_eq!(alice.next().await["type"], "pong");
}

#[tokio::test]
async fn a_relay_that_answers_names_the_number() {
    let (address, _tasks) = relay(Answer::Sent).await;
    let mut alice = Client::log_in(address, "alice").await;
    let to = json!({"user": alice.id});
    alice
        .send(&json!({"type": "send", "ref": "r", "to": to, "body": "note", "id": "c-1"}))
        .await;
    assert_eq!(alice.next().await["type"], "message");
    let sent = alice.next().await;
    assert_eq!(
        (&sent["ref"], &sent["seq"], &sent["id"]),
        (&json!("r"), &json!(1), &json!("c-1"))
    );
}
