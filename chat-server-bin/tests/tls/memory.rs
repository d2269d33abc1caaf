//! What a connection by TLS takes more than one in the clear.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use chat_test_services::eventually;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::client::shake_hands;
use crate::scene::Scene;
use crate::support::Server;
use crate::support::http::get;

/// Those before which nothing is measured: the server has taken what it needs once.
const FIRST: usize = 500;
/// Those that are measured.
const MORE: usize = 3_000;
/// What TLS may take for a connection that says nothing, in bytes.
const MOST: f64 = 6.0 * 1_024.0;

/// How long the memory must not shrink before it is taken for what it is: what handshakes took is given back little by
/// little.
const QUIET: Duration = Duration::from_secs(1);
/// What counts as shrinking, in bytes: a few of each connection that is measured.
const NOTICED: f64 = 64.0 * 1_024.0;

/// Allows this process as many open files as it may have.
fn raise_open_files() {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
}

/// A value of the server's metrics, asked for in the clear.
fn value(server: &Server, name: &str) -> f64 {
    let text = get(server.http(), "/metrics").body;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{name} ")));
    line.unwrap().parse().unwrap()
}

/// The server's memory, once it shrinks no more.
fn settled_memory(server: &Server) -> f64 {
    let (mut least, mut since) = (f64::INFINITY, Instant::now());
    eventually("the memory is steady", || {
        let now = value(server, "process_resident_memory_bytes");
        if now < least - NOTICED {
            (least, since) = (now, Instant::now());
        }
        (since.elapsed() >= QUIET).then_some(least)
    })
    .unwrap()
}

/// The server's memory for each of these connections.
fn memory_of<C>(server: &Server, connect: impl Fn() -> C) -> f64 {
    let mut open = Vec::new();
    let mut memory_with = |count: usize| {
        open.extend(std::iter::repeat_with(&connect).take(count - open.len()));
        let are_there = || value(server, "chat_connections") >= count as f64;
        eventually("all are there", || are_there().then_some(())).unwrap();
        settled_memory(server)
    };
    let first = memory_with(FIRST);
    (memory_with(FIRST + MORE) - first) / MORE as f64
}

#[test]
fn an_idle_connection_by_tls_takes_little_more_than_one_in_the_clear() {
    raise_open_files();
    let patient = ["--limits-login-timeout", "1h"];
    let scene = Scene::start(&[&patient[..], &["--tls-listeners", "listen"]].concat());
    let config = scene.authority.client();
    let encrypted = memory_of(&scene.server, || {
        shake_hands(scene.server.address(), config.clone()).unwrap()
    });
    drop(scene);
    let server = Server::start(&[&patient[..], &["--store", "memory:", "--http", "127.0.0.1:0"]].concat());
    let plain = memory_of(&server, || TcpStream::connect(server.address()).unwrap());
    println!("{encrypted:.0} bytes by TLS, {plain:.0} in the clear");
    assert!(encrypted - plain < MOST, "{encrypted} and {plain}");
}
