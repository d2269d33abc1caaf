//! TLS, with an authority that only the URL names.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use chat_adapters::redis::{RedisOptions, RedisPresence};
use chat_core::ports::{Bus, Presence};
use chat_core::types::{NodeId, UserId};
use chat_core::{BackendErrorKind, Timestamp, chain};
use chat_test_services::{Process, eventually, free_port};
use libtest_mimic::Trial;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;

use crate::scene::{PLENTY, bus, notice, reader, topic, trials, until_delivered};

pub(crate) fn trials() -> Vec<Trial> {
    trials! {
        "encrypted":
        Redis {
            a_server_whose_authority_is_named_is_trusted,
            a_server_of_another_authority_is_refused,
            a_file_that_holds_no_certificate_is_told,
        }
    }
}

/// A server that speaks TLS only, for `localhost`.
struct Encrypted {
    _process: Process,
    address: SocketAddr,
    directory: TempDir,
}

impl Encrypted {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (address, path) = (free_port().unwrap(), directory.path());
        let authority = authority();
        let key = KeyPair::generate().unwrap();
        let names = vec!["localhost".to_owned()];
        let certificate = CertificateParams::new(names)
            .unwrap()
            .signed_by(&key, &authority)
            .unwrap();
        std::fs::write(path.join("ca.pem"), authority.pem()).unwrap();
        std::fs::write(path.join("other.pem"), self::authority().pem()).unwrap();
        std::fs::write(path.join("empty.pem"), "nothing").unwrap();
        std::fs::write(path.join("server.pem"), certificate.pem()).unwrap();
        std::fs::write(path.join("server.key"), key.serialize_pem()).unwrap();
        let mut command = Command::new("redis-server");
        command
            .current_dir(path)
            .args(["--bind", "127.0.0.1", "--port", "0", "--save", ""])
            .args(["--tls-port", &address.port().to_string()])
            .args(["--tls-cert-file", "server.pem", "--tls-key-file", "server.key"])
            .args(["--tls-ca-cert-file", "ca.pem", "--tls-auth-clients", "no"]);
        let process = Process::start(&command).unwrap();
        eventually("the server listens", || {
            std::net::TcpStream::connect(address).ok()
        })
        .unwrap();
        Self {
            _process: process,
            address,
            directory,
        }
    }

    fn url(&self, authority: &str) -> String {
        let path = self.directory.path().join(authority);
        format!("rediss://localhost:{}?ca={}", self.address.port(), path.display())
    }
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut parameters = CertificateParams::default();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap()
}

async fn a_server_whose_authority_is_named_is_trusted() {
    let server = Encrypted::start();
    let bus = bus(&server.url("ca.pem"));
    let subscription = bus.subscribe(&reader(), PLENTY).await.unwrap();
    subscription.add(&[topic(1)]).await.unwrap();
    until_delivered(&bus, &*subscription, topic(1)).await;
    bus.close().await;
    let presence = RedisPresence::new(RedisOptions::parse(&server.url("ca.pem")).unwrap());
    let (node, users) = (NodeId::parse("n1").unwrap(), [UserId::new(1).unwrap()]);
    let came = presence
        .renew(&node, &users, Timestamp::default(), Duration::from_secs(1))
        .await;
    assert_eq!(came.unwrap(), users);
    presence.close().await;
}

async fn refused(url: &str, why: &str) {
    let bus = bus(url);
    let error = bus.publish(&[notice(topic(1), 0)]).await.unwrap_err();
    assert_eq!(error.kind(), BackendErrorKind::NotDone);
    assert!(chain(&error).contains(why), "{}", chain(&error));
    bus.close().await;
}

async fn a_server_of_another_authority_is_refused() {
    let server = Encrypted::start();
    refused(&server.url("other.pem"), "certificate").await;
    let without_authority = format!("rediss://localhost:{}", server.address.port());
    refused(&without_authority, "certificate").await;
    let another_name = server.url("ca.pem").replace("localhost", "127.0.0.1");
    refused(&another_name, "certificate").await;
}

async fn a_file_that_holds_no_certificate_is_told() {
    let server = Encrypted::start();
    refused(&server.url("empty.pem"), "check the parameter `ca`").await;
    refused(&server.url("missing.pem"), "missing.pem").await;
}
