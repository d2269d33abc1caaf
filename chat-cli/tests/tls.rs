//! The binary and servers that speak TLS, or do not.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it cannot go on"
)]

use std::net::SocketAddr;
use std::process::{Output, Stdio};
use std::time::Duration;

use chat_adapters::tcp::Serve;
use chat_adapters::tls::{Certificates, Identity, ServerTls};
use chat_client::{Connection, Error, Limits, TlsDialer, TlsFailure};
use chat_core::{Chat, memory};
use chat_test_services::{Authority, SignedCertificate};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::task::JoinSet;

/// A chat behind TLS, an authority in a file, and a home for the binary.
struct Setting {
    authority: Authority,
    home: TempDir,
    servers: JoinSet<()>,
    /// The file, in its home, of the authorities that the system trusts.
    system_trusts: Option<&'static str>,
}

impl Setting {
    fn new() -> Self {
        let (authority, home) = (Authority::default(), TempDir::new().unwrap());
        std::fs::write(home.path().join("ca.pem"), authority.pem()).unwrap();
        let servers = JoinSet::new();
        Self {
            authority,
            home,
            servers,
            system_trusts: None,
        }
    }

    /// Serves with this certificate, or in the clear.
    async fn serve(&mut self, signed: Option<&SignedCertificate>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut serve = Serve::new(listener, Chat::builder(memory::backends()).start());
        if let Some(signed) = signed {
            let (certificate, key) = signed.write_to(self.home.path(), "server").unwrap();
            let certificates = Certificates::load(Identity { certificate, key }).unwrap();
            serve = serve.tls(ServerTls::new(&certificates).unwrap());
        }
        self.servers.spawn(async move {
            serve.until(std::future::pending()).await.unwrap();
        });
        address
    }

    /// Serves with a certificate for these hosts.
    async fn serve_as(&mut self, hosts: &[&str]) -> SocketAddr {
        let signed = self.authority.sign(hosts);
        self.serve(Some(&signed)).await
    }

    async fn chat(&self, server: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chat"));
        command
            .args(arguments)
            .current_dir(self.home.path())
            .env_clear()
            .env("HOME", self.home.path())
            .env("CHAT_SERVER", server)
            .env("CHAT_PASSWORD", "correct horse")
            .kill_on_drop(true)
            .stdin(Stdio::null());
        if let Some(file) = self.system_trusts {
            command.env("SSL_CERT_FILE", self.home.path().join(file));
        }
        command.output().await.unwrap()
    }

    /// The sentence of a run that failed with this exit code.
    async fn fails(&self, code: i32, server: &str, arguments: &[&str]) -> String {
        let output = self.chat(server, arguments).await;
        let sentence = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{sentence}");
        assert_eq!(sentence.lines().count(), 1, "{sentence}");
        sentence
    }

    async fn works(&self, server: &str, arguments: &[&str]) -> String {
        let output = self.chat(server, arguments).await;
        let sentence = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {sentence}");
        String::from_utf8(output.stdout).unwrap()
    }
}

const TRUSTING: [&str; 3] = ["--tls", "--ca", "ca.pem"];

fn ping() -> Vec<&'static str> {
    [&TRUSTING[..], &["ping"]].concat()
}

#[tokio::test]
async fn a_server_with_the_right_certificate_is_spoken_to_by_either_form_of_its_address() {
    let mut setting = Setting::new();
    let server = setting.serve_as(&["localhost", "127.0.0.1"]).await;
    setting.works(&server.to_string(), &ping()).await;
    let named = format!("tls://localhost:{}", server.port());
    setting
        .works(&named, &["--ca", "ca.pem", "register", "alice"])
        .await;
    setting.works(&named, &["--ca", "ca.pem", "login", "alice"]).await;
    let sent = setting
        .works(&named, &["--ca", "ca.pem", "--json", "send", "@alice", "a note"])
        .await;
    assert!(sent.contains("\"seq\":1"), "{sent}");
    // By its flag the address has the same name, under which the token lies.
    // Said twice it is said once.
    setting.works(&named, &ping()).await;
    let host = format!("localhost:{}", server.port());
    let conversations = [&TRUSTING[..], &["conversations", "--json"]].concat();
    assert!(setting.works(&host, &conversations).await.contains("a note"));
}

