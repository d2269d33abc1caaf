//! Connections by TLS, over real sockets.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use chat_adapters::tls::{Certificates, Encrypted, Identity, Reloaded, ServerTls, TlsError};
use chat_core::{Chat, Limits, memory};
use chat_test_services::{Authority, SignedCertificate};
use metrics_exporter_prometheus::PrometheusBuilder;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, HandshakeKind, ProtocolVersion};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{
    AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, duplex,
};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::counted::series;
use crate::fixture::{Server, pings, unlimited_requests, within};

/// A certificate for this machine, with its authority, in files.
struct Scene {
    authority: Authority,
    folder: TempDir,
    certificates: Certificates,
    first: SignedCertificate,
}

impl Scene {
    fn new() -> Self {
        let (authority, folder) = (Authority::default(), tempfile::tempdir().unwrap());
        let first = authority.sign(&["127.0.0.1"]);
        let (certificate, key) = first.write_to(folder.path(), "server").unwrap();
        let certificates = Certificates::load(Identity { certificate, key }).unwrap();
        Self {
            authority,
            folder,
            certificates,
            first,
        }
    }

    fn tls(&self) -> ServerTls {
        ServerTls::new(&self.certificates).unwrap()
    }

    async fn server(&self, limits: Limits) -> Server {
        Server::start_with(limits, |serve| serve.tls(self.tls())).await
    }

    /// Another certificate for this machine in the same files.
    fn replace(&self) -> SignedCertificate {
        let next = self.authority.sign(&["127.0.0.1"]);
        next.write_to(self.folder.path(), "server").unwrap();
        next
    }

    async fn connect(&self, server: &Server) -> Client {
        Client::shake_hands(server.connect_plainly().await, self.authority.client())
            .await
            .unwrap()
    }
}

impl Server {
    async fn connect_plainly(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }
}

/// A client by TLS.
struct Client(BufReader<TlsStream<TcpStream>>);

impl Client {
    async fn shake_hands(socket: TcpStream, config: Arc<ClientConfig>) -> io::Result<Self> {
        socket.set_nodelay(true).unwrap();
        let name = ServerName::from(IpAddr::from([127, 0, 0, 1]));
        let stream = within(TlsConnector::from(config).connect(name, socket)).await?;
        Ok(Self(BufReader::new(stream)))
    }

    async fn send_bytes(&mut self, bytes: &[u8]) {
        within(self.0.write_all(bytes)).await.unwrap();
        within(self.0.flush()).await.unwrap();
    }

    async fn send(&mut self, frame: &Value) {
        self.send_bytes(format!("{frame}\n").as_bytes()).await;
    }

    /// The next frame; `None` where the server has said the last word of TLS.
    async fn next_frame(&mut self) -> Option<Value> {
        let mut line = String::new();
        let count = within(self.0.read_line(&mut line)).await.unwrap();
        (count > 0).then(|| serde_json::from_str(&line).unwrap())
    }

    async fn ping(&mut self) {
        self.send(&json!({"type": "ping", "ref": "p"})).await;
        assert_eq!(self.next_frame().await.unwrap()["ref"], "p");
    }

    /// The certificate that the server showed.
    fn shown(&self) -> Vec<u8> {
        let (_, session) = self.0.get_ref().get_ref();
        session.peer_certificates().unwrap()[0].to_vec()
    }
}

/// Waits until the server has closed the connection, and answers what it wrote before.
async fn rest_of(mut socket: TcpStream) -> Vec<u8> {
    let mut answer = Vec::new();
    // Bytes that the server has not read make its end a reset.
    let _ = within(socket.read_to_end(&mut answer)).await;
    answer
}

#[tokio::test]
async fn many_requests_in_one_piece_are_answered_in_order_and_the_end_is_told() {
    let scene = Scene::new();
    let server = scene.server(Limits::default()).await;
    let mut client = scene.connect(&server).await;
    assert_eq!(client.shown(), scene.first.der);
    client.send_bytes(pings(10_000).as_bytes()).await;
    within(client.0.shutdown()).await.unwrap();
    for number in 0..10_000 {
        assert_eq!(client.next_frame().await.unwrap()["ref"], number);
    }
    assert_eq!(client.next_frame().await, None);
    drop(client);
    server.end().await;
}

