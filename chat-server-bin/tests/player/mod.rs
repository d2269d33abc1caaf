//! Plays transcripts over sockets, against a server or several that are as one.

mod client;
mod collection;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

#[allow(unused_imports, reason = "every test program uses its own part of this")]
pub(crate) use self::client::AUTHORITY;
use self::client::Client;
pub(crate) use self::collection::all_transcripts;
use crate::notation::matching::Bindings;
use crate::notation::parse::{Action, Step, Transcript};

/// The password of every user that `connect as` registers.
const PASSWORD: &str = "correct horse";

/// How clients connect, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "every test program uses its own part of this")]
pub(crate) enum Front {
    Tcp(SocketAddr),
    WebSocket(SocketAddr),
    Tls(SocketAddr),
    SecureWebSocket(SocketAddr),
}

/// Where a transcript is played: servers with an empty store and the transcript's settings.
pub(crate) trait Stage {
    /// Where clients connect.
    fn front(&self) -> Front;

    /// Asks the servers to drain.
    fn terminate(&mut self);

    /// Whether a frame that no step expects may come all the same.
    fn may_come(&self, frame: &Value) -> bool;

    /// The servers' logs so far.
    fn said(&self) -> String;
}

/// Plays one transcript; the error tells the line, the difference and what went before.
pub(crate) fn play(transcript: &Transcript, stage: &mut dyn Stage) -> Result<()> {
    let mut player = Player {
        stage,
        clients: BTreeMap::new(),
        users: BTreeSet::new(),
        bindings: Bindings::default(),
        exchange: Vec::new(),
    };
    for step in &transcript.steps {
        if let Err(error) = player.step(step) {
            bail!("line {}: {error:#}\n\n{}", step.line, player.report());
        }
    }
    player
        .nothing_is_left()
        .map_err(|error| error.context(format!("after the last step\n\n{}", player.report())))
}

struct Player<'a> {
    stage: &'a mut dyn Stage,
    clients: BTreeMap<String, Client>,
    users: BTreeSet<String>,
    bindings: Bindings,
    /// What went over the wire so far, for the report of a failure.
    exchange: Vec<String>,
}

impl Player<'_> {
    fn step(&mut self, step: &Step) -> Result<()> {
        let name = step.client.as_str();
        match &step.action {
            Action::Connect => self.connect(name),
            Action::ConnectAs { user, device } => self.connect_as(name, user, device),
            Action::Disconnect => self.clients.remove(name).map(drop).context("it is not connected"),
            Action::Closed => self.closed(name),
            Action::Send(line) => self.send(name, &self.bindings.fill(line)),
            Action::Expect(expected) => self.expect(name, expected),
            Action::Terminate => {
                self.stage.terminate();
                Ok(())
            }
        }
    }

    fn connect(&mut self, name: &str) -> Result<()> {
        ensure!(!self.clients.contains_key(name), "{name} is connected already");
        let client = Client::connect(self.stage.front())?;
        self.clients.insert(name.to_owned(), client);
        Ok(())
    }

    fn connect_as(&mut self, name: &str, user: &str, device: &str) -> Result<()> {
        self.connect(name)?;
        let is_new = self.users.insert(user.to_owned());
        if is_new {
            self.request(
                name,
                "register",
                json!({"name": user, "password": PASSWORD}),
                "registered",
            )?;
        }
        let login = json!({"name": user, "password": PASSWORD, "device": device});
        self.request(name, "login", login, "welcome")?;
        if is_new {
            self.expect(name, &json!({"type": "synced"}))?;
        }
        Ok(())
    }

    fn request(&mut self, name: &str, kind: &str, mut fields: Value, reply: &str) -> Result<()> {
        if let Value::Object(fields) = &mut fields {
            fields.insert("type".to_owned(), json!(kind));
        }
        self.send(name, &fields.to_string())?;
        self.expect(name, &json!({"type": reply}))
    }

    fn send(&mut self, name: &str, line: &str) -> Result<()> {
        self.exchange.push(format!("{name}> {}", shortened(line)));
        self.client(name)?.send(line)
    }

    fn expect(&mut self, name: &str, expected: &Value) -> Result<()> {
        loop {
            let line = self.next_line(name, expected)?;
            let frame = serde_json::from_str(&line).context("the server sent what is not JSON")?;
            match self.bindings.check(expected, &frame) {
                Ok(()) => return Ok(()),
                Err(_) if self.stage.may_come(&frame) => {}
                Err(mismatch) => {
                    bail!("{mismatch}\n  expected {name}< {expected}\n  received {name}< {line}")
                }
            }
        }
    }

    fn next_line(&mut self, name: &str, expected: &Value) -> Result<String> {
        let received = self
            .client(name)?
            .receive()
            .with_context(|| format!("{name} waited for {expected}"))?;
        let Some(line) = received else {
            bail!("{name} waited for {expected}, and the server closed the connection");
        };
        self.exchange.push(format!("{name}< {}", shortened(&line)));
        Ok(line)
    }

    fn closed(&mut self, name: &str) -> Result<()> {
        match self
            .client(name)?
            .receive()
            .context("the server did not close the connection")?
        {
            Some(line) => bail!("{name} received {line} where the connection should be closed"),
            None => {
                self.clients.remove(name);
                Ok(())
            }
        }
    }

    /// Fails where a client has received more than the transcript shows.
    fn nothing_is_left(&mut self) -> Result<()> {
        let names: Vec<String> = self.clients.keys().cloned().collect();
        for name in names {
            let ping = json!({"type": "ping", "ref": "nothing is left"});
            self.send(&name, &ping.to_string())?;
            self.expect(&name, &json!({"type": "pong", "ref": "nothing is left"}))?;
        }
        Ok(())
    }

    fn client(&mut self, name: &str) -> Result<&mut Client> {
        self.clients
            .get_mut(name)
            .with_context(|| format!("{name} is not connected"))
    }

    fn report(&self) -> String {
        let last = self.exchange.len().saturating_sub(20);
        let exchange = self.exchange.get(last..).unwrap_or_default().join("\n");
        format!("the exchange so far:\n{exchange}\n\n{}", self.stage.said())
    }
}

fn shortened(line: &str) -> String {
    const SHOWN: usize = 300;
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}… ({} bytes)", line.get(..end).unwrap_or_default(), line.len()),
        None => line.to_owned(),
    }
}