#[tokio::test]
async fn a_token_that_was_given_by_tls_is_not_shown_in_the_clear() {
    let mut setting = Setting::new();
    let server = setting.serve_as(&["127.0.0.1"]).await.to_string();
    let with = |more: &[&'static str]| [&TRUSTING[..], more].concat();
    setting.works(&server, &with(&["register", "alice"])).await;
    setting.works(&server, &with(&["login", "alice"])).await;
    let sentence = setting.fails(2, &server, &["friends"]).await;
    assert!(sentence.contains("not logged in at this server"), "{sentence}");
}

#[tokio::test]
async fn an_authority_that_is_not_known_is_told() {
    let mut setting = Setting::new();
    let server = setting.serve_as(&["127.0.0.1"]).await.to_string();
    std::fs::write(setting.home.path().join("other.pem"), Authority::default().pem()).unwrap();
    let sentence = setting
        .fails(4, &server, &["--tls", "--ca", "other.pem", "ping"])
        .await;
    assert!(
        sentence.contains("signed by nobody who is trusted here"),
        "{sentence}"
    );
    assert!(sentence.contains("--ca"), "{sentence}");
}

/// Where the system keeps whom it trusts, by the variable that OpenSSL has for it.
#[tokio::test]
async fn those_that_the_system_trusts_are_trusted_only_where_nobody_is_named() {
    let mut setting = Setting::new();
    let server = setting.serve_as(&["127.0.0.1"]).await.to_string();
    std::fs::write(setting.home.path().join("other.pem"), Authority::default().pem()).unwrap();
    setting.system_trusts = Some("ca.pem");
    setting.works(&server, &["--tls", "ping"]).await;
    let sentence = setting
        .fails(4, &server, &["--tls", "--ca", "other.pem", "ping"])
        .await;
    assert!(
        sentence.contains("signed by nobody who is trusted here"),
        "{sentence}"
    );
    setting.system_trusts = Some("other.pem");
    setting.fails(4, &server, &["--tls", "ping"]).await;
    setting.works(&server, &ping()).await;
}

#[tokio::test]
async fn an_expired_certificate_is_told() {
    let mut setting = Setting::new();
    let expired = setting.authority.sign_expired(&["127.0.0.1"]);
    let server = setting.serve(Some(&expired)).await.to_string();
    let sentence = setting.fails(4, &server, &ping()).await;
    assert!(sentence.contains("its certificate has expired"), "{sentence}");
}

#[tokio::test]
async fn a_certificate_for_another_host_is_told_with_its_names() {
    let mut setting = Setting::new();
    let server = setting.serve_as(&["chat.example.com", "192.0.2.1"]).await;
    let named = format!("localhost:{}", server.port());
    for (server, host) in [(server.to_string(), "127.0.0.1"), (named, "localhost")] {
        let sentence = setting.fails(4, &server, &ping()).await;
        let expected = format!("its certificate is not for {host}, but for chat.example.com, 192.0.2.1;");
        assert!(sentence.contains(&expected), "{sentence}");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_told() {
    let mut setting = Setting::new();
    let server = setting.serve(None).await.to_string();
    let sentence = setting.fails(4, &server, &ping()).await;
    let told = ["does not speak TLS", "has not answered as TLS does"];
    assert!(told.iter().any(|told| sentence.contains(told)), "{sentence}");
    assert!(sentence.contains("leave out --tls"), "{sentence}");
}

#[tokio::test]
async fn a_server_with_tls_that_is_addressed_in_the_clear_is_told() {
    let mut setting = Setting::new();
    let server = setting.serve_as(&["127.0.0.1"]).await.to_string();
    let sentence = setting.fails(1, &server, &["ping"]).await;
    assert!(
        sentence.contains("the server speaks TLS; add --tls"),
        "{sentence}"
    );
}

#[tokio::test]
async fn what_cannot_be_meant_is_usage() {
    let mut setting = Setting::new();
    let server = setting.serve_as(&["127.0.0.1"]).await.to_string();
    for (arguments, named) in [
        (&["--ca", "ca.pem", "ping"][..], "add --tls"),
        (&["--tls", "--ca", "missing.pem", "ping"], "missing.pem"),
        (&["--tls", "--ca", "server.key", "ping"], "server.key"),
        (&["--tls", "bench", "idle"], "no TLS"),
    ] {
        let sentence = setting.fails(2, &server, arguments).await;
        assert!(sentence.contains(named), "{sentence}");
        assert!(!sentence.contains("PRIVATE"), "{sentence}");
    }
    let sentence = setting.fails(2, "tls://nowhere", &["ping"]).await;
    assert!(sentence.contains("`nowhere`"), "{sentence}");
}

/// The library tells them apart too.
async fn failure(dialer: TlsDialer) -> TlsFailure {
    match Connection::dial(&dialer, Limits::default()).await {
        Err(Error::Unreachable { source, .. }) => TlsFailure::of(&source).unwrap().clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn servers_that_say_something_else_or_nothing_are_told_apart() {
    let setting = Setting::new();
    let authority = setting.home.path().join("ca.pem");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let dialer = || TlsDialer::new(&address, Some(&authority)).unwrap();

    let quick = dialer().handshake_timeout(Duration::from_millis(50));
    let (silent, _) = tokio::join!(failure(quick), listener.accept());
    assert_eq!(silent, TlsFailure::Silent(Duration::from_millis(50)));

    let answers = async {
        use tokio::io::AsyncWriteExt as _;
        let (mut socket, _) = listener.accept().await.unwrap();
        socket.write_all(b"{\"type\":\"error\"}\n").await.unwrap();
        socket
    };
    let (plain, _socket) = tokio::join!(failure(dialer()), answers);
    assert_eq!(plain, TlsFailure::NotTls);

    let ends = async {
        use tokio::io::AsyncReadExt as _;
        let (mut socket, _) = listener.accept().await.unwrap();
        let _ = socket.read(&mut [0; 4_096]).await.unwrap();
    };
    let (ended, ()) = tokio::join!(failure(dialer()), ends);
    assert_eq!(ended, TlsFailure::Ended);
}
