//! Plays every example of `docs/protocol.md` and every file of `tests/transcripts` against a real
//! server over a real socket, by TCP and by WebSocket, one trial each.

mod notation;
mod player;
mod support;

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result};
use libtest_mimic::{Arguments, Failed, Trial};
use notation::parse::Transcript;
use player::{Front, Stage};
use serde_json::Value;
use support::Server;
use tempfile::TempDir;

fn main() -> Result<ExitCode> {
    let arguments = Arguments::from_args();
    let trials = player::all_transcripts()?;
    let trials = trials.into_iter().flat_map(|(name, transcript)| {
        let by_websocket = trial(format!("websocket::{name}"), transcript.clone(), by_websocket);
        [trial(name, transcript, by_tcp), by_websocket]
    });
    Ok(libtest_mimic::run(&arguments, trials.collect()).exit_code())
}

/// Which of a server's fronts the clients of a trial take.
type Choice = fn(&Server) -> Front;

fn by_tcp(server: &Server) -> Front {
    Front::Tcp(server.address())
}

fn by_websocket(server: &Server) -> Front {
    Front::WebSocket(server.http())
}

fn trial(name: String, transcript: Transcript, choice: Choice) -> Trial {
    Trial::test(name, move || {
        let played = SingleServer::start(&transcript.settings, choice)
            .and_then(|mut server| player::play(&transcript, &mut server));
        played.map_err(|error| Failed::from(format!("{error:#}")))
    })
}

/// A server of a transcript's own.
struct SingleServer {
    server: Server,
    choice: Choice,
    _directory: TempDir,
}

impl SingleServer {
    /// Starts a server on a free port with the given lines as its settings file.
    fn start(settings: &[String], choice: Choice) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let config = directory.path().join("chat.toml");
        fs::write(&config, settings.join("\n"))?;
        let config = config.to_str().context("the path is text")?;
        Ok(Self {
            server: Server::start(&[
                "--config",
                config,
                "--store",
                "memory:",
                "--http",
                "127.0.0.1:0",
                "--event-log",
                "",
            ]),
            choice,
            _directory: directory,
        })
    }
}

impl Stage for SingleServer {
    fn front(&self) -> Front {
        (self.choice)(&self.server)
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
