use std::cell::Cell;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::connect::connect_from;
use crate::daemon::Daemon;
use crate::error::StartError;
use crate::ports::free_port;
use crate::programs::find_program;
use crate::service::{Missing, Service};

/// Where it is asked from whether it takes connections: an address that no test's client has.
const ASKING: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 77);

/// What makes room for bodies that nobody sends: where Debian has it only root may write.
const TEMPORARY: [&str; 5] = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];

/// An nginx as a balancer of TCP connections, and of `WebSocket` where it is told to, in a single process.
#[derive(Debug)]
pub struct Nginx {
    daemon: Daemon,
    http: SocketAddr,
    _directory: TempDir,
}

/// The nodes in front of which an nginx stands. What is empty stays as the configuration has it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nodes<'a> {
    /// Where they take connections: the servers of the section `stream`.
    pub tcp: &'a [SocketAddr],
    /// Where they answer HTTP: the servers of the section `http`.
    pub http: &'a [SocketAddr],
}

impl Nginx {
    /// Starts nginx with the configuration that `configuration` makes for a free address, on which it has to listen.
    /// The configuration names no `pid` and no `daemon`, and loads the stream module where it is not
    /// built in, as `include /etc/nginx/modules-enabled/*.conf;` does on Debian.
    ///
    /// # Errors
    /// [`StartError`]; [`Missing`] where this machine lacks nginx or its module.
    pub fn start(configuration: impl Fn(SocketAddr) -> String) -> Result<Self, StartError> {
        Self::launch(|listen, _, _| Ok(configuration(listen)))
    }

    /// Starts nginx as a file of configuration says, such as `deploy/nginx.conf`, but for the addresses: those of the
    /// nodes, and those to listen on.
    ///
    /// # Errors
    /// [`StartError`], also where the file has no place for one of them; [`Missing`] where this machine lacks
    /// nginx or its module.
    pub fn before(nodes: Nodes<'_>, configuration: &str) -> Result<Self, StartError> {
        Self::launch(|tcp, http, directory| {
            let stream = Section::new(tcp, nodes.tcp);
            let http = Section::new(http, nodes.http);
            with_addresses(configuration, stream, http, directory)
        })
    }

    fn launch(
        configuration: impl Fn(SocketAddr, SocketAddr, &Path) -> io::Result<String>,
    ) -> Result<Self, StartError> {
        Service::Nginx.check()?;
        let program = find_program("nginx").ok_or_else(|| Missing {
            reason: "nginx is missing".to_owned(),
            required: false,
        })?;
        let directory = tempfile::Builder::new().prefix("chat-nginx-").tempdir()?;
        let file = directory.path().join("nginx.conf");
        let pid = directory.path().join("pid");
        let http = Cell::new(free_port()?);
        let command = |address| {
            // Another one with every try.
            http.set(free_port()?);
            fs::write(&file, configuration(address, http.get(), directory.path())?)?;
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
            http: http.get(),
            _directory: directory,
        })
    }

    /// Where it listens, as a URL.
    pub fn url(&self) -> String {
        format!("tcp://{}", self.address())
    }

    /// Where it listens by HTTP, where the configuration has such a section.
    pub const fn http(&self) -> SocketAddr {
        self.http
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

/// What is put into a section of a configuration.
struct Section<'a> {
    listen: SocketAddr,
    listens: bool,
    nodes: &'a [SocketAddr],
    waiting: std::slice::Iter<'a, SocketAddr>,
}

impl<'a> Section<'a> {
    fn new(listen: SocketAddr, nodes: &'a [SocketAddr]) -> Self {
        Self {
            listen,
            listens: false,
            nodes,
            waiting: nodes.iter(),
        }
    }

    /// Adds a line, with an address in the place of one that operators change too.
    fn add(&mut self, line: &str, lines: &mut Vec<String>) {
        let words: Vec<_> = line.split_whitespace().collect();
        match words.as_slice() {
            ["listen", port, ..] => {
                lines.push(line.replacen(port, &self.listen.to_string(), 1));
                self.listens = true;
            }
            ["upstream", ..] => {
                self.waiting = self.nodes.iter();
                lines.push(line.to_owned());
            }
            // All nodes stand where the first one is named.
            ["server", node, ..] if *node != "{" && !self.nodes.is_empty() => {
                let there = |address: &SocketAddr| line.replacen(node, &address.to_string(), 1);
                lines.extend(self.waiting.by_ref().map(there));
            }
            _ => lines.push(line.to_owned()),
        }
    }

    /// Whether everything was put somewhere; with no nodes there need be no such section.
    fn is_complete(&self) -> bool {
        self.nodes.is_empty() || (self.listens && self.waiting.len() == 0)
    }
}

/// Puts addresses in the place of those that operators change too, and leaves everything else as it is. The section
/// `http` is the last one.
fn with_addresses(
    configuration: &str,
    mut stream: Section<'_>,
    mut http: Section<'_>,
    directory: &Path,
) -> io::Result<String> {
    let mut lines = Vec::new();
    let mut is_http = false;
    for line in configuration.lines() {
        if is_http {
            http.add(line, &mut lines);
            continue;
        }
        stream.add(line, &mut lines);
        if line == "http {" {
            is_http = true;
            lines.extend(
                TEMPORARY.map(|what| format!("{what}_temp_path {};", directory.join(what).display())),
            );
        }
    }
    if stream.is_complete() && http.is_complete() {
        return Ok(lines.join("\n"));
    }
    Err(io::Error::other(
        "the configuration names no node, or no port to listen on",
    ))
}
