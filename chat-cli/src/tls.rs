//! Connections by TLS, and what is wrong with those that do not come about.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, InvalidMessage, RootCertStore};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::limits::HANDSHAKE_TIMEOUT;
use crate::transport::{BoxedStream, Dial, Dialing};

/// Names of a certificate that a failure tells at most.
const NAMES_SHOWN: usize = 5;

/// Opens TLS connections to `host:port`, whose certificate has to be for that host.
#[derive(Clone)]
pub struct TlsDialer {
    server: String,
    host: ServerName<'static>,
    connector: TlsConnector,
    handshake_timeout: Duration,
}

impl fmt::Debug for TlsDialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsDialer")
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

/// Why no server can be dialed by TLS.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsSetupError {
    /// The address has no host that a certificate could be for.
    #[error("`{0}` is no address of the form HOST:PORT")]
    Address(String),
    /// The certificates to trust cannot be read.
    #[error("cannot read certificates from {}: {why}", path.display())]
    Authority {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The system has no certificates to trust.
    #[error("this system trusts no certificate")]
    NothingTrusted,
    /// Something else.
    #[error("cannot set up TLS: {0}")]
    Other(#[source] rustls::Error),
}

/// Why a server that was reached is not trusted, or not understood.
///
/// It is the source of the [`io::Error`] of a [`TlsDialer`].
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsFailure {
    /// Whoever signed its certificate is not trusted.
    #[error("its certificate is signed by nobody who is trusted here")]
    UnknownAuthority,
    /// Its certificate is not valid any more.
    #[error("its certificate has expired")]
    Expired,
    /// Its certificate is not valid yet.
    #[error("its certificate is not valid yet, by the clock of this machine")]
    NotYetValid,
    /// Its certificate is for another host.
    #[error("its certificate is not for {expected}, but for {}", presented.join(", "))]
    WrongName {
        /// The host that was dialed.
        expected: String,
        /// The hosts that the certificate names.
        presented: Vec<String>,
    },
    /// What it answered is no TLS.
    #[error("it does not speak TLS")]
    NotTls,
    /// It has not answered in time.
    #[error("it has not answered as TLS does within {} s", .0.as_secs_f32())]
    Silent(Duration),
    /// It ended the connection within the handshake.
    #[error("it ended the connection before TLS had begun")]
    Ended,
    /// Something else.
    #[error("TLS: {0}")]
    Other(rustls::Error),
}

impl TlsFailure {
    /// The failure behind an error of a dialer, where it is one.
    pub fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }

    fn from_handshake(error: io::Error, host: &ServerName<'_>) -> io::Error {
        let cause = error
            .get_ref()
            .and_then(|cause| cause.downcast_ref::<rustls::Error>());
        let failure = match cause {
            Some(cause) => Self::from_rustls(cause, host),
            None if error.kind() == io::ErrorKind::UnexpectedEof => Self::Ended,
            None => return error,
        };
        io::Error::new(io::ErrorKind::InvalidData, failure)
    }

    fn from_rustls(error: &rustls::Error, host: &ServerName<'_>) -> Self {
        use CertificateError::{
            BadSignature, Expired, ExpiredContext, NotValidForName, NotValidForNameContext, NotValidYet,
            NotValidYetContext, UnknownIssuer,
        };
        match error {
            rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => Self::NotTls,
            rustls::Error::InvalidCertificate(error) => match error {
                // The second is an authority of the same name and another key.
                UnknownIssuer | BadSignature => Self::UnknownAuthority,
                Expired | ExpiredContext { .. } => Self::Expired,
                NotValidYet | NotValidYetContext { .. } => Self::NotYetValid,
                NotValidForName => Self::wrong_name(host, &[]),
                NotValidForNameContext { presented, .. } => Self::wrong_name(host, presented),
                other => Self::Other(rustls::Error::InvalidCertificate(other.clone())),
            },
            other => Self::Other(other.clone()),
        }
    }

    fn wrong_name(host: &ServerName<'_>, presented: &[String]) -> Self {
        let nobody = ["nobody".to_owned()];
        let presented = if presented.is_empty() {
            &nobody[..]
        } else {
            presented
        };
        Self::WrongName {
            expected: host.to_str().into_owned(),
            presented: presented
                .iter()
                .take(NAMES_SHOWN)
                .map(|name| shown(name))
                .collect(),
        }
    }
}

