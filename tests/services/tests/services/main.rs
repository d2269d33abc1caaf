//! The services run, die, come back and stand still, and the proxy breaks connections, as the tests of the chat
//! rely on.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod kafka;
mod zookeeper;

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use chat_test_services::{
    ChromeDriver, DEADLINE, Kafka, MariaDb, Nginx, Pid, Redis, RedisCluster, Service, TcpProxy, ZooKeeper,
    eventually, trial,
};
use libtest_mimic::{Arguments, Trial};

/// How long something that must not come is waited for.
const SILENCE: Duration = Duration::from_millis(200);

fn main() -> ExitCode {
    let trials = vec![
        test(
            "mariadb_answers_dies_and_comes_back_on_its_port",
            &[Service::MySql],
            mariadb,
        ),
        test("redis_comes_back_empty_on_its_port", &[Service::Redis], redis),
        test(
            "a_frozen_redis_answers_once_it_is_thawed",
            &[Service::Redis],
            frozen,
        ),
        test(
            "a_redis_cluster_serves_all_slots_and_comes_back",
            &[Service::RedisCluster],
            cluster,
        ),
        test(
            "nginx_passes_connections_on_with_the_clients_address",
            &[Service::Nginx],
            nginx,
        ),
        test(
            "kafka_keeps_its_topics_when_it_is_killed",
            &[Service::Kafka],
            kafka::killed,
        ),
        test(
            "a_frozen_kafka_answers_once_it_is_thawed",
            &[Service::Kafka],
            kafka::frozen,
        ),
        test(
            "zookeeper_keeps_its_nodes_when_it_is_killed_and_ends_sessions_in_time",
            &[Service::ZooKeeper],
            zookeeper::killed,
        ),
        test(
            "a_frozen_zookeeper_answers_once_it_is_thawed",
            &[Service::ZooKeeper],
            zookeeper::frozen,
        ),
        test(
            "chromedriver_answers_and_ends_when_it_is_dropped",
            &[Service::Chromium],
            chromedriver,
        ),
        test(
            "what_is_dropped_has_ended",
            &[Service::Redis, Service::MySql, Service::Kafka, Service::ZooKeeper],
            dropped,
        ),
        test("what_a_panic_drops_has_ended", &[Service::Redis], panicked),
        test("a_stalled_proxy_passes_nothing_and_then_everything", &[], stalled),
        test("a_stalled_proxy_keeps_an_end_back", &[], stalled_end),
        test("a_stalled_proxy_takes_in_a_bounded_amount", &[], bounded),
        test("a_cut_proxy_closes_and_refuses_until_it_resumes", &[], cut),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn test(name: &str, needs: &'static [Service], run: fn()) -> Trial {
    trial(name, needs, move || {
        run();
        Ok(())
    })
}

/// One command of Redis and the first line of its answer.
fn ask(address: SocketAddr, command: &str) -> String {
    let mut connection = connect(address);
    connection.write_all(format!("{command}\r\n").as_bytes()).unwrap();
    let mut answer = [0; 512];
    let count = connection.read(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer[..count]).into_owned();
    answer.lines().next().unwrap_or_default().to_owned()
}

fn connect(address: SocketAddr) -> TcpStream {
    let connection = TcpStream::connect(address).unwrap();
    connection.set_read_timeout(Some(DEADLINE)).unwrap();
    connection.set_write_timeout(Some(DEADLINE)).unwrap();
    connection
}

fn runs(id: Pid) -> bool {
    Path::new(&format!("/proc/{id}")).exists()
}

fn mariadb() {
    let mut mariadb = MariaDb::start().unwrap();
    let (url, address, id) = (mariadb.url(), mariadb.address(), mariadb.id());
    assert_eq!(url, format!("mysql://root@{address}/"));
    let greeting = |address| {
        let mut start = [0; 5];
        connect(address).read_exact(&mut start).map(|()| start[4])
    };
    assert_eq!(greeting(address).unwrap(), 10);
    mariadb.kill().unwrap();
    assert!(!runs(id));
    assert!(TcpStream::connect(address).is_err());
    mariadb.restart().unwrap();
    assert_eq!((mariadb.url(), greeting(address).unwrap()), (url, 10));
    assert_ne!(mariadb.id(), id);
}

fn redis() {
    let mut redis = Redis::start().unwrap();
    let (url, address) = (redis.url(), redis.address());
    assert_eq!(url, format!("redis://{address}/"));
    assert_eq!(ask(address, "SET key 1"), "+OK");
    assert_eq!(ask(address, "EXISTS key"), ":1");
    redis.kill().unwrap();
    assert!(TcpStream::connect(address).is_err());
    redis.restart().unwrap();
    assert_eq!((redis.url(), ask(address, "EXISTS key")), (url, ":0".to_owned()));
}

fn frozen() {
    let mut redis = Redis::start().unwrap();
    redis.freeze().unwrap();
    // The system takes the connection and the bytes, and nobody reads them.
    let mut connection = connect(redis.address());
    connection.write_all(b"PING\r\n").unwrap();
    nothing_comes(&mut connection);
    redis.thaw();
    let mut answer = [0; 7];
    connection.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"+PONG\r\n");
    // What is frozen at its end ends as well.
    redis.freeze().unwrap();
    let id = redis.id();
    drop(redis);
    assert!(!runs(id));
}

fn cluster() {
    let mut cluster = RedisCluster::start().unwrap();
    let addresses: Vec<_> = cluster.addresses().collect();
    assert_eq!(addresses.len(), 3);
    let [one, two, three] = [addresses[0], addresses[1], addresses[2]];
    assert_eq!(cluster.url(), format!("redis+cluster://{one},{two},{three}"));
    // Slot 12182 of "foo" is the last node's.
    assert_eq!(ask(addresses[2], "SET foo 1"), "+OK");
    assert_eq!(
        ask(addresses[0], "GET foo"),
        format!("-MOVED 12182 {}", addresses[2])
    );
    cluster.kill().unwrap();
    assert!(TcpStream::connect(addresses[1]).is_err());
    cluster.restart().unwrap();
    assert_eq!(ask(addresses[2], "EXISTS foo"), ":0");
    assert_eq!(
        ask(addresses[0], "GET foo"),
        format!("-MOVED 12182 {}", addresses[2])
    );
}

fn nginx() {
    let backend = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = backend.local_addr().unwrap();
    let mut nginx = Nginx::start(|address| {
        format!(
            "include /etc/nginx/modules-enabled/*.conf;\n\
             events {{}}\n\
             stream {{ server {{ listen {address}; proxy_pass {target}; proxy_protocol on; }} }}\n"
        )
    })
    .unwrap();
    for round in 0..2 {
        let mut client = connect(nginx.address());
        client.write_all(b"hello\n").unwrap();
        let port = client.local_addr().unwrap().port();
        let text = next_text(&backend, port);
        let front = nginx.address().port();
        assert_eq!(
            text,
            format!("PROXY TCP4 127.0.0.1 127.0.0.1 {port} {front}\r\nhello\n"),
            "{round}"
        );
        nginx.restart().unwrap();
    }
}

/// What comes on the connection of the client with this port; others were looks whether nginx is there.
fn next_text(backend: &TcpListener, port: u16) -> String {
    loop {
        let (mut connection, _) = backend.accept().unwrap();
        connection.set_read_timeout(Some(DEADLINE)).unwrap();
        let (mut text, mut byte) = (String::new(), [0]);
        while !text.ends_with("hello\n") && connection.read(&mut byte).unwrap() > 0 {
            text.push(char::from(byte[0]));
        }
        if text.contains(&format!(" {port} ")) {
            return text;
        }
    }
}

fn chromedriver() {
    let mut driver = ChromeDriver::start().unwrap();
    let (url, address) = (driver.url(), driver.address());
    assert_eq!(url, format!("http://{address}"));
    driver.restart().unwrap();
    let mut connection = connect(address);
    connection
        .write_all(format!("GET /status HTTP/1.1\r\nHost: {address}\r\n\r\n").as_bytes())
        .unwrap();
    let mut answer = [0; 12];
    connection.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    let id = driver.id();
    drop(driver);
    assert!(!runs(id));
}

fn dropped() {
    let (redis, mariadb) = (Redis::start().unwrap(), MariaDb::start().unwrap());
    let (kafka, zookeeper) = (Kafka::start().unwrap(), ZooKeeper::start().unwrap());
    let ids = [redis.id(), mariadb.id(), kafka.id(), zookeeper.id()];
    assert!(ids.into_iter().all(runs));
    drop((redis, mariadb, kafka, zookeeper));
    assert!(!ids.into_iter().any(runs));
}

fn panicked() {
    let (sender, id) = std::sync::mpsc::sync_channel(1);
    let panicked = thread::spawn(move || {
        let redis = Redis::start().unwrap();
        sender.send(redis.id()).unwrap();
        // Without the message of a panic.
        std::panic::resume_unwind(Box::new("as a failed test"));
    });
    let id = id.recv_timeout(DEADLINE).unwrap();
    assert!(panicked.join().is_err());
    assert!(!runs(id));
}

/// A proxy, and both ends of a connection through it.
fn through_a_proxy() -> (TcpProxy, TcpStream, TcpStream) {
    let backend = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = TcpProxy::start(backend.local_addr().unwrap()).unwrap();
    let client = connect(proxy.address());
    let (server, _) = backend.accept().unwrap();
    server.set_read_timeout(Some(DEADLINE)).unwrap();
    (proxy, client, server)
}

fn passes(from: &mut TcpStream, to: &mut TcpStream, text: &str) {
    from.write_all(text.as_bytes()).unwrap();
    comes(to, text);
}

fn comes(to: &mut TcpStream, text: &str) {
    let mut received = vec![0; text.len()];
    to.read_exact(&mut received).unwrap();
    assert_eq!(String::from_utf8_lossy(&received), text);
}

fn nothing_comes(connection: &mut TcpStream) {
    connection.set_read_timeout(Some(SILENCE)).unwrap();
    let read = connection.read(&mut [0]);
    let silent = read.is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut));
    assert!(silent, "something came");
    connection.set_read_timeout(Some(DEADLINE)).unwrap();
}

