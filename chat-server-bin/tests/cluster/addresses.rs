//! The client's address survives nginx.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use libtest_mimic::Trial;
use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};

use crate::harness::{Cluster, Plan};
use crate::support::Wire;

pub(crate) fn trials() -> Vec<Trial> {
    vec![crate::test(
        "addresses::a_client_is_limited_by_its_own_address_behind_nginx",
        a_client_is_limited_by_its_own_address_behind_nginx,
    )]
}

fn a_client_is_limited_by_its_own_address_behind_nginx() {
    let cluster = Cluster::start(&Plan {
        settings: vec!["limits.connections_per_address = 1".to_owned()],
        ..Plan::default()
    });
    let mut open = Vec::new();
    let mut answer = |client: [u8; 4]| {
        let mut wire = connect_from(client.into(), cluster.address());
        wire.send(&json!({"type": "ping"}));
        let answer = wire.frame();
        open.push(wire);
        answer
    };
    // Each of three nodes takes one connection of an address, so that the fourth is refused wherever it comes.
    let answers: Vec<Value> = (0..4).map(|_| answer([127, 0, 0, 2])).collect();
    assert_eq!(answers[0]["type"], "pong", "{answers:?}");
    assert_eq!(answers[3]["code"], "too_many_connections", "{answers:?}");
    // By now each node has a connection from nginx, and would refuse another one were it nginx that counted.
    for _ in 0..3 {
        assert_eq!(answer([127, 0, 0, 3])["type"], "pong");
    }
}

/// A connection from this address of the loopback network.
fn connect_from(client: Ipv4Addr, server: SocketAddr) -> Wire {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket
        .bind(&SocketAddr::from((client, 0)).into())
        .expect("the loopback network has this address");
    socket.connect(&server.into()).expect("nginx takes connections");
    Wire::of(&TcpStream::from(socket))
}
