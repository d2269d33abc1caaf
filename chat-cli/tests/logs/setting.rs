//! A folder with logs, and the binary beside it.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use chat_core::Timestamp;
use chat_core::ports::{Level, LogRecord};
use serde_json::{Map, Value};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// Within this everything happens that is to happen.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// The time between two looks at what it does.
const POLL: Duration = Duration::from_millis(5);

pub(crate) struct Setting {
    folder: TempDir,
}

impl Setting {
    pub(crate) fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn append(&self, name: &str, text: &str) {
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(self.path(name))
            .unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    pub(crate) fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    /// The binary in the folder of the logs.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chat"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("HOME", self.folder.path())
            .env("TZ", "UTC")
            .kill_on_drop(true)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs it to its end, which is a good one: what it printed, and what it said on standard error.
    pub(crate) async fn run(&self, arguments: &[&str]) -> (String, String) {
        let output = tokio::time::timeout(DEADLINE, self.command(arguments).output())
            .await
            .expect("it ends")
            .unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{arguments:?}: {errors}");
        (String::from_utf8(output.stdout).unwrap(), errors)
    }

    /// Follows, as long as the result lives.
    pub(crate) fn follow(&self, arguments: &[&str]) -> Following {
        let mut child = self.command(arguments).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Following { child, lines }
    }
}

pub(crate) struct Following {
    pub(crate) child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Following {
    pub(crate) async fn line(&mut self) -> String {
        let line = tokio::time::timeout(DEADLINE, self.lines.next_line());
        line.await.expect("a line comes").unwrap().expect("it goes on")
    }

    /// Whether nothing more comes.
    pub(crate) async fn ends(&mut self) -> bool {
        let line = tokio::time::timeout(DEADLINE, self.lines.next_line());
        line.await.expect("it ends").unwrap().is_none()
    }

    /// Waits until it has read a file up to this byte, counted from the beginning.
    pub(crate) async fn has_read_to(&self, file: &Path, position: u64) {
        let reached = async {
            while self.position_in(file) != Some(position) {
                tokio::time::sleep(POLL).await;
            }
        };
        let reached = tokio::time::timeout(DEADLINE, reached).await;
        reached.expect("it reads the file that far");
    }

    /// Where it is in a file that it has open, as the kernel tells.
    fn position_in(&self, file: &Path) -> Option<u64> {
        let process = PathBuf::from(format!("/proc/{}", self.child.id()?));
        let descriptors = fs::read_dir(process.join("fd")).ok()?;
        let open = descriptors
            .flatten()
            .find(|descriptor| fs::read_link(descriptor.path()).is_ok_and(|target| target == file))?;
        let told = fs::read_to_string(process.join("fdinfo").join(open.file_name())).ok()?;
        told.lines().next()?.strip_prefix("pos:")?.trim().parse().ok()
    }

    /// Reads no further.
    pub(crate) fn close(self) -> Child {
        self.child
    }

    pub(crate) fn interrupt(&self) {
        let pid = self.child.id().unwrap().to_string();
        let status = std::process::Command::new("kill").args(["-INT", &pid]).status();
        assert!(status.unwrap().success());
    }
}

/// A record, as a node writes it.
pub(crate) fn record(node: &str, number: u64, at: u64, event: &str) -> LogRecord {
    LogRecord {
        at: Timestamp::from_millis(at),
        node: node.parse().unwrap(),
        number,
        level: Level::Info,
        event: event.to_owned(),
        fields: Map::new(),
    }
}

pub(crate) fn with(mut record: LogRecord, key: &str, value: impl Into<Value>) -> LogRecord {
    record.fields.insert(key.to_owned(), value.into());
    record
}

pub(crate) fn at_level(level: Level, mut record: LogRecord) -> LogRecord {
    record.level = level;
    record
}

/// What two nodes write in turn, a record each half second from `start` on, with all levels and some events.
pub(crate) fn two_nodes(start: u64, steps: usize) -> Vec<LogRecord> {
    let records = (0..steps).map(|step| {
        let node = ["n1", "n2"][step % 2];
        let event = [
            "session_opened",
            "session_closed",
            "status",
            "store_lost",
            "defect",
        ][step % 5];
        let level = match event {
            "store_lost" => Level::Warn,
            "defect" => Level::Error,
            _ => Level::Info,
        };
        let record = record(node, step as u64 / 2 + 1, start + step as u64 * 500, event);
        at_level(level, with(record, "step", step))
    });
    records.collect()
}

/// The line of a record in a file.
pub(crate) fn line(record: &LogRecord) -> String {
    format!("{}\n", serde_json::to_string(record).unwrap())
}

/// The records of lines that `--json` printed, as node and number.
pub(crate) fn keys(lines: &str) -> Vec<(String, u64)> {
    lines.lines().map(key).collect()
}

pub(crate) fn key(line: &str) -> (String, u64) {
    let record: LogRecord = serde_json::from_str(line).unwrap();
    (record.node.to_string(), record.number)
}