fn stalled() {
    let (proxy, mut client, mut server) = through_a_proxy();
    passes(&mut client, &mut server, "before");
    passes(&mut server, &mut client, "after");
    proxy.stall().unwrap();
    client.write_all(b"one").unwrap();
    server.write_all(b"other").unwrap();
    let mut late = connect(proxy.address());
    late.write_all(b"late").unwrap();
    nothing_comes(&mut server);
    nothing_comes(&mut client);
    proxy.resume().unwrap();
    comes(&mut server, "one");
    comes(&mut client, "other");
}

fn stalled_end() {
    let (proxy, client, mut server) = through_a_proxy();
    proxy.stall().unwrap();
    drop(client);
    nothing_comes(&mut server);
    proxy.resume().unwrap();
    assert_eq!(server.read(&mut [0]).unwrap(), 0);
}

fn bounded() {
    let (proxy, mut client, mut server) = through_a_proxy();
    proxy.stall().unwrap();
    client.set_write_timeout(Some(SILENCE)).unwrap();
    let chunk = vec![7; 64 * 1_024];
    let taken: usize = std::iter::from_fn(|| client.write(&chunk).ok()).take(1_000).sum();
    assert!(taken < 1_000 * chunk.len(), "{taken} bytes were taken");
    drop(client);
    proxy.resume().unwrap();
    let mut received = Vec::new();
    server.read_to_end(&mut received).unwrap();
    assert_eq!(received.len(), taken);
}

fn cut() {
    let backend = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = TcpProxy::start(backend.local_addr().unwrap()).unwrap();
    let mut client = connect(proxy.address());
    let mut server = backend.accept().unwrap().0;
    passes(&mut client, &mut server, "before");
    proxy.cut().unwrap();
    assert!(matches!(client.read(&mut [0]), Ok(0) | Err(_)));
    assert!(matches!(server.read(&mut [0]), Ok(0) | Err(_)));
    assert_eq!(
        TcpStream::connect(proxy.address()).unwrap_err().kind(),
        ErrorKind::ConnectionRefused
    );
    proxy.resume().unwrap();
    let mut client = eventually("a connection", || TcpStream::connect(proxy.address()).ok()).unwrap();
    let mut server = backend.accept().unwrap().0;
    passes(&mut client, &mut server, "again");
}