/// What is encrypted waits within the session while the socket takes nothing, and has to go out though nothing follows.
#[tokio::test]
async fn the_last_bytes_for_a_slow_reader_arrive() {
    const COUNT: usize = 1_000;
    let scene = Scene::new();
    let listener = TcpSocket::new_v4().unwrap();
    // Those that it accepts have as little.
    listener.set_send_buffer_size(4_096).unwrap();
    listener.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let listener = listener.listen(8).unwrap();
    let chat = Chat::builder(memory::backends())
        .limits(unlimited_requests())
        .start();
    let server = Server::start_on(listener, chat, |serve| serve.tls(scene.tls()));
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let socket = within(socket.connect(server.address)).await.unwrap();
    let mut client = Client::shake_hands(socket, scene.authority.client())
        .await
        .unwrap();
    client.send_bytes(pings(COUNT).as_bytes()).await;
    for number in 0..COUNT {
        assert_eq!(client.next_frame().await.unwrap()["ref"], number);
    }
    client.ping().await;
    drop(client);
    server.end().await;
}

#[tokio::test]
async fn both_versions_are_spoken_that_are_still_safe() {
    let scene = Scene::new();
    let server = scene.server(Limits::default()).await;
    for (version, spoken) in [
        (&rustls::version::TLS12, ProtocolVersion::TLSv1_2),
        (&rustls::version::TLS13, ProtocolVersion::TLSv1_3),
    ] {
        let config = scene.authority.client_of(&[version]);
        let mut client = Client::shake_hands(server.connect_plainly().await, config)
            .await
            .unwrap();
        client.ping().await;
        let (_, session) = client.0.get_ref().get_ref();
        assert_eq!(session.protocol_version(), Some(spoken));
    }
}

/// Whoever resumed a session would not see a new certificate.
#[tokio::test]
async fn a_client_that_comes_again_shakes_hands_anew() {
    let scene = Scene::new();
    let server = scene.server(Limits::default()).await;
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        // It remembers what would let it resume.
        let config = scene.authority.client_of(&[version]);
        for _ in 0..3 {
            let socket = server.connect_plainly().await;
            let mut client = Client::shake_hands(socket, config.clone()).await.unwrap();
            client.ping().await;
            let (_, session) = client.0.get_ref().get_ref();
            assert_eq!(session.handshake_kind(), Some(HandshakeKind::Full), "{version:?}");
        }
    }
}

#[tokio::test]
async fn what_was_asked_is_answered_though_the_client_ends_without_the_last_word_of_tls() {
    const COUNT: usize = 10_000;
    let scene = Scene::new();
    let server = scene.server(unlimited_requests()).await;
    let mut client = scene.connect(&server).await;
    client.send_bytes(pings(COUNT).as_bytes()).await;
    let (socket, _) = client.0.get_mut().get_mut();
    within(socket.shutdown()).await.unwrap();
    for number in 0..COUNT {
        assert_eq!(client.next_frame().await.unwrap()["ref"], number);
    }
    assert_eq!(client.next_frame().await, None);
    drop(client);
    server.end().await;
}

/// A line that holds little, with a handshake on it: the server's side and the client's.
async fn narrow_line(scene: &Scene) -> (Encrypted<DuplexStream>, TlsStream<DuplexStream>) {
    let (client, server) = duplex(512);
    let (tls, connector) = (scene.tls(), TlsConnector::from(scene.authority.client()));
    let here = IpAddr::from([127, 0, 0, 1]);
    let both = async { tokio::join!(tls.accept(server, here), connector.connect(here.into(), client)) };
    let (served, connected) = within(both).await;
    (served.unwrap(), connected.unwrap())
}

/// Much of it is still within the session when the end is told.
#[tokio::test]
async fn what_was_written_before_the_end_arrives_before_it_over_a_narrow_line() {
    let (mut server, mut client) = narrow_line(&Scene::new()).await;
    let written = vec![b'x'; 100_000];
    let writing = async {
        server.write_all(&written).await.unwrap();
        server.shutdown().await.unwrap();
    };
    let mut read = Vec::new();
    let reading = async {
        // Without the last word of TLS this is an error.
        client.read_to_end(&mut read).await.unwrap();
    };
    within(async { tokio::join!(writing, reading) }).await;
    assert_eq!(read, written);
}

