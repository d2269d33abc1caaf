//! TLS on the side of a backend: rustls with ring, without a provider for the whole process.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::server::WebPkiClientVerifier;
use tokio_rustls::TlsAcceptor;

use crate::pem::{Identity, TlsError, certificates, key, provider, roots};

/// Who a backend is towards nodes, and which nodes it takes.
#[derive(Clone)]
pub struct ServerTls(pub(super) TlsAcceptor);

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerTls(…)")
    }
}

impl ServerTls {
    /// Reads the certificate and its key and, for mutual TLS, the authority that the certificates of all nodes have to
    /// come from. Blocks on files.
    ///
    /// # Errors
    /// Where a file cannot be read, or the key is not that of the certificate.
    pub fn load(files: &Identity, client_authority: Option<&Path>) -> Result<Self, TlsError> {
        let other = |error: &dyn fmt::Display| TlsError::Other(error.to_string());
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| other(&error))?;
        let config = match client_authority {
            Some(authority) => {
                let roots = Arc::new(roots(Some(authority))?);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider()).build();
                config.with_client_cert_verifier(verifier.map_err(|error| other(&error))?)
            }
            None => config.with_no_client_auth(),
        };
        let mut config = config
            .with_single_cert(certificates(&files.certificate)?, key(&files.key)?)
            .map_err(|error| files.mismatch(&error))?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }
}
