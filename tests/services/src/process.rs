use std::fs;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;

use crate::output::Output;
use crate::programs::find_program;
use crate::wait::{DEADLINE, eventually, late};

/// A process that ended by itself.
#[derive(Debug)]
pub struct Ended {
    /// The exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

/// A running process in a process group of its own. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    pid: Pid,
    exit: Mutex<Receiver<io::Result<ExitStatus>>>,
    status: Option<ExitStatus>,
    stdout: Output,
    stderr: Output,
}

impl Process {
    /// Starts a program with its arguments, its changes to the environment and its folder; nothing comes from
    /// standard input.
    ///
    /// # Errors
    /// Where the system does not start it.
    pub fn start(command: &Command) -> io::Result<Self> {
        let mut command = ending_with_its_thread(command);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // An interrupt at the terminal is for whoever started this, who ends it in order.
            .process_group(0);
        let (started, start) = sync_channel(1);
        let (ended, exit) = sync_channel(1);
        thread::spawn(move || watch(command, &started, &ended));
        let mut child = start.recv().map_err(io::Error::other)??;
        Ok(Self {
            pid: Pid::from_raw(child.id),
            stdout: child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?,
            stderr: child.stderr.take().ok_or(io::ErrorKind::BrokenPipe)?,
            exit: Mutex::new(exit),
            status: None,
        })
    }

    /// Its process id.
    pub const fn id(&self) -> Pid {
        self.pid
    }

    /// Its standard output.
    pub const fn stdout(&self) -> &Output {
        &self.stdout
    }

    /// Its standard error.
    pub const fn stderr(&self) -> &Output {
        &self.stderr
    }

    /// Sends a signal, unless it has ended.
    pub fn signal(&mut self, signal: Signal) {
        if self.ended_within(Duration::ZERO).is_none() {
            // It may end just now; its id is not given away before the watcher has seen it.
            let _ = signal::kill(self.pid, signal);
        }
    }

    /// Stops it where it stands; connections stay open.
    ///
    /// # Errors
    /// Where it does not stop.
    pub fn freeze(&mut self) -> io::Result<()> {
        self.signal(Signal::SIGSTOP);
        let status = format!("/proc/{}/status", self.pid);
        eventually("the process stands still", || {
            // Only Linux tells.
            let Ok(status) = fs::read_to_string(&status) else {
                return Some(());
            };
            status.contains("\nState:\tT").then_some(())
        })
    }

    /// Lets it go on after [`freeze`](Self::freeze).
    pub fn thaw(&mut self) {
        self.signal(Signal::SIGCONT);
    }

    /// Waits for the end, for this time at the longest; `None` where it still runs.
    pub fn ended_within(&mut self, time: Duration) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.status = self.exit().recv_timeout(time).ok()?.ok();
        }
        self.status
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// Where it does not end before [`DEADLINE`].
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        if let Some(status) = self.status {
            return Ok(status);
        }
        let status = match self.exit().recv_timeout(DEADLINE) {
            Ok(status) => status?,
            Err(RecvTimeoutError::Timeout) => return Err(late("the end of the program")),
            Err(error @ RecvTimeoutError::Disconnected) => return Err(io::Error::other(error)),
        };
        Ok(*self.status.insert(status))
    }

    fn exit(&mut self) -> &Receiver<io::Result<ExitStatus>> {
        self.exit.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the end and for all output.
    ///
    /// # Errors
    /// Where it does not end before [`DEADLINE`].
    pub fn wait_all(&mut self) -> io::Result<Ended> {
        let status = self.wait()?;
        Ok(Ended {
            code: status.code(),
            stdout: self.stdout.wait_all()?,
            stderr: self.stderr.wait_all()?,
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
        // Nothing more can be done where it does not end.
        let _ = self.wait();
    }
}

/// The same program, such that it is killed when the thread ends that starts it.
fn ending_with_its_thread(command: &Command) -> Command {
    let Some(setpriv) = find_program("setpriv") else {
        return copy_of(command, Command::new(command.get_program()));
    };
    let mut wrapped = Command::new(setpriv);
    wrapped
        .args(["--pdeathsig", "KILL", "--"])
        .arg(command.get_program());
    copy_of(command, wrapped)
}

fn copy_of(command: &Command, mut copy: Command) -> Command {
    copy.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => copy.env(name, value),
            None => copy.env_remove(name),
        };
    }
    if let Some(directory) = command.get_current_dir() {
        copy.current_dir(directory);
    }
    copy
}

/// What the watcher tells of a child that runs.
struct Started {
    id: i32,
    stdout: Option<Output>,
    stderr: Option<Output>,
}

impl Started {
    fn of(child: &mut Child) -> io::Result<Self> {
        Ok(Self {
            id: child.id().try_into().map_err(io::Error::other)?,
            stdout: child.stdout.take().map(Output::of),
            stderr: child.stderr.take().map(Output::of),
        })
    }
}

/// Starts the child and waits for its end, in one thread: the child is killed where that thread ends.
fn watch(
    mut command: Command,
    started: &SyncSender<io::Result<Started>>,
    ended: &SyncSender<io::Result<ExitStatus>>,
) {
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            // The starter waits for it.
            let _ = started.send(Err(error));
            return;
        }
    };
    let _ = started.send(Started::of(&mut child));
    // The process may have been let go of.
    let _ = ended.send(child.wait());
}
