//! Certificates and keys from files: rustls with ring, without a provider for the whole process.

use std::path::{Path, PathBuf};
use std::sync::Arc;

#[cfg(feature = "grpc")]
use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Who one is towards the other side of a TLS connection: two files in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The certificate, and those between it and its authority.
    pub certificate: PathBuf,
    /// The private key of the certificate.
    pub key: PathBuf,
}

/// What is wrong with the files of TLS. The text names the file, says what to do, and holds nothing of a key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// Certificates cannot be read.
    #[error("cannot read certificates from {}: {why}: name a file with certificates in PEM", path.display())]
    Certificates {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A private key cannot be read.
    #[error("cannot read a private key from {}: name a file with a private key in PEM that this process may read", path.display())]
    Key {
        /// The file.
        path: PathBuf,
    },
    /// The key is not that of the certificate, or one of the two is of a kind that is not supported.
    #[error("the key in {} does not fit the certificate in {}: {why}", key.display(), certificate.display())]
    Identity {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// What is wrong with the two.
        why: String,
    },
    /// The system has no certificates to trust.
    #[error("the system trusts no certificate: name a file with those to trust")]
    NothingTrusted,
    /// Something else.
    #[error("cannot set up TLS: {0}")]
    Other(String),
}

/// What does the cryptography.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// The certificates of a file, at least one. Blocks.
pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let unreadable = |why: String| TlsError::Certificates {
        path: path.to_owned(),
        why,
    };
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = read.map_err(|error| unreadable(error.to_string()))?;
    if certificates.is_empty() {
        return Err(unreadable("it has none".to_owned()));
    }
    Ok(certificates)
}

/// The private key of a file. Blocks.
pub(crate) fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    // Why it cannot be read is left out, since it might quote the file.
    PrivateKeyDer::from_pem_file(path).map_err(|_| TlsError::Key {
        path: path.to_owned(),
    })
}

/// Whom to trust: those of a file alone, or those that the system trusts. Blocks.
#[cfg(feature = "grpc")]
pub(crate) fn roots(authority: Option<&Path>) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    match authority {
        Some(path) => {
            for certificate in certificates(path)? {
                roots.add(certificate).map_err(|error| TlsError::Certificates {
                    path: path.to_owned(),
                    why: error.to_string(),
                })?;
            }
        }
        None => {
            // One unreadable certificate of the system's does not make the others useless.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() {
        return Err(TlsError::NothingTrusted);
    }
    Ok(roots)
}

impl Identity {
    /// The error of a certificate that is of no use.
    #[cfg(feature = "tls")]
    pub(crate) fn unusable(&self, why: &str) -> TlsError {
        TlsError::Certificates {
            path: self.certificate.clone(),
            why: why.to_owned(),
        }
    }

    /// The error of two files that do not go together.
    pub(crate) fn mismatch(&self, error: &rustls::Error) -> TlsError {
        TlsError::Identity {
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            why: error.to_string(),
        }
    }
}
