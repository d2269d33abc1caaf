//! `deploy/nginx.conf`, taken by the real nginx.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::Command;

use chat_test_services::{Nginx, Service, eventually, trial};
use libtest_mimic::{Failed, Trial};
use serde_json::json;
use socket2::{Domain, Socket, Type};

use crate::deployed;
use crate::support::{Server, Wire};

const NEEDS: &[Service] = &[Service::Nginx];

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "nginx::the_file_as_it_is_is_valid",
            NEEDS,
            the_file_as_it_is_is_valid,
        ),
        trial(
            "nginx::clients_count_by_their_own_addresses",
            NEEDS,
            clients_count_by_their_own_addresses,
        ),
        trial(
            "nginx::clients_are_spread_over_the_nodes",
            NEEDS,
            clients_are_spread_over_the_nodes,
        ),
        trial(
            "nginx::a_node_that_is_down_costs_no_client_its_connection",
            NEEDS,
            a_node_that_is_down_costs_no_client_its_connection,
        ),
    ]
}

/// The file with other addresses: those of the nodes, and the one to listen on.
fn configuration(listen: SocketAddr, nodes: &[SocketAddr]) -> String {
    let (mut made, mut nodes) = (String::new(), nodes.iter());
    for line in deployed("nginx.conf").lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        match words.as_slice() {
            ["listen", port, ..] => {
                writeln!(made, "{}", line.replacen(port, &listen.to_string(), 1)).unwrap();
            }
            ["server", node, ..] if *node != "{" => {
                if let Some(address) = nodes.next() {
                    writeln!(made, "{}", line.replacen(node, &address.to_string(), 1)).unwrap();
                }
            }
            _ => writeln!(made, "{line}").unwrap(),
        }
    }
    assert_eq!(nodes.next(), None, "the file has a line for each node");
    made
}

fn node(more: &[&str]) -> Server {
    let behind = ["--store", "memory:", "--proxy-protocol-from", "127.0.0.1"];
    Server::start(&[&behind, more].concat())
}

fn nginx_before(nodes: &[&Server]) -> Result<Nginx, Failed> {
    let nodes: Vec<_> = nodes.iter().map(|node| node.address()).collect();
    Ok(Nginx::start(|listen| configuration(listen, &nodes))?)
}

/// A connection from this address of the machine's own network.
fn connect_from(host: u8, server: SocketAddr) -> Wire {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let own = SocketAddr::from((Ipv4Addr::new(127, 0, 0, host), 0));
    socket.bind(&own.into()).unwrap();
    socket.connect(&server.into()).unwrap();
    Wire::of(&TcpStream::from(socket))
}

fn pings(wire: &mut Wire) -> serde_json::Value {
    wire.send(&json!({"type": "ping", "ref": 1}));
    wire.frame()
}

fn the_file_as_it_is_is_valid() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("nginx.conf");
    std::fs::write(&file, deployed("nginx.conf"))?;
    let pid = format!("pid {};", directory.path().join("pid").display());
    let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
    let checked = Command::new("nginx")
        .env("PATH", path)
        .args(["-t", "-e", "stderr", "-g", &pid, "-c"])
        .arg(&file)
        .output()?;
    let said = String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success(), "{said}");
    assert!(!said.contains("[warn]"), "{said}");
    Ok(())
}

fn clients_count_by_their_own_addresses() -> Result<(), Failed> {
    let node = node(&["--limits-connections-per-address", "1"]);
    let nginx = nginx_before(&[&node])?;
    let mut first = connect_from(2, nginx.address());
    assert_eq!(pings(&mut first)["type"], "pong");
    let mut of_other_address = connect_from(3, nginx.address());
    assert_eq!(pings(&mut of_other_address)["type"], "pong");
    let mut second = connect_from(2, nginx.address());
    assert_eq!(pings(&mut second)["code"], "too_many_connections");
    Ok(())
}

fn clients_are_spread_over_the_nodes() -> Result<(), Failed> {
    let nodes = [0; 3].map(|_| node(&["--limits-connections", "3"]));
    let nginx = nginx_before(&[&nodes[0], &nodes[1], &nodes[2]])?;
    // Each node takes three, so that seven are served only where all three nodes take part. A node may
    // still count the connection by which nginx was found to listen: who is refused comes again.
    let clients = (0..7).map(|_| {
        eventually("a node takes the client", || {
            let mut client = connect_from(1, nginx.address());
            (pings(&mut client)["type"] == "pong").then_some(client)
        })
    });
    assert_eq!(clients.collect::<Result<Vec<_>, _>>()?.len(), 7);
    Ok(())
}

fn a_node_that_is_down_costs_no_client_its_connection() -> Result<(), Failed> {
    let (mut ending, staying) = (node(&["--drain", "0s"]), node(&[]));
    let nginx = nginx_before(&[&ending, &staying])?;
    assert_eq!(ending.terminate().code, Some(0));
    for _ in 0..4 {
        let mut client = connect_from(1, nginx.address());
        assert_eq!(pings(&mut client)["type"], "pong");
    }
    Ok(())
}
