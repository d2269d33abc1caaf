//! `deploy/nginx.conf`, taken by the real nginx.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;

use chat_test_services::{Nginx, Service, connect_from, eventually, trial};
use libtest_mimic::{Failed, Trial};
use serde_json::json;

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

fn node(more: &[&str]) -> Server {
    let behind = ["--store", "memory:", "--proxy-protocol-from", "127.0.0.1"];
    Server::start(&[&behind, more].concat())
}

fn nginx_before(nodes: &[&Server]) -> Result<Nginx, Failed> {
    let nodes: Vec<_> = nodes.iter().map(|node| node.address()).collect();
    Ok(Nginx::before(&nodes, &deployed("nginx.conf"))?)
}

/// A client at this address of the machine's own network.
fn client(host: u8, server: SocketAddr) -> Wire {
    Wire::of(&connect_from(Ipv4Addr::new(127, 0, 0, host), server).unwrap())
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
    let mut first = client(2, nginx.address());
    assert_eq!(pings(&mut first)["type"], "pong");
    let mut of_other_address = client(3, nginx.address());
    assert_eq!(pings(&mut of_other_address)["type"], "pong");
    let mut second = client(2, nginx.address());
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
            let mut client = client(1, nginx.address());
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
        let mut client = client(1, nginx.address());
        assert_eq!(pings(&mut client)["type"], "pong");
    }
    Ok(())
}
