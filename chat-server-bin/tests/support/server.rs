//! A server that listens.

use std::net::SocketAddr;

use chat_test_services::{Process, Signal};

use super::process::{Ended, command, start};
use super::wire::Wire;

/// A running server on a free port of this machine. Dropping it kills it.
#[derive(Debug)]
pub struct Server {
    arguments: Vec<String>,
    address: SocketAddr,
    ready: String,
    process: Process,
}

/// What servers of tests have otherwise than by default where the test says nothing of it, in its arguments or in a
/// settings file: they must neither meet at one port nor write where the test runs.
const UNLESS_GIVEN: &[(&str, &str)] = &[("--http", "none"), ("--event-log", "")];

impl Server {
    /// Starts a server with these arguments and waits until it is ready.
    ///
    /// # Panics
    /// Where it does not get ready.
    pub fn start(arguments: &[&str]) -> Self {
        Self::start_at("127.0.0.1:0", arguments)
    }

    /// The same on an address that the caller chose.
    ///
    /// # Panics
    /// Where it does not get ready.
    pub fn start_at(listen: &str, arguments: &[&str]) -> Self {
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let mut all = vec!["--listen", listen];
        all.extend(arguments.iter().map(String::as_str));
        all.extend(missing(&all));
        let process = start(&command(&all));
        let ready = process
            .stdout()
            .first_line()
            .unwrap_or_else(|| panic!("the server did not get ready:\n{}", process.stderr().text()));
        let address =
            address_in(&ready, "listening on ").unwrap_or_else(|| panic!("no address in {ready:?}"));
        Self {
            arguments,
            address,
            ready,
            process,
        }
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it answers by HTTP.
    ///
    /// # Panics
    /// Where it was started without `--http`.
    pub fn http(&self) -> SocketAddr {
        address_in(&self.ready, ", http ").expect("the server answers by HTTP")
    }

    /// The line that it printed when it was ready.
    pub fn ready_line(&self) -> &str {
        &self.ready
    }

    /// The most memory that it ever used, in bytes.
    ///
    /// # Panics
    /// Where the system does not tell.
    pub fn peak_memory(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))
            .expect("the process runs, on Linux");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
        let kibibytes: usize = kibibytes.and_then(|count| count.parse().ok()).expect("a count");
        kibibytes * 1_024
    }

    /// By how many bytes that has grown. The kernel adds up what its processors count apart, and may find less than before.
    ///
    /// # Panics
    /// Where the system does not tell.
    pub fn grown_since(&self, peak: usize) -> usize {
        self.peak_memory().saturating_sub(peak)
    }

    /// What it logged so far.
    pub fn stderr(&self) -> String {
        self.process.stderr().text()
    }

    /// Waits until it has logged `part`.
    pub fn wait_for_log(&self, part: &str) {
        let logged = self.process.stderr().wait_for(part);
        logged.unwrap_or_else(|error| panic!("{error}"));
    }

    /// A new connection to it.
    pub fn connect(&self) -> Wire {
        Wire::connect(self.address)
    }

    /// Ends it as a crash of the machine would: nothing can be cleaned up.
    pub fn kill(&mut self) {
        self.process.signal(Signal::SIGKILL);
        self.process.wait().expect("a killed process ends");
    }

    /// Stops it where it stands; its connections stay open.
    ///
    /// # Panics
    /// Where it does not stop.
    pub fn freeze(&mut self) {
        self.process.freeze().expect("a process can be stopped");
    }

    /// Lets it go on after [`freeze`](Self::freeze).
    pub fn thaw(&mut self) {
        self.process.thaw();
    }

    /// Asks it to end, and does not wait.
    pub fn signal_to_end(&mut self) {
        self.process.signal(Signal::SIGTERM);
    }

    /// Asks it to read its settings again, and does not wait.
    pub fn reload(&mut self) {
        self.process.signal(Signal::SIGHUP);
    }

    /// Waits for it to end by itself.
    pub fn wait(&mut self) -> Ended {
        let ended = self.process.wait_all();
        ended.expect("the server ends within a minute")
    }

    /// Asks it to end and waits until it has.
    pub fn terminate(&mut self) -> Ended {
        self.signal_to_end();
        self.wait()
    }

    /// Starts it again with the same arguments on the same port, and waits until it is ready; kills it first
    /// where it still runs.
    ///
    /// # Panics
    /// Where it does not get ready.
    pub fn restart(&mut self) {
        self.kill();
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        *self = Self::start_at(&self.address.to_string(), &arguments);
    }
}

fn address_in(ready: &str, before: &str) -> Option<SocketAddr> {
    let (_, rest) = ready.split_once(before)?;
    rest.split(',').next()?.parse().ok()
}

/// The flags that these arguments need beside them.
fn missing<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    if arguments.contains(&"--config") {
        return Vec::new();
    }
    let missing = UNLESS_GIVEN.iter().filter(|(flag, _)| !arguments.contains(flag));
    missing.flat_map(|&(flag, value)| [flag, value]).collect()
}
