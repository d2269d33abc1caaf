use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::{Deref, DerefMut};
use std::process::Command;

use tempfile::TempDir;

use crate::connect::connect_from;
use crate::daemon::Daemon;
use crate::error::StartError;
use crate::programs::find_program;
use crate::service::{Missing, Service};

/// Where it is asked from whether it takes connections: an address that no test's client has.
const ASKING: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 77);

/// An nginx as a balancer of TCP connections, in a single process.
#[derive(Debug)]
pub struct Nginx {
    daemon: Daemon,
    _directory: TempDir,
}

impl Nginx {
    /// Starts nginx with the configuration that `configuration` makes for a free address, on which it has to listen.
    /// The configuration names no `pid` and no `daemon`, and loads the stream module where it is not
    /// built in, as `include /etc/nginx/modules-enabled/*.conf;` does on Debian.
    ///
    /// # Errors
    /// [`StartError`]; [`Missing`] where this machine lacks nginx or its module.
    pub fn start(configuration: impl Fn(SocketAddr) -> String) -> Result<Self, StartError> {
        Self::launch(|listen| Ok(configuration(listen)))
    }

    /// Starts nginx as a file of configuration says, such as `deploy/nginx.conf`, but for the addresses: those of the
    /// nodes, and the one to listen on.
    ///
    /// # Errors
    /// [`StartError`], also where the file has no place for one of them; [`Missing`] where this machine lacks
    /// nginx or its module.
    pub fn before(nodes: &[SocketAddr], configuration: &str) -> Result<Self, StartError> {
        Self::launch(|listen| with_addresses(configuration, listen, nodes))
    }

    fn launch(configuration: impl Fn(SocketAddr) -> io::Result<String>) -> Result<Self, StartError> {
        Service::Nginx.check()?;
        let program = find_program("nginx").ok_or_else(|| Missing {
            reason: "nginx is missing".to_owned(),
            required: false,
        })?;
        let directory = tempfile::Builder::new().prefix("chat-nginx-").tempdir()?;
        let file = directory.path().join("nginx.conf");
        let pid = directory.path().join("pid");
        let command = |address| {
            fs::write(&file, configuration(address)?)?;
            let mut command = Command::new(&program);
            command
                // Without a prefix of its own: Debian's modules are found by the one that is built in.
                .arg("-c")
                .arg(&file)
                .args(["-e", "stderr", "-g"])
                // Workers outlive a master that is killed; a single process leaves nothing behind.
                .arg(format!("daemon off; master_process off; pid {};", pid.display()));
            Ok(command)
        };
        Ok(Self {
            daemon: Daemon::start(command, accepts)?,
            _directory: directory,
        })
    }

    /// Where it listens, as a URL.
    pub fn url(&self) -> String {
        format!("tcp://{}", self.address())
    }

    /// What it logged so far.
    pub fn log(&self) -> String {
        self.daemon.process().stderr().text()
    }
}

impl Deref for Nginx {
    type Target = Daemon;
    fn deref(&self) -> &Daemon {
        &self.daemon
    }
}

impl DerefMut for Nginx {
    fn deref_mut(&mut self) -> &mut Daemon {
        &mut self.daemon
    }
}

/// Asks from an address of its own, since a server behind nginx may count connections by address, and
/// this one may reach it too and be there for a moment longer.
fn accepts(address: SocketAddr) -> bool {
    connect_from(ASKING, address).is_ok()
}

/// Puts addresses in the place of those that operators change too, and leaves everything else as it is.
fn with_addresses(configuration: &str, listen: SocketAddr, nodes: &[SocketAddr]) -> io::Result<String> {
    let (mut lines, mut waiting) = (Vec::new(), nodes.iter());
    let mut listens = false;
    for line in configuration.lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        match words.as_slice() {
            ["listen", port, ..] => {
                lines.push(line.replacen(port, &listen.to_string(), 1));
                listens = true;
            }
            // All nodes stand where the first one is named.
            ["server", node, ..] if *node != "{" => {
                let there = |address: &SocketAddr| line.replacen(node, &address.to_string(), 1);
                lines.extend(waiting.by_ref().map(there));
            }
            _ => lines.push(line.to_owned()),
        }
    }
    if listens && waiting.next().is_none() {
        return Ok(lines.join("\n"));
    }
    Err(io::Error::other(
        "the configuration names no node, or no port to listen on",
    ))
}
