//! The PROXY protocol of load balancers, over real sockets.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use chat_adapters::tcp::{IpNet, Keepalive, Serve};
use chat_core::Limits;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde_json::{Value, json};
use socket2::SockRef;
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::yield_now;
use tokio::time::timeout;

use crate::counted::series;
use crate::fixture::{Client, Server, within};

const PING: &[u8] = b"{\"type\":\"ping\",\"ref\":\"p\"}\n";

fn network(text: &str) -> IpNet {
    text.parse().unwrap()
}

fn behind_this_machine(serve: Serve) -> Serve {
    serve.proxy_protocol_from([network("127.0.0.0/8"), network("::1/128")])
}

/// One connection an address, so that the second one tells whose address was counted.
fn one_an_address() -> Limits {
    Limits {
        connections_per_address: 1,
        ..Limits::default()
    }
}

fn text(client: &str) -> Vec<u8> {
    let (family, own) = match client.parse().unwrap() {
        IpAddr::V4(_) => ("TCP4", "10.0.0.1"),
        IpAddr::V6(_) => ("TCP6", "2001:db8::1"),
    };
    format!("PROXY {family} {client} {own} 40000 6000\r\n").into_bytes()
}

fn binary(client: &str) -> Vec<u8> {
    let own = |client: &str| match client.parse().unwrap() {
        IpAddr::V4(_) => SocketAddr::from(([10, 0, 0, 1], 6000)),
        IpAddr::V6(_) => SocketAddr::from(([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1], 6000)),
    };
    let addresses = (SocketAddr::new(client.parse().unwrap(), 40000), own(client));
    ppp::v2::Builder::with_addresses(0x21, ppp::v2::Protocol::Stream, addresses)
        .write_tlv(ppp::v2::Type::UniqueId, b"an extension")
        .unwrap()
        .build()
        .unwrap()
}

async fn connect_and_send(server: &Server, bytes: &[u8]) -> Client {
    let mut client = server.connect().await;
    client.send_bytes(bytes).await;
    client
}

/// Whether a client that begins with these bytes is served, or told that there are too many.
async fn begins(server: &Server, header: &[u8]) -> (Client, Value) {
    let mut client = connect_and_send(server, &[header, PING].concat()).await;
    let frame = client.frame().await;
    (client, frame)
}

async fn is_served(server: &Server, header: &[u8]) -> Client {
    let (client, frame) = begins(server, header).await;
    assert_eq!(frame["type"], "pong", "{frame}");
    client
}

async fn is_one_too_many(server: &Server, header: &[u8]) {
    let (_, frame) = begins(server, header).await;
    assert_eq!(frame["code"], "too_many_connections", "{frame}");
}

/// Waits until the server has closed the connection without a byte.
async fn is_closed_without_a_word(client: &mut Client) {
    use tokio::io::AsyncReadExt as _;
    let mut answer = Vec::new();
    // Bytes that the server has not read make its end a reset.
    let _ = within(client.input.read_to_end(&mut answer)).await;
    assert_eq!(answer, b"");
}

#[tokio::test]
async fn the_client_of_a_header_counts_by_its_own_address_in_either_version() {
    let server = Server::start_with(one_an_address(), behind_this_machine).await;
    for header in [text, binary] {
        for address in ["192.0.2.7", "2001:db8::7"] {
            let first = is_served(&server, &header(address)).await;
            is_one_too_many(&server, &header(address)).await;
            drop(first);
            server.has_connections(0).await;
        }
    }
    let mut clients = Vec::new();
    for host in 1..=20 {
        clients.push(is_served(&server, &text(&format!("192.0.2.{host}"))).await);
    }
    drop(clients);
    server.has_connections(0).await;
}

#[tokio::test]
async fn an_ipv4_address_in_ipv6_dress_is_the_ipv4_address() {
    let server = Server::start_with(one_an_address(), behind_this_machine).await;
    let _first = is_served(&server, &text("192.0.2.7")).await;
    is_one_too_many(&server, &text("::ffff:192.0.2.7")).await;
}

#[tokio::test]
async fn a_header_may_come_byte_by_byte_or_alone_or_with_the_first_frames() {
    let server = Server::start_with(Limits::default(), behind_this_machine).await;
    for header in [text("192.0.2.7"), binary("192.0.2.7")] {
        let mut by_bytes = server.connect().await;
        for byte in header.iter().chain(PING) {
            by_bytes.send_bytes(&[*byte]).await;
            yield_now().await;
        }
        assert_eq!(by_bytes.frame().await["type"], "pong");

        let mut alone = connect_and_send(&server, &header).await;
        server.has_connections(2).await;
        alone.ping().await;

        let frames: Vec<u8> = (0..1_000).flat_map(|_| PING.to_vec()).collect();
        let mut at_once =
            connect_and_send(&server, &[&header[..], &frames, b"{\"type\":\"pi"].concat()).await;
        for _ in 0..1_000 {
            assert_eq!(at_once.frame().await["type"], "pong");
        }
        at_once.send_bytes(b"ng\",\"ref\":\"rest\"}\n").await;
        assert_eq!(at_once.frame().await["ref"], "rest");

        drop((by_bytes, alone, at_once));
        server.has_connections(0).await;
    }
}

