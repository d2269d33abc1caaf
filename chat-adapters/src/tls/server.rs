//! Handshakes with clients.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::server::NoServerSessionStorage;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::certificates::Certificates;
use super::encrypted::Encrypted;
use super::failure::{Failure, Failures, SUCCESS};
use super::meters::HANDSHAKES;
use crate::pem::{TlsError, provider};

/// The time that a handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// What HTTP/1.1 is called among the protocols within TLS.
const HTTP_1_1: &[u8] = b"http/1.1";

/// Shakes hands with clients. Cheap to clone.
#[derive(Clone)]
pub struct ServerTls {
    acceptor: TlsAcceptor,
    handshake_timeout: Duration,
    failures: Arc<Failures>,
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerTls(…)")
    }
}

impl ServerTls {
    /// For a protocol that has no name within TLS, as lines over TCP.
    ///
    /// # Errors
    /// [`TlsError::Other`] where rustls cannot be set up.
    pub fn new(certificates: &Certificates) -> Result<Self, TlsError> {
        Self::speaking(certificates, &[])
    }

    /// For HTTP/1.1, also where it becomes a WebSocket. A client that speaks other versions alone is refused.
    ///
    /// # Errors
    /// [`TlsError::Other`] where rustls cannot be set up.
    pub fn http(certificates: &Certificates) -> Result<Self, TlsError> {
        Self::speaking(certificates, &[HTTP_1_1])
    }

    /// Sets the time that a handshake may take; 10 s otherwise.
    #[must_use]
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.handshake_timeout = timeout;
        self
    }

    fn speaking(certificates: &Certificates, protocols: &[&[u8]]) -> Result<Self, TlsError> {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::Other(error.to_string()))?
            .with_no_client_auth()
            .with_cert_resolver(certificates.resolver());
        config.alpn_protocols = protocols.iter().map(|&protocol| protocol.to_vec()).collect();
        // Whoever resumed a session would not see a new certificate, and a handshake costs little.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            handshake_timeout: HANDSHAKE_TIMEOUT,
            failures: Arc::default(),
        })
    }

    /// Shakes hands on a socket of this client; `None` where that fails, which is counted and told. Cancelling it closes
    /// the socket.
    pub async fn accept<S>(&self, socket: S, peer: IpAddr) -> Option<Encrypted<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        // Boxed, because it would make the task of every connection larger for as long as that lasts.
        let handshake = Box::pin(self.acceptor.accept(socket));
        let failure = match timeout(self.handshake_timeout, handshake).await {
            Ok(Ok(encrypted)) => {
                HANDSHAKES.count(&[SUCCESS]).increment(1);
                return Some(Encrypted(encrypted));
            }
            Ok(Err(error)) => Failure::of(&error),
            Err(_) => Failure::Late,
        };
        self.failures.tell(peer, &failure);
        None
    }
}
