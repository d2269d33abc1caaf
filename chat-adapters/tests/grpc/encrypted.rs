//! TLS, and mutual TLS: who has not the right certificate is refused and told once.

use std::path::{Path, PathBuf};

use chat_adapters::grpc::{Identity, ServerTls, TlsError};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

use crate::backend::{Backend, Good, Lines, memory, within};
use crate::proto;
use crate::proto::user_service_client::UserServiceClient;

/// Two authorities, and certificates of both.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        for (authority, names) in [("ours", &["backend", "node"][..]), ("theirs", &["stranger"][..])] {
            let issuer = authority_of();
            files.write(&format!("{authority}.pem"), &issuer.pem());
            for name in names {
                let key = KeyPair::generate().unwrap();
                let parameters = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
                let certificate = parameters.signed_by(&key, &issuer).unwrap();
                files.write(&format!("{name}.pem"), &certificate.pem());
                files.write(&format!("{name}.key"), &key.serialize_pem());
            }
        }
        files.write("empty.pem", "nothing");
        files
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    fn identity(&self, certificate: &str, key: &str) -> Identity {
        Identity {
            certificate: self.path(certificate),
            key: self.path(key),
        }
    }

    /// A backend that asks for certificates of our authority, where `mutual`.
    async fn backend(&self, authority: Option<&Path>) -> Backend {
        let tls = ServerTls::load(&self.identity("backend.pem", "backend.key"), authority).unwrap();
        Backend::start_with(memory(), |serve| serve.tls(tls)).await
    }

    /// A caller that trusts our authority, and shows the certificate of `name`.
    fn channel(&self, backend: &Backend, name: Option<&str>) -> Channel {
        let authority = Certificate::from_pem(self.read("ours.pem"));
        let mut tls = ClientTlsConfig::new()
            .ca_certificate(authority)
            .domain_name("localhost");
        if let Some(name) = name {
            let (certificate, key) = (
                self.read(&format!("{name}.pem")),
                self.read(&format!("{name}.key")),
            );
            tls = tls.identity(tonic::transport::Identity::from_pem(certificate, key));
        }
        let endpoint = Endpoint::from_shared(format!("https://{}", backend.address)).unwrap();
        endpoint.tls_config(tls).unwrap().connect_lazy()
    }
}

fn authority_of() -> CertifiedIssuer<'static, KeyPair> {
    let mut parameters = CertificateParams::default();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap()
}

async fn is_refused(channel: Channel) {
    let mut users = UserServiceClient::new(channel);
    let answer = within(users.users(proto::UsersRequest { ids: vec![1] })).await;
    assert!(answer.is_err(), "{answer:?}");
}

#[tokio::test]
async fn a_node_with_the_right_certificate_is_served_and_others_are_refused() {
    let files = Files::new();
    for stranger in [None, Some("stranger")] {
        let (lines, _guard) = Lines::record();
        let backend = files.backend(Some(&files.path("ours.pem"))).await;
        let good = Good::start(files.channel(&backend, Some("node")));
        for _ in 0..2 {
            is_refused(files.channel(&backend, stranger)).await;
            good.goes_on().await;
        }
        lines.one(&["tls", "refused"]).await;
        good.end().await;
        backend.end().await;
    }
}

#[tokio::test]
async fn plaintext_is_refused_where_tls_is_asked_for() {
    let files = Files::new();
    let (lines, _guard) = Lines::record();
    let backend = files.backend(None).await;
    let good = Good::start(files.channel(&backend, None));
    let plaintext = Endpoint::from_shared(format!("http://{}", backend.address)).unwrap();
    is_refused(plaintext.connect_lazy()).await;
    backend.says(b"GET / HTTP/1.1\r\n\r\n").await;
    lines.one(&["tls", "refused"]).await;
    good.end().await;
    backend.end().await;
}

#[test]
fn files_that_are_of_no_use_are_named() {
    let files = Files::new();
    let load = |certificate, key, authority: Option<&str>| {
        let authority = authority.map(|name| files.path(name));
        ServerTls::load(&files.identity(certificate, key), authority.as_deref())
    };
    assert!(load("backend.pem", "backend.key", Some("ours.pem")).is_ok());
    let missing = load("missing.pem", "backend.key", None);
    assert!(matches!(missing, Err(TlsError::Certificates { path, .. }) if path.ends_with("missing.pem")));
    let no_key = load("backend.pem", "empty.pem", None);
    assert!(matches!(no_key, Err(TlsError::Key { path }) if path.ends_with("empty.pem")));
    let mismatch = load("backend.pem", "node.key", None);
    assert!(matches!(mismatch, Err(TlsError::Identity { .. })), "{mismatch:?}");
    let no_authority = load("backend.pem", "backend.key", Some("empty.pem"));
    assert!(matches!(no_authority, Err(TlsError::Certificates { path, .. }) if path.ends_with("empty.pem")));
}
