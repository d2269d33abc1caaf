//! A server that knows just enough to be measured, and does wrong what a test wants to be noticed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;

/// Bytes that the kernel keeps for a connection that is not read.
const KEPT_UNREAD: u32 = 65_536;
/// Lines that may wait for a connection.
const WAITING: usize = 65_536;

/// What is done wrong, with the message of this number, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spoil {
    Nothing,
    /// Answered, and not delivered.
    Lose(u64),
    Repeat(u64),
    /// Delivered after the next one.
    Delay(u64),
    /// Delivered to its sender too.
    Misdirect(u64),
    /// Answered with the position after its own.
    Misnumber(u64),
    /// Answered as one that was stored before.
    CallDuplicate(u64),
    Refuse(u64),
    /// Neither answered nor delivered.
    Ignore(u64),
    /// No message is answered.
    Unanswered,
    /// Nothing is read for a time.
    Stall(u64, Duration),
    /// The connection is closed.
    HangUp(u64),
}

#[derive(Default)]
struct State {
    users: Vec<String>,
    sessions: HashMap<u64, mpsc::Sender<String>>,
    seqs: HashMap<String, u64>,
    delayed: Option<(u64, String)>,
    messages: u64,
    passwords: u64,
    acknowledged: HashMap<String, u64>,
}

/// Serves until it is dropped.
pub(crate) struct Relay {
    pub(crate) address: String,
    state: Arc<Mutex<State>>,
    restart: Arc<Notify>,
    _task: JoinSet<()>,
}

impl Relay {
    pub(crate) fn start(spoil: Spoil) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(KEPT_UNREAD).unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1_024).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let state = Arc::new(Mutex::new(State::default()));
        let mut task = JoinSet::new();
        let restart = Arc::new(Notify::new());
        task.spawn(serve(listener, spoil, Arc::clone(&state), Arc::clone(&restart)));
        Self {
            address,
            state,
            restart,
            _task: task,
        }
    }

    /// Ends all connections, as a server does that is started again.
    pub(crate) fn restart(&self) {
        self.restart.notify_one();
    }

    /// Whether everything that was delivered was acknowledged.
    pub(crate) fn is_acknowledged(&self) -> bool {
        let state = self.state.lock().unwrap();
        !state.seqs.is_empty() && state.acknowledged == state.seqs
    }

    /// Logins by password.
    pub(crate) fn passwords(&self) -> u64 {
        self.state.lock().unwrap().passwords
    }

    /// Users who were registered.
    pub(crate) fn users(&self) -> usize {
        self.state.lock().unwrap().users.len()
    }
}

async fn serve(listener: TcpListener, spoil: Spoil, state: Arc<Mutex<State>>, restart: Arc<Notify>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                connections.spawn(serve_one(accepted.unwrap().0, spoil, Arc::clone(&state)));
            }
            () = restart.notified() => connections.abort_all(),
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn serve_one(socket: TcpStream, spoil: Spoil, state: Arc<Mutex<State>>) {
    let (input, mut output) = socket.into_split();
    let (lines, mut waiting) = mpsc::channel::<String>(WAITING);
    let mut writing = JoinSet::new();
    writing.spawn(async move {
        while let Some(line) = waiting.recv().await {
            if output.write_all(line.as_bytes()).await.is_err() {
                return;
            }
        }
    });
    let mut connection = Connection {
        spoil,
        state,
        lines,
        user: 0,
    };
    connection.read(BufReader::new(input)).await;
}

struct Connection {
    spoil: Spoil,
    state: Arc<Mutex<State>>,
    lines: mpsc::Sender<String>,
    user: u64,
}

impl Connection {
    async fn read(&mut self, mut input: BufReader<OwnedReadHalf>) {
        let mut line = String::new();
        while input.read_line(&mut line).await.is_ok_and(|read| read > 0) {
            let request: Value = serde_json::from_str(&line).unwrap();
            line.clear();
            if request["type"] == "ack" {
                let conversation = request["conversation"].as_str().unwrap().to_owned();
                let seq = request["seq"].as_u64().unwrap();
                self.state.lock().unwrap().acknowledged.insert(conversation, seq);
                continue;
            }
            if request["type"] != "send" {
                self.answer(&request);
                continue;
            }
            let number = {
                let mut state = self.state.lock().unwrap();
                state.messages += 1;
                state.messages
            };
            match self.spoil {
                Spoil::Stall(at, time) if at == number => tokio::time::sleep(time).await,
                Spoil::HangUp(at) if at == number => return,
                _ => {}
            }
            self.relay(number, &request);
        }
    }

