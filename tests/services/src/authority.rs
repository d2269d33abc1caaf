//! Certificates for tests of TLS.

#![expect(clippy::expect_used, reason = "what a test signs can be signed")]

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};

/// Who signs certificates.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authority(…)")
    }
}

/// A certificate with its key.
#[derive(Clone, Debug)]
pub struct SignedCertificate {
    /// The certificate in PEM.
    pub certificate: String,
    /// The certificate as it goes over the wire.
    pub der: Vec<u8>,
    /// The key in PEM.
    pub key: String,
}

impl Default for Authority {
    fn default() -> Self {
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate().expect("the system has randomness");
        Self(CertifiedIssuer::self_signed(parameters, key).expect("it can be signed"))
    }
}

impl Authority {
    /// Its own certificate in PEM.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for these hosts, names or addresses.
    pub fn sign(&self, hosts: &[&str]) -> SignedCertificate {
        self.sign_as(&parameters(hosts))
    }

    /// The same, but it has not been valid for years.
    pub fn sign_expired(&self, hosts: &[&str]) -> SignedCertificate {
        let mut parameters = parameters(hosts);
        parameters.not_before = date_time_ymd(2019, 1, 1);
        parameters.not_after = date_time_ymd(2020, 1, 1);
        self.sign_as(&parameters)
    }

    fn sign_as(&self, parameters: &CertificateParams) -> SignedCertificate {
        let key = KeyPair::generate().expect("the system has randomness");
        let signed = parameters.signed_by(&key, &self.0).expect("it can be signed");
        SignedCertificate {
            certificate: signed.pem(),
            der: signed.der().to_vec(),
            key: key.serialize_pem(),
        }
    }

    /// A client that trusts whoever has a certificate of this authority, and nobody else.
    pub fn client(&self) -> Arc<ClientConfig> {
        self.client_of(rustls::DEFAULT_VERSIONS)
    }

    /// The same, which speaks these versions of TLS.
    pub fn client_of(&self, versions: &[&'static SupportedProtocolVersion]) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).expect("it is a certificate");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .expect("the provider has them");
        Arc::new(config.with_root_certificates(roots).with_no_client_auth())
    }
}

fn parameters(hosts: &[&str]) -> CertificateParams {
    let hosts: Vec<String> = hosts.iter().map(|&host| host.to_owned()).collect();
    CertificateParams::new(hosts).expect("the hosts are names or addresses")
}

impl SignedCertificate {
    /// Writes the two files `NAME.pem` and `NAME.key`, in this order, and answers where they are.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn write_to(&self, folder: &Path, name: &str) -> io::Result<(PathBuf, PathBuf)> {
        let certificate = folder.join(format!("{name}.pem"));
        let key = folder.join(format!("{name}.key"));
        std::fs::write(&certificate, &self.certificate)?;
        std::fs::write(&key, &self.key)?;
        Ok((certificate, key))
    }
}
