//! Clients behind load balancers, and clients that vanish, through the real program.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod support;

use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use support::{Server, Wire};

const PING: &[u8] = b"{\"type\":\"ping\",\"ref\":1}\n";
/// Of this machine, on which all connections of the tests come from.
const FROM_HERE: [&str; 2] = ["--proxy-protocol-from", "127.0.0.0/8"];
const FROM_ELSEWHERE: [&str; 2] = ["--proxy-protocol-from", "192.0.2.0/24"];
/// One connection an address, so that the second one tells whose address was counted.
const ONE_AN_ADDRESS: [&str; 2] = ["--limits-connections-per-address", "1"];

fn server(settings: &[[&str; 2]]) -> Server {
    Server::start(&[&[["--store", "memory:"]], settings].concat().concat())
}

/// Version 1 names 192.0.2.HOST in text.
fn version_1(host: u8) -> Vec<u8> {
    format!("PROXY TCP4 192.0.2.{host} 10.0.0.1 40000 6000\r\n").into_bytes()
}

/// Version 2 names 192.0.2.HOST in bytes.
fn version_2(host: u8) -> Vec<u8> {
    let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
    header.extend([192, 0, 2, host, 10, 0, 0, 1]);
    header.extend(40_000_u16.to_be_bytes());
    header.extend(6_000_u16.to_be_bytes());
    header
}

/// Connects, begins with these bytes and a ping, and answers what comes back.
fn begins(server: &Server, header: &[u8]) -> (Wire, Option<Value>) {
    let mut wire = server.connect();
    wire.send_bytes(&[header, PING].concat()).unwrap();
    let frame = wire.next_frame();
    (wire, frame)
}

fn is_served(server: &Server, header: &[u8]) -> Wire {
    let (wire, frame) = begins(server, header);
    assert_eq!(frame.unwrap()["type"], "pong");
    wire
}

fn is_one_too_many(server: &Server, header: &[u8]) {
    let (_, frame) = begins(server, header);
    assert_eq!(frame.unwrap()["code"], "too_many_connections");
}

#[test]
fn behind_a_configured_load_balancer_connections_count_by_the_clients_address() {
    let server = server(&[FROM_HERE, ONE_AN_ADDRESS]);
    let _clients = [version_1(1), version_2(2), version_1(3)].map(|header| is_served(&server, &header));
    is_one_too_many(&server, &version_2(1));
    is_one_too_many(&server, &version_1(2));
}

#[test]
fn connections_in_all_are_limited_whatever_the_headers_name() {
    let server = server(&[FROM_HERE, ["--limits-connections", "2"]]);
    let _clients = [1, 2].map(|host| is_served(&server, &version_1(host)));
    let mut third = server.connect();
    assert_eq!(third.frame()["code"], "too_many_connections");
}

#[test]
fn from_a_configured_load_balancer_nothing_is_served_without_a_header() {
    let server = server(&[FROM_HERE, ["--proxy-header-timeout", "100ms"]]);
    assert_eq!(begins(&server, b"").1, None);
    server.wait_for_log("absent");
    let mut silent = server.connect();
    assert_eq!(silent.next_frame(), None, "the header did not come in time");
}

#[test]
fn a_header_from_anybody_else_is_a_wrong_frame_and_not_believed() {
    for settings in [&[ONE_AN_ADDRESS][..], &[ONE_AN_ADDRESS, FROM_ELSEWHERE]] {
        let server = server(settings);
        let (mut first, frame) = begins(&server, &version_1(1));
        assert_eq!(frame.unwrap()["code"], "bad_frame");
        assert_eq!(first.frame()["type"], "pong", "the frame after it is one");
        is_one_too_many(&server, &version_1(2));
    }
}

#[test]
fn an_idle_client_behind_a_load_balancer_is_told_to_leave() {
    let server = server(&[FROM_HERE, ["--limits-idle-timeout", "300ms"]]);
    let register = json!({"type": "register", "ref": 1, "name": "alice", "password": "correct horse"});
    let login = json!({"type": "login", "ref": 2, "name": "alice", "password": "correct horse"});
    let mut wire = server.connect();
    wire.send_bytes(&version_1(1)).unwrap();
    assert_eq!(wire.request(&register)["type"], "registered");
    assert_eq!(wire.request(&login)["type"], "welcome");
    let goodbye = wire.rest().pop().unwrap();
    assert_eq!(goodbye["code"], "idle_timeout");
}

/// The time until the kernel asks the client whether it is still there; `None` where it never will.
fn keepalive_of(server: &Server, client: &TcpStream) -> Option<Duration> {
    let local = format!(":{:04X}", server.address().port());
    let remote = format!(":{:04X}", client.local_addr().unwrap().port());
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let line = table
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .find(|fields| fields[1].ends_with(&local) && fields[2].ends_with(&remote));
    let timer = line.unwrap()[5].to_owned();
    let (kind, left) = timer.split_once(':').unwrap();
    let left = Duration::from_millis(u64::from_str_radix(left, 16).unwrap() * 10);
    match kind {
        "00" => None,
        "02" => Some(left),
        // Its answer is under way.
        _ => keepalive_of(server, client),
    }
}

#[test]
fn every_socket_has_the_keepalive_that_was_set() {
    for (settings, expected) in [
        (&[][..], Some(60)),
        (&[["--tcp-keepalive", "20s"]], Some(20)),
        (&[["--tcp-keepalive", "0s"]], None),
    ] {
        let server = server(settings);
        let mut client = TcpStream::connect(server.address()).unwrap();
        client.write_all(PING).unwrap();
        assert_eq!(Wire::of(&client).frame()["type"], "pong");
        let after = keepalive_of(&server, &client);
        match expected {
            None => assert_eq!(after, None),
            Some(seconds) => {
                let (after, at_most) = (after.unwrap(), Duration::from_secs(seconds));
                assert!(
                    after <= at_most && after > at_most - Duration::from_secs(15),
                    "{after:?}"
                );
            }
        }
    }
}
