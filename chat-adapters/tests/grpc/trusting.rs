//! TLS as a node does it: whom it trusts, and who it is.

use std::path::PathBuf;
use std::time::Duration;

use chat_adapters::grpc::{ClientTls, Identity, RemoteOptions, RemoteStore, ServerTls, TlsError};
use chat_core::BackendErrorKind::NotDone;
use chat_core::memory::StaticRegistry;
use chat_core::ports::UserStore;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;

use crate::backend::{Backend, memory};
use crate::scene::{DEADLINE, kind, peer, within};

/// Two authorities, and what the first has signed: a backend named `localhost`, another of another name, and a node.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        let (authority, other) = (authority(), authority());
        std::fs::write(files.path("ca.pem"), authority.pem()).unwrap();
        std::fs::write(files.path("other.pem"), other.pem()).unwrap();
        files.sign("backend", "localhost", &authority);
        files.sign("elsewhere", "elsewhere.example", &authority);
        files.sign("node", "node-1", &authority);
        files.sign("stranger", "node-1", &other);
        files
    }

    fn sign(&self, file: &str, name: &str, authority: &CertifiedIssuer<'static, KeyPair>) {
        let key = KeyPair::generate().unwrap();
        let parameters = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = parameters.signed_by(&key, authority).unwrap();
        std::fs::write(self.path(&format!("{file}.pem")), certificate.pem()).unwrap();
        std::fs::write(self.path(&format!("{file}.key")), key.serialize_pem()).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn identity(&self, name: &str) -> Identity {
        Identity {
            certificate: self.path(&format!("{name}.pem")),
            key: self.path(&format!("{name}.key")),
        }
    }

    /// A backend with this certificate, which asks nodes for one where `mutual` says so.
    async fn backend(&self, name: &str, mutual: Mutual) -> Backend {
        let authority = self.path("ca.pem");
        let authority = (mutual == Mutual::Yes).then_some(authority.as_path());
        let tls = ServerTls::load(&self.identity(name), authority).unwrap();
        Backend::start_with(memory(), |serve| serve.tls(tls)).await
    }

    fn trusting(&self, authority: &str, identity: Option<&str>) -> Option<ClientTls> {
        Some(ClientTls {
            authority: Some(self.path(authority)),
            identity: identity.map(|name| self.identity(name)),
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mutual {
    Yes,
    No,
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut parameters = CertificateParams::default();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap()
}

fn node(backend: &Backend, tls: Option<ClientTls>) -> RemoteStore {
    let address = format!("localhost:{}", backend.address.port());
    let registry = StaticRegistry::new([peer(&address)]);
    let options = RemoteOptions { tls, ..within(500) };
    RemoteStore::new(std::sync::Arc::new(registry), options).unwrap()
}

async fn accepted(backend: &Backend, tls: Option<ClientTls>) {
    let node = node(backend, tls);
    node.ready(DEADLINE).await.unwrap();
    assert!(node.users(&[]).await.is_ok());
    node.close().await;
}

async fn refused(backend: &Backend, tls: Option<ClientTls>) {
    let node = node(backend, tls);
    assert_eq!(kind(node.users(&[]).await), NotDone);
    assert_eq!(kind(node.ready(Duration::ZERO).await), NotDone);
    node.close().await;
}

#[tokio::test]
async fn a_backend_is_trusted_by_its_authority_and_its_name() {
    let files = Files::new();
    let backend = files.backend("backend", Mutual::No).await;
    accepted(&backend, files.trusting("ca.pem", None)).await;
    refused(&backend, files.trusting("other.pem", None)).await;
    refused(&backend, None).await;
    let elsewhere = files.backend("elsewhere", Mutual::No).await;
    refused(&elsewhere, files.trusting("ca.pem", None)).await;
}

#[tokio::test]
async fn a_backend_that_asks_for_a_certificate_takes_only_those_of_its_authority() {
    let files = Files::new();
    let backend = files.backend("backend", Mutual::Yes).await;
    accepted(&backend, files.trusting("ca.pem", Some("node"))).await;
    refused(&backend, files.trusting("ca.pem", None)).await;
    refused(&backend, files.trusting("ca.pem", Some("stranger"))).await;
}

#[tokio::test]
async fn files_that_cannot_be_used_are_told_by_their_names() {
    let files = Files::new();
    std::fs::write(files.path("empty.pem"), "nothing").unwrap();
    let new = |tls: Option<ClientTls>| {
        let options = RemoteOptions {
            tls,
            ..RemoteOptions::default()
        };
        RemoteStore::new(std::sync::Arc::new(StaticRegistry::default()), options).unwrap_err()
    };
    for name in ["missing.pem", "empty.pem"] {
        let error = new(files.trusting(name, None));
        assert!(matches!(error, TlsError::Certificates { .. }), "{error}");
        assert!(error.to_string().contains(name), "{error}");
    }
    let error = new(files.trusting("ca.pem", Some("empty")));
    assert!(error.to_string().contains("empty"), "{error}");
    let mixed = Some(ClientTls {
        authority: Some(files.path("ca.pem")),
        identity: Some(Identity {
            key: files.path("stranger.key"),
            ..files.identity("node")
        }),
    });
    let error = new(mixed);
    assert!(matches!(error, TlsError::Identity { .. }), "{error}");
    assert!(!format!("{error} {error:?}").contains("PRIVATE KEY"));
}