#[tokio::test]
async fn a_load_balancer_that_speaks_for_itself_counts_by_its_own_address() {
    let server = Server::start_with(one_an_address(), behind_this_machine).await;
    let local = [ppp::v2::PROTOCOL_PREFIX, &[0x20, 0x00, 0, 0]].concat();
    let unknown = b"PROXY UNKNOWN 192.0.2.7 10.0.0.1 1 2\r\n";
    let first = is_served(&server, &local).await;
    is_one_too_many(&server, unknown).await;
    drop(first);
    server.has_connections(0).await;
    let _second = is_served(&server, unknown).await;
    is_one_too_many(&server, &local).await;
}

#[tokio::test]
async fn a_header_from_anybody_else_is_a_wrong_frame_and_its_address_is_not_believed() {
    let server = Server::start_with(one_an_address(), |serve| {
        serve.proxy_protocol_from([network("10.0.0.0/8")])
    })
    .await;
    let mut liar = connect_and_send(&server, &[&text("192.0.2.7")[..], PING].concat()).await;
    let frame = liar.frame().await;
    assert_eq!(
        (&frame["type"], &frame["code"]),
        (&json!("error"), &json!("bad_frame")),
        "{frame}"
    );
    assert_eq!(liar.frame().await["type"], "pong");
    is_one_too_many(&server, &text("192.0.2.8")).await;
    drop(liar);
    server.has_connections(0).await;

    let mut liar = connect_and_send(&server, &binary("192.0.2.7")).await;
    liar.send_bytes(b"\n").await;
    assert_eq!(liar.frame().await["type"], "error");
}

#[tokio::test]
async fn only_configured_networks_are_load_balancers() {
    let server = Server::start_with(Limits::default(), |serve| {
        serve.proxy_protocol_from([network("127.0.0.2/32")])
    })
    .await;
    is_served(&server, b"").await;
    let socket = TcpSocket::new_v4().unwrap();
    socket
        .bind(SocketAddr::from((Ipv4Addr::new(127, 0, 0, 2), 0)))
        .unwrap();
    let mut balancer = Client::of(socket.connect(server.address).await.unwrap());
    balancer.send_bytes(PING).await;
    is_closed_without_a_word(&mut balancer).await;

    let both = SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], server.address.port()));
    let mut by_ipv6 = Client::of(TcpStream::connect(both).await.unwrap());
    by_ipv6.ping().await;
}

/// How many connections were refused for their headers, by the series.
fn refusals(counted: &PrometheusHandle) -> BTreeMap<String, i64> {
    let mut refusals = series(counted);
    refusals.retain(|name, _| name.starts_with("chat_proxy_headers_refused_total"));
    refusals
}

fn refused(counted: &PrometheusHandle, reason: &str) -> i64 {
    let name = format!("chat_proxy_headers_refused_total{{reason=\"{reason}\"}}");
    refusals(counted).get(&name).copied().unwrap_or_default()
}

#[tokio::test]
async fn what_is_no_header_closes_the_connection_and_is_counted_by_its_reason() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let counted = recorder.handle();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let server = Server::start_with(Limits::default(), |serve| {
        behind_this_machine(serve).proxy_header_timeout(Duration::from_millis(200))
    })
    .await;
    let too_long = [ppp::v2::PROTOCOL_PREFIX, &[0x21, 0x11, 0xff, 0xff]].concat();
    for (reason, bytes) in [
        ("absent", PING),
        ("absent", b"\0\xff\xfe"),
        ("malformed", b"PROXY TCP4 nobody 10.0.0.1 1 2\r\n"),
        ("too_long", &[b"PROXY UNKNOWN ", &[b'x'; 100][..]].concat()),
        ("too_long", &too_long),
        ("late", b"PROXY TCP4 "),
        ("late", b""),
    ] {
        let before = refused(&counted, reason);
        let mut client = connect_and_send(&server, bytes).await;
        is_closed_without_a_word(&mut client).await;
        within(async {
            while refused(&counted, reason) == before {
                yield_now().await;
            }
        })
        .await;
        assert_eq!(refused(&counted, reason), before + 1, "{reason}");
    }
    let client = connect_and_send(&server, b"PROXY").await;
    drop(client);
    within(async {
        while refused(&counted, "cut_off") == 0 {
            yield_now().await;
        }
    })
    .await;
    assert_eq!(server.chat.connection_count(), 0);
}

