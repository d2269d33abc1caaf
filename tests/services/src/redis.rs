use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use nix::unistd::Pid;
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

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.daemon.address()
    }

    /// Its process id, which changes with each restart.
    pub const fn id(&self) -> Pid {
        self.daemon.process().id()
    }

    /// Ends it as a crash would.
    ///
    /// # Errors
    /// Where it does not end.
    pub fn kill(&mut self) -> io::Result<()> {
        self.daemon.kill()
    }

    /// Starts it again on the same port, and waits until it answers; kills it first where it runs.
    /// All its data is lost.
    ///
    /// # Errors
    /// [`StartError`]
    pub fn restart(&mut self) -> Result<(), StartError> {
        self.daemon.restart()
    }

    /// Stops its process where it stands; connections stay open.
    ///
    /// # Errors
    /// Where it does not stop.
    pub fn freeze(&mut self) -> io::Result<()> {
        self.daemon.freeze()
    }

    /// Lets it go on after [`freeze`](Self::freeze).
    pub fn thaw(&mut self) {
        self.daemon.thaw();
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
