//! `deploy/nginx.conf`, taken by the real nginx.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::Command;

use chat_test_services::{Nginx, Nodes, Service, connect_from, eventually, trial};
use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest as _;
use tungstenite::http::HeaderValue;
use tungstenite::{HandshakeError, Message, WebSocket};

use crate::deployed;
use crate::support::http::get;
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
        trial(
            "nginx::clients_by_websocket_count_by_their_own_addresses",
            NEEDS,
            clients_by_websocket_count_by_their_own_addresses,
        ),
        trial(
            "nginx::a_node_that_drains_costs_no_client_by_websocket_its_connection",
            NEEDS,
            a_node_that_drains_costs_no_client_by_websocket_its_connection,
        ),
        trial(
            "nginx::only_websockets_of_its_own_pages_are_passed_on",
            NEEDS,
            only_websockets_of_its_own_pages_are_passed_on,
        ),
        trial(
            "nginx::a_browser_gets_the_web_client_from_one_node",
            NEEDS,
            a_browser_gets_the_web_client_from_one_node,
        ),
        trial(
            "nginx::a_node_that_is_down_costs_no_browser_the_web_client",
            NEEDS,
            a_node_that_is_down_costs_no_browser_the_web_client,
        ),
    ]
}

fn node(more: &[&str]) -> Server {
    let behind = [
        "--store",
        "memory:",
        "--http",
        "127.0.0.1:0",
        "--proxy-protocol-from",
        "127.0.0.1",
        "--websocket-forwarded-from",
        "127.0.0.1",
    ];
    Server::start(&[&behind, more].concat())
}

fn nginx_before(nodes: &[&Server]) -> Result<Nginx, Failed> {
    let tcp: Vec<_> = nodes.iter().map(|node| node.address()).collect();
    let http: Vec<_> = nodes.iter().map(|node| node.http()).collect();
    let nodes = Nodes {
        tcp: &tcp,
        http: &http,
    };
    Ok(Nginx::before(nodes, &deployed("nginx.conf"))?)
}

/// A client at this address of the machine's own network.
fn client(host: u8, server: SocketAddr) -> Wire {
    Wire::of(&connect_from(Ipv4Addr::new(127, 0, 0, host), server).unwrap())
}

fn pings(wire: &mut Wire) -> Value {
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

/// A client by WebSocket at this address of the machine's own network, from a page of this origin; the status where it
/// is refused.
fn by_websocket(host: u8, nginx: &Nginx, origin: &str) -> Result<WebSocket<TcpStream>, u16> {
    let socket = connect_from(Ipv4Addr::new(127, 0, 0, host), nginx.http()).unwrap();
    let mut request = format!("ws://{}/ws", nginx.http()).into_client_request().unwrap();
    let origin = HeaderValue::from_str(origin).unwrap();
    request.headers_mut().insert("origin", origin);
    match tungstenite::client(request, socket) {
        Ok((socket, _)) => Ok(socket),
        Err(HandshakeError::Failure(tungstenite::Error::Http(answer))) => Err(answer.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

fn own_page(nginx: &Nginx) -> String {
    format!("http://{}", nginx.http())
}

/// The first answer to a ping.
fn answer_to(socket: &mut WebSocket<TcpStream>) -> Value {
    let ping = json!({"type": "ping", "ref": 1}).to_string();
    // Where the server refuses it closes at once.
    let _ = socket.send(Message::text(ping));
    serde_json::from_str(&socket.read().unwrap().into_text().unwrap()).unwrap()
}

fn clients_by_websocket_count_by_their_own_addresses() -> Result<(), Failed> {
    let node = node(&["--limits-connections-per-address", "1"]);
    let nginx = nginx_before(&[&node])?;
    let ask = |host| {
        let mut socket = by_websocket(host, &nginx, &own_page(&nginx)).unwrap();
        (answer_to(&mut socket), socket)
    };
    let (first, of_other_address, second) = (ask(2), ask(3), ask(2));
    assert_eq!(first.0["type"], "pong");
    assert_eq!(of_other_address.0["type"], "pong");
    assert_eq!(second.0["code"], "too_many_connections");
    Ok(())
}

fn a_node_that_drains_costs_no_client_by_websocket_its_connection() -> Result<(), Failed> {
    let (mut ending, staying) = (node(&["--drain", "10m"]), node(&[]));
    let nginx = nginx_before(&[&ending, &staying])?;
    // Somebody is still there, so that it takes its time.
    let mut client = Wire::of(&connect_from(Ipv4Addr::new(127, 0, 0, 9), ending.address()).unwrap());
    assert_eq!(pings(&mut client)["type"], "pong");
    ending.signal_to_end();
    eventually("the node drains", || {
        (get(ending.http(), "/readyz").status == 503).then_some(())
    })?;
    let mut open = Vec::new();
    for _ in 0..4 {
        let mut socket = by_websocket(1, &nginx, &own_page(&nginx)).unwrap();
        assert_eq!(answer_to(&mut socket)["type"], "pong");
        open.push(socket);
    }
    Ok(())
}

fn only_websockets_of_its_own_pages_are_passed_on() -> Result<(), Failed> {
    let node = node(&[]);
    let nginx = nginx_before(&[&node])?;
    assert!(by_websocket(1, &nginx, &own_page(&nginx)).is_ok());
    assert_eq!(by_websocket(1, &nginx, "https://evil.example").err(), Some(403));
    for path in [
        "/metrics",
        "/readyz",
        "/healthz",
        "/ws/",
        "/web",
        "/web/../metrics",
    ] {
        assert_eq!(status(1, &nginx, path), "404", "{path}");
    }
    Ok(())
}

/// What a browser at this address is answered for some files of the web client.
fn statuses(host: u8, nginx: &Nginx) -> [String; 3] {
    ["/", "/web/main.js", "/web/style.css"].map(|file| status(host, nginx, file))
}

/// The status of the answer to a client at this address of the machine's own network.
fn status(host: u8, nginx: &Nginx, path: &str) -> String {
    let mut socket = connect_from(Ipv4Addr::new(127, 0, 0, host), nginx.http()).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: nginx\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap_or_default().to_owned()
}

fn a_browser_gets_the_web_client_from_one_node() -> Result<(), Failed> {
    let (with, without) = (node(&[]), node(&["--web-client=false"]));
    let nginx = nginx_before(&[&with, &without])?;
    let answered: BTreeSet<_> = (2..34).map(|host| statuses(host, &nginx)).collect();
    let of_each = ["200", "404"].map(|status| [status; 3].map(str::to_owned));
    assert_eq!(
        answered,
        of_each.into(),
        "one node for a browser, both for all of them"
    );
    Ok(())
}

fn a_node_that_is_down_costs_no_browser_the_web_client() -> Result<(), Failed> {
    let (mut ending, staying) = (node(&["--drain", "0s"]), node(&[]));
    let nginx = nginx_before(&[&ending, &staying])?;
    assert_eq!(ending.terminate().code, Some(0));
    for host in 2..10 {
        assert_eq!(statuses(host, &nginx), ["200"; 3]);
    }
    Ok(())
}