/// A name as rustls tells it: `DnsName("localhost")` is localhost.
fn shown(name: &str) -> String {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.unwrap_or(name).trim_matches('"').to_owned()
}

impl TlsDialer {
    /// For the server at `host:port`. It has to be signed by an authority of the file in PEM, or, where none is named, by
    /// one that the system trusts. Blocks on files.
    ///
    /// # Errors
    /// Where the address has no host, or there is nobody to trust.
    pub fn new(server: impl Into<String>, authority: Option<&Path>) -> Result<Self, TlsSetupError> {
        let server = server.into();
        let host = host_of(&server).ok_or_else(|| TlsSetupError::Address(server.clone()))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TlsSetupError::Other)?
            .with_root_certificates(roots(authority)?)
            .with_no_client_auth();
        Ok(Self {
            server,
            host,
            connector: TlsConnector::from(Arc::new(config)),
            handshake_timeout: HANDSHAKE_TIMEOUT,
        })
    }

    /// Sets the time that a handshake may take; 5 s otherwise.
    #[must_use]
    pub const fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.handshake_timeout = timeout;
        self
    }

    async fn connect(&self) -> io::Result<BoxedStream> {
        let stream = TcpStream::connect(&self.server).await?;
        // A chat's frames are small and wait for nothing.
        stream.set_nodelay(true)?;
        let handshake = self.connector.connect(self.host.clone(), stream);
        match timeout(self.handshake_timeout, handshake).await {
            Ok(Ok(stream)) => Ok(Box::new(stream)),
            Ok(Err(error)) => Err(TlsFailure::from_handshake(error, &self.host)),
            Err(_) => {
                let silent = TlsFailure::Silent(self.handshake_timeout);
                Err(io::Error::new(io::ErrorKind::TimedOut, silent))
            }
        }
    }
}

impl Dial for TlsDialer {
    fn dial(&self) -> Dialing<'_> {
        Box::pin(self.connect())
    }

    fn server(&self) -> &str {
        &self.server
    }
}

fn host_of(server: &str) -> Option<ServerName<'static>> {
    let (host, _) = server.rsplit_once(':')?;
    // The brackets of an IPv6 address belong to the port behind it.
    let host = host.trim_start_matches('[').trim_end_matches(']');
    ServerName::try_from(host.to_owned()).ok()
}

fn roots(authority: Option<&Path>) -> Result<RootCertStore, TlsSetupError> {
    let mut roots = RootCertStore::empty();
    let Some(path) = authority else {
        // One unreadable certificate of the system's does not make the others useless.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        return if roots.is_empty() {
            Err(TlsSetupError::NothingTrusted)
        } else {
            Ok(roots)
        };
    };
    let unreadable = |why: String| TlsSetupError::Authority {
        path: path.to_owned(),
        why,
    };
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    for certificate in read.map_err(|error| unreadable(error.to_string()))? {
        roots
            .add(certificate)
            .map_err(|error| unreadable(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(unreadable("it has none".to_owned()));
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_for_the_host_of_an_address() {
        for (server, host) in [
            ("chat.example.com:6000", Some("chat.example.com")),
            ("127.0.0.1:6000", Some("127.0.0.1")),
            ("[::1]:6000", Some("::1")),
            ("chat.example.com", None),
            ("", None),
            ("a b:6000", None),
        ] {
            let found = host_of(server);
            let found = found.as_ref().map(|host| host.to_str().into_owned());
            assert_eq!(found.as_deref(), host, "{server}");
        }
    }

    #[test]
    fn names_of_certificates_are_shown_as_people_write_them() {
        for (told, name) in [
            ("DnsName(\"localhost\")", "localhost"),
            ("chat.example.com", "chat.example.com"),
            ("IpAddress(127.0.0.1)", "127.0.0.1"),
        ] {
            assert_eq!(shown(told), name);
        }
    }
}
