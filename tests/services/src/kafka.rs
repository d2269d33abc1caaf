use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::daemon::Daemon;
use crate::error::StartError;
use crate::fetched::fetched;
use crate::java::java;
use crate::ports::free_port;
use crate::process::Process;
use crate::service::Service;

/// The variable that names the folder of Kafka's jars.
const JARS: &str = "CHAT_KAFKA_JARS";
/// How long it may take to answer.
const ANSWER: Duration = Duration::from_secs(2);
/// The most memory that it takes for itself.
const MEMORY: &str = "-Xmx256m";
/// Any that is one.
const CLUSTER_ID: &str = "AAAAAAAAAAAAAAAAAAAAAQ";
/// Apache Kafka, a single node that is broker and controller. It creates no topic unasked, and keeps what was
/// written to it when it is killed.
#[derive(Debug)]
pub struct Kafka {
    daemon: Daemon,
    _directory: TempDir,
}

impl Kafka {
    /// Starts a broker, and waits until it serves. Takes 4–8 s.
    ///
    /// # Errors
    /// [`StartError`]; [`Missing`](crate::Missing) where this machine lacks Java or Kafka's jars.
    pub fn start() -> Result<Self, StartError> {
        Service::Kafka.check()?;
        let directory = tempfile::Builder::new().prefix("chat-kafka-").tempdir()?;
        let command = |address| {
            let settings = directory.path().join("server.properties");
            fs::write(&settings, properties(address, free_port()?, directory.path()))?;
            format(&settings)?;
            let mut command = program(directory.path())?;
            command.arg("kafka.Kafka").arg(settings);
            Ok(command)
        };
        Ok(Self {
            daemon: Daemon::start(command, serves)?,
            _directory: directory,
        })
    }

    /// Where clients find it: `127.0.0.1:PORT`.
    pub fn bootstrap(&self) -> String {
        self.address().to_string()
    }
}

impl Deref for Kafka {
    type Target = Daemon;
    fn deref(&self) -> &Daemon {
        &self.daemon
    }
}

impl DerefMut for Kafka {
    fn deref_mut(&mut self) -> &mut Daemon {
        &mut self.daemon
    }
}

/// Whether Kafka's jars are there, as `.ci/with-services` fetches them.
pub(crate) fn has_jars() -> bool {
    let mut jars = fs::read_dir(jars()).into_iter().flatten().flatten();
    jars.any(|jar| jar.file_name().to_string_lossy().starts_with("kafka-server-"))
}

fn jars() -> PathBuf {
    fetched(JARS, "kafka-jars")
}

/// A node that has no others to wait for, and after a kill not long for itself: until its former session has timed out,
/// the controller takes it for a second one of that name.
fn properties(address: SocketAddr, controller: SocketAddr, directory: &Path) -> String {
    let data = directory.join("data");
    format!(
        "process.roles=broker,controller\n\
         node.id=1\n\
         controller.quorum.voters=1@{controller}\n\
         listeners=PLAINTEXT://{address},CONTROLLER://{controller}\n\
         listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT\n\
         controller.listener.names=CONTROLLER\n\
         log.dirs={}\n\
         auto.create.topics.enable=false\n\
         broker.heartbeat.interval.ms=200\n\
         broker.session.timeout.ms=3000\n\
         group.initial.rebalance.delay.ms=0\n\
         offsets.topic.num.partitions=1\n\
         offsets.topic.replication.factor=1\n\
         transaction.state.log.num.partitions=1\n\
         transaction.state.log.replication.factor=1\n\
         transaction.state.log.min.isr=1\n",
        data.display()
    )
}

/// Prepares the empty data folder that the settings name.
fn format(settings: &Path) -> Result<(), StartError> {
    let mut command = program(settings.parent().unwrap_or(settings))?;
    command
        .args(["kafka.tools.StorageTool", "format", "--ignore-formatted"])
        .args(["--cluster-id", CLUSTER_ID, "--config"])
        .arg(settings);
    let ended = Process::start(&command)?.wait_all()?;
    if ended.code == Some(0) {
        return Ok(());
    }
    Err(StartError::Failed {
        program: "kafka.tools.StorageTool".to_owned(),
        what: "failed".to_owned(),
        log: ended.stdout + &ended.stderr,
    })
}

/// A program of Kafka, whose name is still missing.
fn program(directory: &Path) -> Result<Command, StartError> {
    java(jars().join("*").as_os_str(), MEMORY, directory)
}

/// Whether it names a broker, itself: it takes connections before it lets itself serve.
fn serves(address: SocketAddr) -> bool {
    // Its length; metadata (3) in version 1, number 1, of a client without a name, about no topic.
    const ASK: [u8; 18] = [0, 0, 0, 14, 0, 3, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0, 0, 0, 0];
    let ask = || {
        let mut connection = TcpStream::connect(address)?;
        connection.set_read_timeout(Some(ANSWER))?;
        connection.write_all(&ASK)?;
        let mut start = [0; 12];
        connection.read_exact(&mut start)?;
        Ok::<_, io::Error>(start)
    };
    // Its length and the number, and how many brokers there are.
    matches!(ask(), Ok([_, _, _, _, 0, 0, 0, 1, 0, 0, 0, 1]))
}
