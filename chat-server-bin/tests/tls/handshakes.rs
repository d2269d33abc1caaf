//! Who is let in, on which address, and what is said of the others.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use chat_test_services::Authority;
use serde_json::json;

use crate::client::{Client, shake_hands};
use crate::scene::Scene;
use crate::support::http::get;
use crate::support::{failure, run};

/// Sends in the clear, and answers everything that comes until the server closes the connection.
fn say(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    socket.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    // Bytes that the server has not read make its end a reset.
    match socket.read_to_end(&mut answer) {
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => panic!("it is still open"),
        _ => answer,
    }
}

#[test]
fn users_by_tcp_and_by_websocket_chat_and_are_told_of_the_end() {
    let mut scene = Scene::start(&["--drain", "100ms"]);
    assert!(
        scene.server.ready_line().contains(", TLS on listen and http, "),
        "{}",
        scene.server.ready_line()
    );
    let (mut alice, mut bob) = (scene.connect(), scene.connect_by_websocket());
    let (alice_id, bob_id) = (alice.begin_as("alice"), bob.begin_as("bob"));
    let send = |to: u64| json!({"type": "send", "ref": 1, "to": {"user": to}, "body": "encrypted"});
    assert_eq!(alice.request(&send(bob_id))["seq"], 1);
    assert_eq!(bob.frame()["body"], "encrypted");
    assert_eq!(bob.request(&send(alice_id))["seq"], 2);
    assert_eq!(alice.frame()["body"], "encrypted");
    assert_eq!(scene.get("/healthz").body, "ok\n");

    scene.server.signal_to_end();
    for client in [&mut alice, &mut bob] {
        assert_eq!(client.frame()["code"], "server_draining");
        assert_eq!(client.next_frame(), None);
    }
    drop((alice, bob));
    assert_eq!(scene.server.wait().code, Some(0));
}

#[test]
fn plain_text_is_closed_on_both_addresses_and_told_once() {
    let scene = Scene::start(&[]);
    // Health checks only connect, and are no line in the log.
    drop(TcpStream::connect(scene.server.address()).unwrap());
    let gone = || scene.counted("chat_tls_handshakes_total{outcome=\"gone\"}") >= 1.0;
    chat_test_services::eventually("it has gone", || gone().then_some(())).unwrap();
    for (address, bytes) in [
        (scene.server.address(), &b"{\"type\":\"ping\"}\n"[..]),
        (scene.server.address(), b"{\"type\":\"ping\"}\n"),
        (scene.server.http(), b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"),
    ] {
        let answer = say(address, bytes);
        assert!(
            !answer.windows(4).any(|part| part == b"pong" || part == b"HTTP"),
            "{answer:?}"
        );
    }
    assert_eq!(
        scene.counted("chat_tls_handshakes_total{outcome=\"plain_text\"}"),
        3.0
    );
    scene.server.wait_for_log("plain_text");
    // Each address tells by itself.
    let told = scene.server.stderr();
    assert_eq!(told.matches("its TLS handshake failed").count(), 2, "{told}");
    assert!(
        told.contains("127.0.0.1") && told.contains("has to be told to use TLS"),
        "{told}"
    );
}

#[test]
fn a_client_that_does_not_trust_the_certificate_is_told_of() {
    let scene = Scene::start(&[]);
    let stranger = Authority::default().client();
    assert!(shake_hands(scene.server.address(), stranger).is_err());
    scene.server.wait_for_log("reason=\"refused\"");
    assert_eq!(
        scene.counted("chat_tls_handshakes_total{outcome=\"refused\"}"),
        1.0
    );
}

#[test]
fn who_is_silent_is_closed_when_the_time_of_the_settings_is_over() {
    let scene = Scene::start(&["--tls-handshake-timeout", "100ms"]);
    for address in [scene.server.address(), scene.server.http()] {
        assert_eq!(say(address, b""), b"");
        // The beginning of a record.
        assert_eq!(say(address, &[0x16, 3, 1]), b"");
    }
    assert_eq!(scene.counted("chat_tls_handshakes_total{outcome=\"late\"}"), 4.0);
    scene.connect().begin_as("alice");
}

#[test]
fn each_address_speaks_what_the_settings_say() {
    let scene = Scene::start(&["--tls-listeners", "listen"]);
    assert!(scene.server.ready_line().contains(", TLS on listen, "));
    assert_eq!(get(scene.server.http(), "/healthz").body, "ok\n");
    scene.connect().begin_as("alice");

    let scene = Scene::start(&["--tls-listeners", "http"]);
    assert_eq!(scene.get("/healthz").body, "ok\n");
    scene.connect_by_websocket().begin_as("alice");
    scene.server.connect().begin_as("bob");
}

#[test]
fn files_that_cannot_be_used_end_the_start_with_their_names() {
    let (authority, folder) = (Authority::default(), tempfile::tempdir().unwrap());
    let (signed, other) = (authority.sign(&["localhost"]), authority.sign(&["localhost"]));
    let (certificate, key) = signed.write_to(folder.path(), "server").unwrap();
    let (_, other_key) = other.write_to(folder.path(), "other").unwrap();
    let missing = folder.path().join("missing");
    let text = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    for (certificate, key, named) in [
        (&missing, &key, "missing"),
        (&certificate, &missing, "missing"),
        (&certificate, &certificate, "server.pem"),
        (&certificate, &other_key, "does not fit"),
    ] {
        let arguments = [
            "--listen",
            "127.0.0.1:0",
            "--http",
            "none",
            "--event-log",
            "",
            "--store",
            "memory:",
        ];
        let tls = ["--tls-certificate", &text(certificate), "--tls-key", &text(key)];
        let ended = run(&[&arguments[..], &tls].concat(), &[]);
        let sentence = failure(2, &ended);
        assert!(
            sentence.contains("section `tls`") && sentence.contains(named),
            "{sentence}"
        );
        assert!(!sentence.contains("PRIVATE"), "{sentence}");
    }
}

#[test]
fn connections_that_shake_hands_count_among_all() {
    let scene = Scene::start(&["--limits-connections", "1", "--tls-listeners", "listen"]);
    let silent = TcpStream::connect(scene.server.address()).unwrap();
    let full = || {
        get(scene.server.http(), "/metrics")
            .body
            .contains("\nchat_connections 1\n")
    };
    chat_test_services::eventually("it is counted", || full().then_some(())).unwrap();
    let refused = shake_hands(scene.server.address(), scene.authority.client()).unwrap();
    assert_eq!(Client::by_tcp(refused).frame()["code"], "too_many_connections");
    drop(silent);
}
