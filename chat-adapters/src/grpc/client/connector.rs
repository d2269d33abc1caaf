//! The way to one backend: TCP, and TLS over it.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::codegen::Service;
use tonic::codegen::http::Uri;

use super::ClientTls;
use crate::grpc::TlsError;
use crate::pem::{certificates, key, provider, roots};

/// What both sides agree on within TLS.
const HTTP_2: &[u8] = b"h2";

/// A stream that either is encrypted or is not.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Connects to backends. Cheap to clone.
#[derive(Clone)]
pub(super) struct Connector {
    tls: Option<TlsConnector>,
}

impl Connector {
    /// Reads whom to trust and who the node is. Blocks on files.
    pub(super) fn new(tls: Option<&ClientTls>) -> Result<Self, TlsError> {
        let tls = tls.map(encrypting).transpose()?;
        Ok(Self { tls })
    }

    pub(super) const fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }

    async fn connect(self, address: Uri) -> io::Result<TokioIo<Box<dyn Stream>>> {
        let malformed = || io::Error::new(io::ErrorKind::InvalidInput, "its address is not HOST:PORT");
        let host = address.host().ok_or_else(malformed)?;
        // The brackets of an IPv6 address belong to the URL.
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let port = address.port_u16().ok_or_else(malformed)?;
        let stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        let stream: Box<dyn Stream> = match &self.tls {
            None => Box::new(stream),
            Some(tls) => {
                let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
                Box::new(tls.connect(name, stream).await?)
            }
        };
        Ok(TokioIo::new(stream))
    }
}

fn encrypting(tls: &ClientTls) -> Result<TlsConnector, TlsError> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Other(error.to_string()))?
        .with_root_certificates(roots(tls.authority.as_deref())?);
    let mut config = match &tls.identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let certificates = certificates(&identity.certificate)?;
            let mismatch = |error| identity.mismatch(&error);
            builder
                .with_client_auth_cert(certificates, key(&identity.key)?)
                .map_err(mismatch)?
        }
    };
    config.alpn_protocols = vec![HTTP_2.to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Box<dyn Stream>>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, address: Uri) -> Self::Future {
        Box::pin(self.clone().connect(address))
    }
}
