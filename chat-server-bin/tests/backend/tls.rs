//! TLS between nodes and backends, by their settings alone.

use libtest_mimic::Trial;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};

use crate::stage::{Pair, Stage, at};
use crate::support::{Server, run};
use crate::test;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        test(
            "tls::a_backend_with_a_certificate_serves_nodes_that_trust_it_and_no_others",
            a_backend_with_a_certificate_serves_nodes_that_trust_it_and_no_others,
        ),
        test(
            "tls::a_backend_that_asks_for_certificates_serves_only_nodes_that_show_one_of_its_authority",
            a_backend_that_asks_for_certificates_serves_only_nodes_that_show_one_of_its_authority,
        ),
    ]
}

/// Who signs certificates, with its own in a file.
struct Authority<'a> {
    stage: &'a Stage,
    name: &'a str,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl<'a> Authority<'a> {
    fn new(stage: &'a Stage, name: &'a str) -> Self {
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let issuer = CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap();
        std::fs::write(stage.file(&format!("{name}.pem")), issuer.pem()).unwrap();
        Self { stage, name, issuer }
    }

    /// Its certificate.
    fn file(&self) -> String {
        self.stage.path(&format!("{}.pem", self.name))
    }

    /// The files of a certificate that it signs, for either side, and of its key.
    fn signs(&self, name: &str) -> (String, String) {
        let mut parameters = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        parameters.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.signed_by(&key, &self.issuer).unwrap();
        let (certificate_file, key_file) = (format!("{name}.pem"), format!("{name}.key"));
        std::fs::write(self.stage.file(&certificate_file), certificate.pem()).unwrap();
        std::fs::write(self.stage.file(&key_file), key.serialize_pem()).unwrap();
        (self.stage.path(&certificate_file), self.stage.path(&key_file))
    }
}

/// A node on this store works.
fn serves(stage: &Stage, store: &str) {
    let node = stage.node("n-1", store, &[]);
    Pair::on(&node).exchange();
}

/// A node on this store finds no backend that serves.
fn refuses(store: &str) {
    let before = [
        "--listen",
        "127.0.0.1:0",
        "--http",
        "none",
        "--event-log",
        "",
        "--store",
    ];
    let ended = run(&[&before[..], &[store]].concat(), &[]);
    assert_eq!(ended.code, Some(4), "{store}: {}{}", ended.stdout, ended.stderr);
}

fn with_certificate<'a>(certificate: &'a str, key: &'a str) -> [&'a str; 4] {
    ["--backend-certificate", certificate, "--backend-key", key]
}

fn store(backend: &Server, parameters: &[(&str, &str)]) -> String {
    let parameters: Vec<_> = parameters
        .iter()
        .map(|(name, file)| format!("{name}={file}"))
        .collect();
    format!("{}?{}", at("grpcs", &[backend]), parameters.join("&"))
}

fn a_backend_with_a_certificate_serves_nodes_that_trust_it_and_no_others() {
    let stage = Stage::new();
    let (authority, other) = (
        Authority::new(&stage, "authority"),
        Authority::new(&stage, "other"),
    );
    let (certificate, key) = authority.signs("backend");
    let backend = stage.backend("b-1", &with_certificate(&certificate, &key));
    serves(&stage, &store(&backend, &[("ca", &authority.file())]));
    refuses(&store(&backend, &[("ca", &other.file())]));
    refuses(&at("grpc", &[&backend]));
}

fn a_backend_that_asks_for_certificates_serves_only_nodes_that_show_one_of_its_authority() {
    let stage = Stage::new();
    let (authority, other) = (
        Authority::new(&stage, "authority"),
        Authority::new(&stage, "other"),
    );
    let (certificate, key) = authority.signs("backend");
    let asks = ["--backend-client-authority", &authority.file()];
    let backend = stage.backend(
        "b-1",
        &[&with_certificate(&certificate, &key)[..], &asks].concat(),
    );
    let trusted = authority.file();
    let with = |(certificate, key): (String, String)| {
        store(
            &backend,
            &[("ca", &trusted), ("cert", &certificate), ("key", &key)],
        )
    };
    serves(&stage, &with(authority.signs("node")));
    refuses(&with(other.signs("stranger")));
    refuses(&store(&backend, &[("ca", &trusted)]));
}