#[tokio::test]
async fn a_health_check_that_sends_nothing_is_no_refusal() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let counted = recorder.handle();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let server = Server::start_with(one_connection_in_all(), behind_this_machine).await;
    for linger in [false, true] {
        let check = server.connect().await;
        server_has_taken(&server).await;
        if linger {
            check.output.as_ref().set_zero_linger().unwrap();
        }
        drop(check);
        within(async { while begins(&server, &text("192.0.2.7")).await.1["type"] != "pong" {} }).await;
        server.has_connections(0).await;
    }
    assert_eq!(refusals(&counted), BTreeMap::new());
}

fn one_connection_in_all() -> Limits {
    Limits {
        connections: 1,
        ..Limits::default()
    }
}

/// Waits until the one connection that there may be waits for its header.
async fn server_has_taken(server: &Server) {
    within(async { while begins(server, &text("192.0.2.7")).await.1["code"] != "too_many_connections" {} })
        .await;
}

#[tokio::test]
async fn connections_without_header_count_among_all_until_their_time_is_over() {
    let server = Server::start_with(one_connection_in_all(), |serve| {
        behind_this_machine(serve).proxy_header_timeout(Duration::from_millis(500))
    })
    .await;
    let mut silent = server.connect().await;
    server_has_taken(&server).await;
    is_closed_without_a_word(&mut silent).await;
    is_served(&server, &text("192.0.2.7")).await;
}

#[tokio::test]
async fn a_connection_without_header_does_not_hold_up_the_end() {
    let server = Server::start_with(one_connection_in_all(), |serve| {
        behind_this_machine(serve).proxy_header_timeout(Duration::from_secs(3_600))
    })
    .await;
    let mut silent = server.connect().await;
    server_has_taken(&server).await;
    server.end().await;
    is_closed_without_a_word(&mut silent).await;
}

#[tokio::test]
async fn peers_that_vanished_are_noticed_unless_that_is_off() {
    let keepalive = Keepalive {
        after: Duration::from_secs(77),
        interval: Duration::from_secs(7),
    };
    for (option, expected) in [(Some(keepalive), true), (None, false)] {
        let server = Server::start_with(Limits::default(), |serve| serve.keepalive(option)).await;
        let client = is_served(&server, b"").await;
        let own = client.output.as_ref();
        // The client's own socket has none, so that what is found is the server's.
        assert!(!SockRef::from(own).keepalive().unwrap());
        let question = within(async {
            loop {
                match timer_of_peer(own) {
                    Timer::Sending => yield_now().await,
                    Timer::Off => return None,
                    Timer::Keepalive(after) => return Some(after),
                }
            }
        })
        .await;
        // Far from both the default and the system's own time.
        let as_told = question.map(|after| (Duration::from_secs(65)..=keepalive.after).contains(&after));
        assert_eq!(as_told, expected.then_some(true), "{question:?}");
    }
}

enum Timer {
    Off,
    /// Something was sent and not yet received.
    Sending,
    /// The time until the first question.
    Keepalive(Duration),
}

/// The timer on the server's end of a connection, as the kernel tells.
fn timer_of_peer(socket: &TcpStream) -> Timer {
    let server_port = format!(":{:04X}", socket.peer_addr().unwrap().port());
    let client_port = format!(":{:04X}", socket.local_addr().unwrap().port());
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| std::fs::read_to_string(path).unwrap());
    let line = tables
        .iter()
        .flat_map(|table| table.lines())
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .find(|fields| fields[1].ends_with(&server_port) && fields[2].ends_with(&client_port))
        .unwrap();
    let (kind, left) = line[5].split_once(':').unwrap();
    match kind {
        "00" => Timer::Off,
        "02" => Timer::Keepalive(Duration::from_millis(u64::from_str_radix(left, 16).unwrap() * 10)),
        _ => Timer::Sending,
    }
}

#[tokio::test]
async fn the_address_of_a_header_is_that_of_failed_logins() {
    let limits = Limits {
        failed_logins_per_address_burst: 1,
        ..Limits::default()
    };
    let server = Server::start_with(limits, behind_this_machine).await;
    let login = json!({"type": "login", "ref": 1, "name": "nobody", "password": "correct horse"});
    let mut codes = Vec::new();
    for address in ["192.0.2.7", "192.0.2.7", "192.0.2.8"] {
        let mut client = is_served(&server, &text(address)).await;
        client.send(&login).await;
        codes.push(client.frame().await["code"].clone());
    }
    assert_eq!(
        codes,
        ["invalid_credentials", "rate_limited", "invalid_credentials"]
    );
}

#[tokio::test]
async fn a_connection_with_its_header_is_not_closed_when_the_time_for_headers_is_over() {
    let server = Server::start_with(Limits::default(), |serve| {
        behind_this_machine(serve).proxy_header_timeout(Duration::from_millis(100))
    })
    .await;
    let mut client = connect_and_send(&server, &text("192.0.2.7")).await;
    server.has_connections(1).await;
    assert!(
        timeout(Duration::from_millis(300), client.next_frame())
            .await
            .is_err()
    );
    client.ping().await;
}
