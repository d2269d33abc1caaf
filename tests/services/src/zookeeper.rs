use std::ffi::OsString;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use crate::daemon::Daemon;
use crate::error::StartError;
use crate::java::java;
use crate::service::Service;

/// As Debian installs it. The jar itself names those that it needs.
const JAR: &str = "/usr/share/java/zookeeper.jar";
/// Writes its log to where it can be read; it comes with what the jar needs.
const LOGGER: &str = "/usr/share/java/slf4j-simple.jar";
/// The most memory that it takes for itself.
const MEMORY: &str = "-Xmx128m";
/// How long it may take to answer.
const ANSWER: Duration = Duration::from_secs(2);

/// Apache ZooKeeper, a single server. It grants session time-outs from 0.2 s, and ends what is over within 0.1 s more.
/// When it is killed, it keeps nodes and sessions; a session has all of its time again once it is back.
#[derive(Debug)]
pub struct ZooKeeper {
    daemon: Daemon,
    _directory: TempDir,
}

impl ZooKeeper {
    /// Starts a server, and waits until it serves. Takes 0.5–1 s.
    ///
    /// # Errors
    /// [`StartError`]; [`Missing`](crate::Missing) where this machine lacks Java or ZooKeeper.
    pub fn start() -> Result<Self, StartError> {
        Service::ZooKeeper.check()?;
        let directory = tempfile::Builder::new().prefix("chat-zookeeper-").tempdir()?;
        let command = |address| {
            let settings = directory.path().join("zoo.cfg");
            fs::write(&settings, settings_of(address, directory.path()))?;
            let mut class_path = OsString::from(JAR);
            class_path.push(":");
            class_path.push(LOGGER);
            let mut command = java(&class_path, MEMORY, directory.path())?;
            command
                .arg("org.apache.zookeeper.server.quorum.QuorumPeerMain")
                .arg(settings);
            Ok(command)
        };
        Ok(Self {
            daemon: Daemon::start(command, serves)?,
            _directory: directory,
        })
    }

    /// Where clients find it: `127.0.0.1:PORT`.
    pub fn connect_string(&self) -> String {
        self.address().to_string()
    }

    /// The paths of all nodes that are there as long as a session is.
    ///
    /// # Errors
    /// Where it does not answer.
    pub fn nodes_of_sessions(&self) -> io::Result<Vec<String>> {
        let answer = ask(self.address(), "dump")?;
        // One a line, indented, after the line of its session.
        let paths = answer.lines().map(str::trim).filter(|line| line.starts_with('/'));
        Ok(paths.map(str::to_owned).collect())
    }
}

impl Deref for ZooKeeper {
    type Target = Daemon;
    fn deref(&self) -> &Daemon {
        &self.daemon
    }
}

impl DerefMut for ZooKeeper {
    fn deref_mut(&mut self) -> &mut Daemon {
        &mut self.daemon
    }
}

/// Whether ZooKeeper's jar is there.
pub(crate) fn has_jar() -> bool {
    Path::new(JAR).is_file()
}

/// Its clock ticks fast, since it ends sessions by it. What it has written outlives the process without being synced,
/// so a busy disk holds no session up.
fn settings_of(address: SocketAddr, directory: &Path) -> String {
    format!(
        "clientPortAddress={}\n\
         clientPort={}\n\
         dataDir={}\n\
         tickTime=100\n\
         minSessionTimeout=200\n\
         maxSessionTimeout=60000\n\
         maxClientCnxns=0\n\
         admin.enableServer=false\n\
         4lw.commands.whitelist=srvr,dump\n\
         forceSync=no\n\
         preAllocSize=1024\n",
        address.ip(),
        address.port(),
        directory.join("data").display()
    )
}

/// Whether it tells its mode: until it serves, it takes connections and says that it does not.
fn serves(address: SocketAddr) -> bool {
    ask(address, "srvr").is_ok_and(|answer| answer.contains("Mode: standalone"))
}

/// What it answers to one of its words.
fn ask(address: SocketAddr, word: &str) -> io::Result<String> {
    let mut connection = TcpStream::connect(address)?;
    connection.set_read_timeout(Some(ANSWER))?;
    connection.write_all(word.as_bytes())?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    Ok(answer)
}
