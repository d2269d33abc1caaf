use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::ops::{Deref, DerefMut};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::daemon::Daemon;
use crate::error::StartError;
use crate::programs::find_program;
use crate::service::{Missing, Service};

/// How long it may take to answer.
const ANSWER: Duration = Duration::from_secs(2);
/// What it answers once it takes sessions.
const READY: &str = "\"ready\":true";
/// What a browser of a test is started with: without a screen, without the sandbox, which root and containers lack, and
/// silent towards everything but the pages of the test. It ends when its driver does, since it hangs on a pipe of it.
const ARGUMENTS: [&str; 13] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--remote-debugging-pipe",
    "--window-size=1200,900",
    // A host that is not this machine for the browser, to which it is stricter.
    "--host-resolver-rules=MAP chat.test 127.0.0.1",
];

/// A `chromedriver`, by which tests drive headless Chromium. Dropping it ends its browsers.
#[derive(Debug)]
pub struct ChromeDriver {
    daemon: Daemon,
    directory: TempDir,
}

impl ChromeDriver {
    /// Starts the driver; browsers are started by sessions.
    ///
    /// # Errors
    /// [`StartError`]; [`Missing`] where this machine lacks Chromium or its driver.
    pub fn start() -> Result<Self, StartError> {
        Service::Chromium.check()?;
        let program = find_program("chromedriver").ok_or_else(|| Missing {
            reason: "chromedriver is missing".to_owned(),
            required: false,
        })?;
        let directory = tempfile::Builder::new().prefix("chat-chromium-").tempdir()?;
        let command = |address: SocketAddr| {
            let mut command = Command::new(&program);
            command
                .arg(format!("--port={}", address.port()))
                // What a browser keeps that is told of no folder goes away with this one.
                .env("TMPDIR", directory.path())
                .env("HOME", directory.path());
            Ok(command)
        };
        Ok(Self {
            daemon: Daemon::start(command, answers)?,
            directory,
        })
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// What a new browser is started with, each name of `profile` with what it kept before, and the languages that it
    /// asks pages for.
    pub fn arguments(&self, profile: &str, language: &str) -> Vec<String> {
        let folder = self.directory.path().join(profile);
        let mut arguments: Vec<String> = ARGUMENTS.iter().map(|&argument| argument.to_owned()).collect();
        arguments.push(format!("--user-data-dir={}", folder.display()));
        arguments.push(format!("--accept-lang={language}"));
        arguments
    }

    /// The file of the browser.
    pub fn browser() -> Option<String> {
        find_program("chromium").map(|file| file.display().to_string())
    }
}

impl Deref for ChromeDriver {
    type Target = Daemon;
    fn deref(&self) -> &Daemon {
        &self.daemon
    }
}

impl DerefMut for ChromeDriver {
    fn deref_mut(&mut self) -> &mut Daemon {
        &mut self.daemon
    }
}

fn answers(address: SocketAddr) -> bool {
    is_ready(address).unwrap_or(false)
}

fn is_ready(address: SocketAddr) -> io::Result<bool> {
    let mut connection = TcpStream::connect(address)?;
    connection.set_read_timeout(Some(ANSWER))?;
    let request = format!("GET /status HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    connection.write_all(request.as_bytes())?;
    let (mut answer, mut part) = (Vec::new(), [0; 1_024]);
    // It leaves the connection open, so that no end of it tells that the answer is whole.
    loop {
        let count = connection.read(&mut part)?;
        answer.extend_from_slice(part.get(..count).unwrap_or_default());
        if count == 0 || String::from_utf8_lossy(&answer).contains(READY) {
            return Ok(count > 0);
        }
    }
}