    fn say(&self, request: &Value, mut reply: Value) {
        reply["ref"] = request["ref"].clone();
        // Whoever has left gets no answer.
        self.lines.try_send(format!("{reply}\n")).ok();
    }

    fn answer(&mut self, request: &Value) {
        let mut state = self.state.lock().unwrap();
        let name = request["name"].as_str().unwrap_or_default();
        let place = state.users.iter().position(|user| user == name);
        let reply = match (request["type"].as_str().unwrap(), place) {
            ("register", Some(_)) => json!({"type": "error", "code": "name_taken", "message": "taken"}),
            ("register", None) => {
                state.users.push(name.to_owned());
                json!({"type": "registered", "user": {"id": state.users.len(), "name": name}})
            }
            ("login", place) => {
                let token = request["token"].as_str();
                state.passwords += u64::from(token.is_none());
                let id = token.map_or_else(|| place.unwrap() as u64 + 1, |token| token.parse().unwrap());
                if id as usize > state.users.len() {
                    let refusal = json!({"type": "error", "code": "invalid_credentials", "message": "wrong"});
                    return self.say(request, refusal);
                }
                self.user = id;
                state.sessions.insert(id, self.lines.clone());
                json!({
                    "type": "welcome", "user": {"id": id, "name": state.users[id as usize - 1]}, "device": "d",
                    "token": id.to_string(), "token_expires_at": 1, "friends": [], "groups": [],
                })
            }
            other => panic!("{other:?}"),
        };
        let is_login = reply["type"] == "welcome";
        self.say(request, reply);
        if is_login {
            self.lines.try_send("{\"type\":\"synced\"}\n".to_owned()).unwrap();
        }
    }

    fn relay(&self, number: u64, request: &Value) {
        let mut state = self.state.lock().unwrap();
        match self.spoil {
            Spoil::Ignore(at) if at == number => return,
            Spoil::Refuse(at) if at == number => {
                let refusal = json!({"type": "error", "code": "unavailable", "message": "not now"});
                return self.say(request, refusal);
            }
            _ => {}
        }
        let to = request["to"]["user"].as_u64().unwrap();
        let conversation = format!("d:{}:{}", self.user.min(to), self.user.max(to));
        let next = state.seqs.entry(conversation.clone()).or_default();
        *next += 1;
        let seq = *next;
        let message = json!({
            "type": "message", "conversation": conversation, "seq": seq, "from": {"id": self.user, "name": "n"},
            "body": request["body"], "at": 1, "id": request["id"],
        });
        self.deliver(&mut state, (number, to), format!("{message}\n"));
        if self.spoil == Spoil::Unanswered {
            return;
        }
        let told = seq + u64::from(self.spoil == Spoil::Misnumber(number));
        let mut sent = json!({
            "type": "sent", "conversation": conversation, "seq": told, "at": 1, "id": request["id"],
        });
        if self.spoil == Spoil::CallDuplicate(number) {
            sent["duplicate"] = true.into();
        }
        self.say(request, sent);
    }

    fn deliver(&self, state: &mut State, (number, to): (u64, u64), line: String) {
        let session = state.sessions[&to].clone();
        let say = |line: String| drop(session.try_send(line));
        match self.spoil {
            Spoil::Lose(at) if at == number => return,
            Spoil::Delay(at) if at == number => {
                state.delayed = Some((to, line));
                return;
            }
            Spoil::Repeat(at) if at == number => say(line.clone()),
            Spoil::Misdirect(at) if at == number => self.lines.try_send(line.clone()).unwrap(),
            _ => {}
        }
        say(line);
        if let Some((_, late)) = state.delayed.take_if(|(of, _)| *of == to) {
            say(late);
        }
    }
}
