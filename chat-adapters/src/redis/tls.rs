//! TLS to the servers: rustls with ring, without a provider for the whole process.

use std::io;
use std::sync::Arc;

use redis::RedisError;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::Tls;

/// Reads whom to trust. Blocks on files.
pub(super) fn connector(tls: &Tls) -> io::Result<TlsConnector> {
    let roots = match &tls.authority {
        Some(path) => {
            let unreadable = |error: &dyn std::fmt::Display| {
                io::Error::other(format!(
                    "cannot read certificates from {}: {error}",
                    path.display()
                ))
            };
            let certificates = CertificateDer::pem_file_iter(path).map_err(|error| unreadable(&error))?;
            let mut roots = RootCertStore::empty();
            for certificate in certificates {
                let certificate = certificate.map_err(|error| unreadable(&error))?;
                roots.add(certificate).map_err(|error| unreadable(&error))?;
            }
            roots
        }
        None => {
            // One unreadable certificate of the system's does not make the others useless.
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            roots
        }
    };
    if roots.is_empty() {
        return Err(io::Error::other(
            "there is no certificate to trust: check the parameter `ca`, or the system's certificates",
        ));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

pub(super) async fn handshake(
    connector: &TlsConnector,
    host: &str,
    stream: TcpStream,
) -> Result<TlsStream<TcpStream>, RedisError> {
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    Ok(connector.connect(name, stream).await?)
}
