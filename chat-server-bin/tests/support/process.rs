//! Processes of the server: how they are made, watched and ended.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;

/// How long anything may take before the test fails; only a failure ever waits that long.
pub(super) const DEADLINE: Duration = Duration::from_secs(60);

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

/// Runs the program to its end, with this environment beside the test's own.
pub fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
    let mut process = Process::start(command(arguments).envs(environment.iter().copied()));
    let status = process.wait();
    Ended {
        code: status.code(),
        stdout: process.stdout.wait_all(),
        stderr: process.stderr.wait_all(),
    }
}

/// The program, not yet started, without the settings of whoever runs the tests.
pub(super) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-server"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CHAT_") {
            command.env_remove(name);
        }
    }
    command.args(arguments);
    command
}

/// A running process. Dropping it kills it.
#[derive(Debug)]
pub(super) struct Process {
    pid: Pid,
    exit: Receiver<ExitStatus>,
    status: Option<ExitStatus>,
    pub(super) stdout: Output,
    pub(super) stderr: Output,
}

impl Process {
    pub(super) fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        Self {
            pid: Pid::from_raw(child.id().try_into().expect("process ids are small")),
            stdout: Output::of(child.stdout.take().expect("standard output is piped")),
            stderr: Output::of(child.stderr.take().expect("standard error is piped")),
            exit: watch(child),
            status: None,
        }
    }

    pub(super) const fn id(&self) -> Pid {
        self.pid
    }

    pub(super) fn signal(&mut self, signal: Signal) {
        if self.status.is_none() {
            self.status = self.exit.try_recv().ok();
        }
        if self.status.is_none() {
            // It may end just now; its id is not given away before the watcher has seen it.
            let _ = signal::kill(self.pid, signal);
        }
    }

    /// Waits for the end.
    pub(super) fn wait(&mut self) -> ExitStatus {
        *self.status.get_or_insert_with(|| {
            self.exit
                .recv_timeout(DEADLINE)
                .expect("the program ends within a minute")
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
        if self.status.is_none() {
            let _ = self.exit.recv_timeout(DEADLINE);
        }
    }
}

fn watch(mut child: Child) -> Receiver<ExitStatus> {
    let (sender, receiver) = sync_channel(1);
    thread::spawn(move || sender.send(child.wait().expect("a child can be waited for")));
    receiver
}

/// Text that grows while others wait for it.
#[derive(Debug, Default)]
struct Text {
    text: Mutex<String>,
    grown: Condvar,
}

/// What a process writes, kept as it comes.
#[derive(Debug)]
pub(super) struct Output {
    text: Arc<Text>,
    first_line: Receiver<String>,
    end: Receiver<()>,
}

impl Output {
    fn of(stream: impl Read + Send + 'static) -> Self {
        let text = Arc::<Text>::default();
        let (first_sender, first_line) = sync_channel(1);
        let (end_sender, end) = sync_channel(1);
        let kept = Arc::clone(&text);
        thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            let mut line = Vec::new();
            while stream.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
                let piece = String::from_utf8_lossy(&line).into_owned();
                kept.text.lock().unwrap().push_str(&piece);
                kept.grown.notify_all();
                let _ = first_sender.try_send(piece);
                line.clear();
            }
            let _ = end_sender.send(());
        });
        Self {
            text,
            first_line,
            end,
        }
    }

    /// What came so far.
    pub(super) fn text(&self) -> String {
        self.text.text.lock().unwrap().clone()
    }

    /// Waits until `part` was written.
    pub(super) fn wait_for(&self, part: &str) {
        let deadline = Instant::now() + DEADLINE;
        let mut text = self.text.text.lock().unwrap();
        while !text.contains(part) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{part:?} is not in the output:\n{text}");
            text = self.text.grown.wait_timeout(text, left).unwrap().0;
        }
    }

    /// Waits for the first line; `None` where the process ends without one.
    pub(super) fn first_line(&self) -> Option<String> {
        self.first_line.recv_timeout(DEADLINE).ok()
    }

    /// Waits for the end of the output, and answers all of it.
    pub(super) fn wait_all(&self) -> String {
        self.end
            .recv_timeout(DEADLINE)
            .expect("the output ends with its process");
        self.text()
    }
}
