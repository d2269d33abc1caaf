//! The beginning of a connection: TLS where it is asked for, then the words that open HTTP/2.

use std::io;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::net::TcpStream;

use super::tls::ServerTls;
use crate::replayed::Replayed;

/// What every connection of HTTP/2 begins with.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Why a connection does not come about.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unfit {
    /// The peer has none of the right certificates, trusts none of this side's, or does not speak TLS at all.
    #[error("TLS: {0}")]
    Tls(io::Error),
    /// The peer speaks something else.
    #[error("it does not begin as HTTP/2 does{hint}")]
    Preface {
        /// What it might be instead.
        hint: &'static str,
    },
    /// The peer went away before.
    #[error("it ended before it began")]
    Gone,
}

/// A socket, encrypted or not.
pub(super) trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Socket for S {}

/// A socket of which the preface was read already, and is read again by whoever comes after.
pub(super) type Begun = Replayed<Box<dyn Socket>>;

/// Reads until it is certain that the peer speaks HTTP/2.
pub(super) async fn begin(socket: TcpStream, tls: Option<&ServerTls>) -> Result<Begun, Unfit> {
    socket.set_nodelay(true).map_err(|_| Unfit::Gone)?;
    let mut socket: Box<dyn Socket> = match tls {
        Some(tls) => Box::new(tls.0.accept(socket).await.map_err(Unfit::Tls)?),
        None => Box::new(socket),
    };
    let mut read = [0; PREFACE.len()];
    let mut filled = 0;
    while let Some(room @ [_, ..]) = read.get_mut(filled..) {
        let count = socket.read(room).await.map_err(|_| Unfit::Gone)?;
        let end = filled + count;
        if PREFACE.get(filled..end) != read.get(filled..end) {
            return Err(Unfit::Preface { hint: hint(&read) });
        }
        if count == 0 {
            return Err(Unfit::Gone);
        }
        filled = end;
    }
    Ok(Begun::new(socket, BytesMut::from(&read[..])))
}

fn hint(read: &[u8]) -> &'static str {
    match read {
        // A TLS record that holds a greeting.
        [0x16, 0x03, ..] => ", but as TLS: this backend has no certificate",
        _ => "",
    }
}
