use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::daemon::Daemon;
use crate::error::StartError;
use crate::programs::find_program;
use crate::service::{Missing, Service};

/// How long it may take to answer.
const ANSWER: Duration = Duration::from_secs(2);

/// A Redis server that keeps nothing on disk.
#[derive(Debug)]
pub struct Redis {
    daemon: Daemon,
    _directory: TempDir,
}

impl Redis {
    /// Starts a server.
    ///
    /// # Errors
    /// [`StartError`]; [`Missing`] where this machine lacks Redis.
    pub fn start() -> Result<Self, StartError> {
        Service::Redis.check()?;
        let directory = tempfile::Builder::new().prefix("chat-redis-").tempdir()?;
        let command = |address| server(address, directory.path());
        Ok(Self {
            daemon: Daemon::start(command, answers)?,
            _directory: directory,
        })
    }

    /// Its URL.
    pub fn url(&self) -> String {
        Self::url_at(self.address())
    }

    /// Its URL as it is reached at another address, such as that of a [`TcpProxy`](crate::TcpProxy).
    pub fn url_at(address: SocketAddr) -> String {
        format!("redis://{address}/")
    }
}

impl Deref for Redis {
    type Target = Daemon;
    fn deref(&self) -> &Daemon {
        &self.daemon
    }
}

impl DerefMut for Redis {
    fn deref_mut(&mut self) -> &mut Daemon {
        &mut self.daemon
    }
}

/// A server on this address that reads no settings of this machine.
pub(crate) fn server(address: SocketAddr, directory: &Path) -> Result<Command, StartError> {
    let program = find_program("redis-server").ok_or_else(|| Missing {
        reason: "redis-server is missing".to_owned(),
        required: false,
    })?;
    let mut command = Command::new(program);
    command
        .args(["--bind", &address.ip().to_string()])
        .args(["--port", &address.port().to_string()])
        .args(["--save", "", "--appendonly", "no", "--daemonize", "no"])
        .arg("--dir")
        .arg(directory);
    Ok(command)
}

pub(crate) fn answers(address: SocketAddr) -> bool {
    ask(address, "PING").is_ok_and(|answer| answer.starts_with("+PONG"))
}

/// The answer to one command, as it is on the wire.
pub(crate) fn ask(address: SocketAddr, command: &str) -> io::Result<String> {
    let mut connection = TcpStream::connect(address)?;
    connection.set_read_timeout(Some(ANSWER))?;
    // After the second answer it closes the connection, which marks the end of the first.
    connection.write_all(format!("{command}\r\nQUIT\r\n").as_bytes())?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    Ok(answer)
}