/// Whoever reads from the socket, as HTTP does, learns of the end and of no failure.
#[tokio::test]
async fn a_peer_that_is_gone_without_the_last_word_of_tls_has_come_to_its_end() {
    let (mut server, mut client) = narrow_line(&Scene::new()).await;
    client.write_all(b"all of it").await.unwrap();
    client.flush().await.unwrap();
    drop(client);
    let mut read = Vec::new();
    within(server.read_to_end(&mut read)).await.unwrap();
    assert_eq!(read, b"all of it");
    assert_eq!(within(server.fill_buf()).await.unwrap(), b"");
}

#[tokio::test]
async fn who_does_not_shake_hands_is_closed_and_counted() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let counted = recorder.handle();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let scene = Scene::new();
    let server = scene.server(Limits::default()).await;

    scene.connect(&server).await.ping().await;
    let mut plain = server.connect_plainly().await;
    plain.write_all(b"{\"type\":\"ping\"}\n").await.unwrap();
    let answer = rest_of(plain).await;
    assert!(!answer.contains(&b'{'), "{answer:?}");
    let distrusting = Authority::default().client();
    let refused = Client::shake_hands(server.connect_plainly().await, distrusting).await;
    assert!(refused.is_err());
    drop(server.connect_plainly().await);
    server.has_connections(0).await;

    let of = |outcome: &str| series(&counted)[&format!("chat_tls_handshakes_total{{outcome=\"{outcome}\"}}")];
    assert_eq!(["ok", "plain_text", "refused", "gone"].map(of), [1, 1, 1, 1]);
}

#[tokio::test]
async fn a_silent_client_counts_among_the_connections_until_its_time_is_over() {
    let scene = Scene::new();
    let limits = Limits {
        connections: 1,
        ..Limits::default()
    };
    let tls = scene.tls().handshake_timeout(Duration::from_secs(1));
    let server = Server::start_with(limits, |serve| serve.tls(tls)).await;
    let silent = server.connect_plainly().await;
    server.has_connections(1).await;
    let mut second = scene.connect(&server).await;
    let goodbye = second.next_frame().await.unwrap();
    assert_eq!(goodbye["code"], "too_many_connections");
    assert_eq!(second.next_frame().await, None);
    assert_eq!(rest_of(silent).await, b"");
    server.has_connections(0).await;
    scene.connect(&server).await.ping().await;
}

#[tokio::test]
async fn a_silent_client_that_is_refused_is_not_waited_for_as_long_as_one_that_is_let_in() {
    let scene = Scene::new();
    let limits = Limits {
        connections: 1,
        ..Limits::default()
    };
    let tls = scene.tls().handshake_timeout(Duration::from_secs(3_600));
    let server = Server::start_with(limits, |serve| serve.tls(tls)).await;
    let mut first = scene.connect(&server).await;
    let silent = server.connect_plainly().await;
    assert_eq!(rest_of(silent).await, b"");
    first.ping().await;
}

#[tokio::test]
async fn a_silent_client_does_not_hold_up_the_end() {
    let scene = Scene::new();
    let limits = Limits {
        close_timeout: Duration::from_millis(100),
        ..Limits::default()
    };
    let tls = scene.tls().handshake_timeout(Duration::from_secs(3_600));
    let server = Server::start_with(limits, |serve| serve.tls(tls)).await;
    let silent = server.connect_plainly().await;
    server.has_connections(1).await;
    server.end().await;
    assert_eq!(rest_of(silent).await, b"");
}

#[tokio::test]
async fn a_client_is_told_goodbye_and_the_last_word_of_tls_when_the_server_ends() {
    let scene = Scene::new();
    let server = scene.server(Limits::default()).await;
    let mut client = scene.connect(&server).await;
    client.ping().await;
    let told = async {
        let goodbye = client.next_frame().await.unwrap();
        assert_eq!(goodbye["code"], "server_draining");
        assert_eq!(client.next_frame().await, None);
        drop(client);
    };
    tokio::join!(server.end(), told);
}

