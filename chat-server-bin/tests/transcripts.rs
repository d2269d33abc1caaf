//! Plays every example of `docs/protocol.md` and every file of `tests/transcripts` against a real
//! server over a real socket, by TCP and by WebSocket, in the clear and by TLS, one trial each.

mod notation;
mod player;
mod support;

use std::fs;
use std::process::ExitCode;

use anyhow::Result;
use libtest_mimic::{Arguments, Failed, Trial};
use notation::parse::Transcript;
use player::{AUTHORITY, Front, Stage};
use serde_json::Value;
use support::Server;
use tempfile::TempDir;

fn main() -> Result<ExitCode> {
    let arguments = Arguments::from_args();
    let trials = player::all_transcripts()?;
    let trials = trials
        .into_iter()
        .flat_map(|(name, transcript)| Way::ALL.map(|way| trial(way, &name, transcript.clone())));
    Ok(libtest_mimic::run(&arguments, trials.collect()).exit_code())
}

/// How the clients of a trial come to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Tcp,
    WebSocket,
    Tls,
    SecureWebSocket,
}

impl Way {
    const ALL: [Self; 4] = [Self::Tcp, Self::WebSocket, Self::Tls, Self::SecureWebSocket];

    /// What the names of its trials begin with.
    const fn prefix(self) -> &'static str {
        match self {
            Self::Tcp => "",
            Self::WebSocket => "websocket::",
            Self::Tls => "tls::",
            Self::SecureWebSocket => "tls::websocket::",
        }
    }

    fn front(self, server: &Server) -> Front {
        match self {
            Self::Tcp => Front::Tcp(server.address()),
            Self::WebSocket => Front::WebSocket(server.http()),
            Self::Tls => Front::Tls(server.address()),
            Self::SecureWebSocket => Front::SecureWebSocket(server.http()),
        }
    }

    const fn is_encrypted(self) -> bool {
        matches!(self, Self::Tls | Self::SecureWebSocket)
    }
}

fn trial(way: Way, name: &str, transcript: Transcript) -> Trial {
    Trial::test(format!("{}{name}", way.prefix()), move || {
        let played = SingleServer::start(&transcript.settings, way)
            .and_then(|mut server| player::play(&transcript, &mut server));
        played.map_err(|error| Failed::from(format!("{error:#}")))
    })
}

/// A server of a transcript's own.
struct SingleServer {
    server: Server,
    way: Way,
    _directory: TempDir,
}

impl SingleServer {
    /// Starts a server on a free port with the given lines as its settings file.
    fn start(settings: &[String], way: Way) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let config = directory.path().join("chat.toml");
        fs::write(&config, settings.join("\n"))?;
        let mut arguments = vec![
            "--config".to_owned(),
            config.display().to_string(),
            "--store=memory:".to_owned(),
            "--http=127.0.0.1:0".to_owned(),
            "--event-log=".to_owned(),
        ];
        if way.is_encrypted() {
            let signed = AUTHORITY.sign(&["127.0.0.1"]);
            let (certificate, key) = signed.write_to(directory.path(), "server")?;
            arguments.push(format!("--tls-certificate={}", certificate.display()));
            arguments.push(format!("--tls-key={}", key.display()));
        }
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        Ok(Self {
            server: Server::start(&arguments),
            way,
            _directory: directory,
        })
    }
}

impl Stage for SingleServer {
    fn front(&self) -> Front {
        self.way.front(&self.server)
    }

    fn terminate(&mut self) {
        self.server.signal_to_end();
    }

    fn may_come(&self, _frame: &Value) -> bool {
        false
    }

    fn said(&self) -> String {
        format!("the server's log:\n{}", self.server.stderr())
    }
}
