use std::ffi::OsString;
use std::io::{self, Read as _};
use std::net::{SocketAddr, TcpStream};
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use nix::unistd::Uid;
use tempfile::TempDir;

use crate::daemon::Daemon;
use crate::error::StartError;
use crate::process::Process;
use crate::programs::find_program;
use crate::service::{Missing, Service};

/// How long it may take to greet on a new connection.
const GREETING: Duration = Duration::from_secs(2);

/// A MariaDB server with an empty data folder, durable as it is by default. Its user `root` has no
/// password and may do everything.
#[derive(Debug)]
pub struct MariaDb {
    daemon: Daemon,
    _directory: TempDir,
}

impl MariaDb {
    /// Starts a server. Takes a second or two.
    ///
    /// # Errors
    /// [`StartError`]; [`Missing`] where this machine lacks MariaDB.
    pub fn start() -> Result<Self, StartError> {
        Self::start_with(&[])
    }

    /// The same with further arguments, for example `--innodb-buffer-pool-size=512M`.
    ///
    /// # Errors
    /// [`StartError`]; [`Missing`] where this machine lacks MariaDB.
    pub fn start_with(arguments: &[&str]) -> Result<Self, StartError> {
        Service::MySql.check()?;
        let directory = tempfile::Builder::new().prefix("chat-mariadb-").tempdir()?;
        install(directory.path())?;
        let command = |address: SocketAddr| {
            let mut command = base("mariadbd", directory.path())?;
            command
                .arg(format!("--port={}", address.port()))
                .arg(format!("--bind-address={}", address.ip()))
                .arg(option("--socket=", &directory.path().join("socket")))
                .arg(option("--pid-file=", &directory.path().join("pid")))
                .args(["--skip-name-resolve", "--max-connections=500"])
                .args(arguments);
            Ok(command)
        };
        Ok(Self {
            daemon: Daemon::start(command, greets)?,
            _directory: directory,
        })
    }

    /// The URL of the whole server, without a database, as its administrator.
    pub fn url(&self) -> String {
        Self::url_at(self.address(), "")
    }

    /// The URL of a database as it is reached at another address, such as that of a [`TcpProxy`](crate::TcpProxy).
    pub fn url_at(address: SocketAddr, database: &str) -> String {
        format!("mysql://root@{address}/{database}")
    }
}

impl Deref for MariaDb {
    type Target = Daemon;
    fn deref(&self) -> &Daemon {
        &self.daemon
    }
}

impl DerefMut for MariaDb {
    fn deref_mut(&mut self) -> &mut Daemon {
        &mut self.daemon
    }
}

/// Fills a new data folder with the server's own tables.
fn install(directory: &Path) -> Result<(), StartError> {
    let mut command = base("mariadb-install-db", directory)?;
    command.args(["--auth-root-authentication-method=normal", "--skip-test-db"]);
    let ended = Process::start(&command)?.wait_all()?;
    if ended.code == Some(0) {
        return Ok(());
    }
    Err(StartError::Failed {
        program: "mariadb-install-db".to_owned(),
        what: "failed".to_owned(),
        log: ended.stdout + &ended.stderr,
    })
}

/// A program of MariaDB that reads no settings of this machine.
fn base(program: &str, directory: &Path) -> Result<Command, StartError> {
    let file = find_program(program).ok_or_else(|| Missing {
        reason: format!("{program} is missing"),
        required: false,
    })?;
    let mut command = Command::new(file);
    command
        .arg("--no-defaults")
        .arg(option("--datadir=", &directory.join("data")))
        // Where several share a folder for temporary tables, one that starts removes the others'.
        .env("TMPDIR", directory);
    if Uid::effective().is_root() {
        // It refuses to run as root unless it is told to.
        command.arg("--user=root");
    }
    Ok(command)
}

fn option(name: &str, path: &Path) -> OsString {
    let mut option = OsString::from(name);
    option.push(path);
    option
}

/// Whether it greets with the version of its protocol. An error, as when there are too many connections,
/// is no greeting.
fn greets(address: SocketAddr) -> bool {
    let greeting = || {
        let mut connection = TcpStream::connect(address)?;
        connection.set_read_timeout(Some(GREETING))?;
        let mut start = [0; 5];
        connection.read_exact(&mut start)?;
        Ok::<_, io::Error>(start)
    };
    matches!(greeting(), Ok([_, _, _, _, 10]))
}
