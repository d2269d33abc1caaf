//! Where a connection's bytes come from and go to.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// A two-way byte stream.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A stream of any kind.
pub type BoxedStream = Box<dyn Stream>;

/// A stream on its way.
pub type Dialing<'a> = Pin<Box<dyn Future<Output = io::Result<BoxedStream>> + Send + 'a>>;

/// Opens connections to one server; a client calls it again after each loss.
pub trait Dial: fmt::Debug + Send + Sync + 'static {
    /// Opens a connection.
    fn dial(&self) -> Dialing<'_>;

    /// What messages call the server.
    fn server(&self) -> &str;
}

/// Opens TCP connections to `host:port`.
#[derive(Clone, Debug)]
pub struct TcpDialer {
    server: String,
}

impl TcpDialer {
    /// For the server at `host:port`.
    pub fn new(server: impl Into<String>) -> Self {
        Self {
            server: server.into(),
        }
    }
}

impl Dial for TcpDialer {
    fn dial(&self) -> Dialing<'_> {
        Box::pin(async move {
            let stream = TcpStream::connect(&self.server).await?;
            // A chat's frames are small and wait for nothing.
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as BoxedStream)
        })
    }

    fn server(&self) -> &str {
        &self.server
    }
}