#[tokio::test]
async fn a_client_that_vanishes_has_no_connection_any_more() {
    let scene = Scene::new();
    let server = scene.server(Limits::default()).await;
    let mut client = scene.connect(&server).await;
    client.ping().await;
    server.has_connections(1).await;
    // Dropping says nothing within TLS.
    drop(client);
    server.has_connections(0).await;
}

#[tokio::test]
async fn the_handshake_follows_the_header_of_a_load_balancer_even_in_one_piece() {
    let scene = Scene::new();
    let limits = Limits {
        connections_per_address: 1,
        ..Limits::default()
    };
    let server = Server::start_with(limits, |serve| {
        let balancers = ["127.0.0.0/8"].map(|network| network.parse().unwrap());
        serve.tls(scene.tls()).proxy_protocol_from(balancers)
    })
    .await;
    let begin = async |client: &str| {
        let mut socket = server.connect_plainly().await;
        let header = format!("PROXY TCP4 {client} 10.0.0.1 40000 6000\r\n");
        socket.write_all(header.as_bytes()).await.unwrap();
        Client::shake_hands(socket, scene.authority.client())
            .await
            .unwrap()
    };
    let mut first = begin("192.0.2.1").await;
    first.ping().await;
    begin("192.0.2.2").await.ping().await;
    let goodbye = begin("192.0.2.1").await.next_frame().await.unwrap();
    assert_eq!(goodbye["code"], "too_many_connections");
}

#[tokio::test]
async fn a_new_certificate_is_shown_to_those_who_come_and_the_others_stay() {
    let scene = Scene::new();
    let server = scene.server(Limits::default()).await;
    let mut before = scene.connect(&server).await;
    before.ping().await;
    let second = scene.replace();
    assert_eq!(scene.certificates.reload().unwrap(), Reloaded::Replaced);
    assert_eq!(scene.certificates.reload().unwrap(), Reloaded::Unchanged);
    before.ping().await;
    let mut after = scene.connect(&server).await;
    after.ping().await;
    assert_eq!(
        (before.shown(), after.shown()),
        (scene.first.der.clone(), second.der.clone())
    );

    // A certificate with the key of another.
    let third = scene.authority.sign(&["127.0.0.1"]);
    let mixed = SignedCertificate {
        key: second.key.clone(),
        ..third
    };
    mixed.write_to(scene.folder.path(), "server").unwrap();
    let refused = scene.certificates.reload().unwrap_err();
    assert!(matches!(refused, TlsError::Identity { .. }), "{refused}");
    assert_eq!(scene.connect(&server).await.shown(), second.der);
    before.ping().await;
    after.ping().await;
}

/// What a server of HTTP agrees on with a client that offers these protocols.
async fn agreed(scene: &Scene, offered: &[&str]) -> Option<Vec<u8>> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let tls = ServerTls::http(&scene.certificates).unwrap();
    let serving = async {
        let (socket, peer) = listener.accept().await.unwrap();
        tls.accept(socket, peer.ip()).await
    };
    let mut config = (*scene.authority.client()).clone();
    config.alpn_protocols = offered.iter().map(|name| name.as_bytes().to_vec()).collect();
    let asking = async {
        let socket = TcpStream::connect(address).await.unwrap();
        Client::shake_hands(socket, Arc::new(config)).await
    };
    let (served, asked) = within(async { tokio::join!(serving, asking) }).await;
    let client = asked.ok().filter(|_| served.is_some())?;
    let (_, session) = client.0.get_ref().get_ref();
    Some(session.alpn_protocol().unwrap_or_default().to_vec())
}

#[tokio::test]
async fn http_is_agreed_on_in_the_version_that_is_spoken() {
    let scene = Scene::new();
    assert_eq!(agreed(&scene, &["h2", "http/1.1"]).await.unwrap(), b"http/1.1");
    assert_eq!(agreed(&scene, &[]).await.unwrap(), b"");
    assert_eq!(agreed(&scene, &["h2"]).await, None);
}
