//! What all services have in common: one process, on a port, that answers or not.

use std::io;
use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use crate::error::StartError;
use crate::ports::free_port;
use crate::process::Process;
use crate::wait::{DEADLINE, PAUSE};

/// How long a service may take to end in order, before it is killed.
const GRACE: Duration = Duration::from_secs(10);
/// Another process may take a port between its choice and its use.
const TRIES: usize = 5;
/// How much of a log an error shows.
const SHOWN: usize = 4_000;

/// A running service, as which [`MariaDb`](crate::MariaDb), [`Redis`](crate::Redis), [`Nginx`](crate::Nginx),
/// [`Kafka`](crate::Kafka), [`ZooKeeper`](crate::ZooKeeper) and [`ChromeDriver`](crate::ChromeDriver) all can be killed,
/// started again and frozen.
#[derive(Debug)]
pub struct Daemon {
    command: Command,
    address: SocketAddr,
    answers: fn(SocketAddr) -> bool,
    process: Process,
    frozen: bool,
}

impl Daemon {
    /// Starts what `command` makes for a free port, and waits until it answers.
    pub(crate) fn start(
        command: impl Fn(SocketAddr) -> Result<Command, StartError>,
        answers: fn(SocketAddr) -> bool,
    ) -> Result<Self, StartError> {
        let mut started = Self::start_once(&command, answers);
        for _ in 1..TRIES {
            // Only a port that is taken is worth another try.
            match &started {
                Err(StartError::Failed { log, .. }) if log.to_lowercase().contains("already in use") => {
                    started = Self::start_once(&command, answers);
                }
                Ok(_) | Err(_) => break,
            }
        }
        started
    }

    fn start_once(
        command: &impl Fn(SocketAddr) -> Result<Command, StartError>,
        answers: fn(SocketAddr) -> bool,
    ) -> Result<Self, StartError> {
        let address = free_port()?;
        let command = command(address)?;
        let mut daemon = Self {
            process: Process::start(&command)?,
            command,
            address,
            answers,
            frozen: false,
        };
        daemon.wait_until_it_answers()?;
        Ok(daemon)
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process id, which changes with each restart.
    pub const fn id(&self) -> Pid {
        self.process.id()
    }

    pub(crate) const fn process(&self) -> &Process {
        &self.process
    }

    /// Ends it as a crash would.
    ///
    /// # Errors
    /// Where it does not end.
    pub fn kill(&mut self) -> io::Result<()> {
        self.process.signal(Signal::SIGKILL);
        self.process.wait().map(drop)
    }

    /// Starts it again on the same port, and waits until it answers; kills it first where it runs. What it
    /// keeps on disk is there again: MariaDB, Kafka and ZooKeeper recover as after a crash, and Redis has lost everything.
    ///
    /// # Errors
    /// [`StartError`]
    pub fn restart(&mut self) -> Result<(), StartError> {
        self.launch()?;
        self.wait_until_it_answers()
    }

    /// Starts it again and does not wait.
    pub(crate) fn launch(&mut self) -> Result<(), StartError> {
        self.kill()?;
        self.process = Process::start(&self.command)?;
        self.frozen = false;
        Ok(())
    }

    /// Stops its process where it stands; connections stay open.
    ///
    /// # Errors
    /// Where it does not stop.
    pub fn freeze(&mut self) -> io::Result<()> {
        self.frozen = true;
        self.process.freeze()
    }

    /// Lets it go on after [`freeze`](Self::freeze).
    pub fn thaw(&mut self) {
        self.process.thaw();
        self.frozen = false;
    }

    pub(crate) fn wait_until_it_answers(&mut self) -> Result<(), StartError> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if (self.answers)(self.address) {
                return Ok(());
            }
            if let Some(status) = self.process.ended_within(PAUSE) {
                return Err(self.failed(format!("ended with {status}")));
            }
            if Instant::now() > deadline {
                let seconds = DEADLINE.as_secs();
                return Err(self.failed(format!("did not answer within {seconds} seconds")));
            }
        }
    }

    fn failed(&self, what: String) -> StartError {
        let program = self.command.get_program().to_string_lossy().into_owned();
        let log = self.process.stdout().text() + &self.process.stderr().text();
        let start = log.ceil_char_boundary(log.len().saturating_sub(SHOWN));
        StartError::Failed {
            program,
            what,
            log: log.get(start..).unwrap_or_default().to_owned(),
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if !self.frozen {
            self.process.signal(Signal::SIGTERM);
            self.process.ended_within(GRACE);
        }
        // What has not ended is killed by the drop of the process.
    }
}
