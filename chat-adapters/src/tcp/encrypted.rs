//! Connections that begin with a handshake of TLS.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf as _, BytesMut};
use chat_core::Connection;
use chat_core::protocol::Goodbye;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::lines::Lines;
use super::refusal::{REFUSAL_TIMEOUT, refuse};
use crate::link::{Link, Traffic};
use crate::tls::{Encrypted, ServerTls};

/// A connection that the chat admitted, before its handshake: it counts among all, as do its address and its time to log
/// in.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) connection: Connection,
    pub(super) close_timeout: Duration,
    pub(super) traffic: Traffic,
}

impl Admitted {
    /// Boxed, because a future keeps what it is given twice.
    pub(super) async fn serve(self: Box<Self>, tls: ServerTls, socket: Replayed, peer: IpAddr) {
        let end = self.connection.end();
        // Cancel safe: a connection whose end is due is given up with all that belongs to it.
        let encrypted = tokio::select! {
            encrypted = tls.accept(socket, peer) => encrypted,
            () = end.overdue() => None,
        };
        drop((tls, end));
        if let Some(socket) = encrypted {
            self.on(socket).run().await;
        }
    }

    fn on(self: Box<Self>, socket: Encrypted<Replayed>) -> Box<Link<Lines<Encrypted<Replayed>>>> {
        let Self {
            connection,
            close_timeout,
            traffic,
        } = *self;
        let lines = Lines::new(socket, connection.max_frame(), &[]);
        Box::new(Link::new(lines, connection, close_timeout, traffic))
    }
}

/// Says why, once the handshake is over, then closes.
pub(super) async fn refuse_encrypted(tls: ServerTls, socket: Replayed, peer: IpAddr, goodbye: Goodbye) {
    if let Ok(Some(socket)) = timeout(REFUSAL_TIMEOUT, tls.accept(socket, peer)).await {
        refuse(socket, goodbye).await;
    }
}

/// A socket of which something was read before the handshake, and is read again by it.
#[derive(Debug)]
pub(super) struct Replayed {
    read: BytesMut,
    socket: TcpStream,
}

impl Replayed {
    pub(super) const fn new(socket: TcpStream, read: BytesMut) -> Self {
        Self { read, socket }
    }
}

impl AsyncRead for Replayed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.read.is_empty() {
            return Pin::new(&mut self.socket).poll_read(cx, buffer);
        }
        let count = self.read.len().min(buffer.remaining());
        buffer.put_slice(self.read.get(..count).unwrap_or_default());
        self.read.advance(count);
        if self.read.is_empty() {
            self.read = BytesMut::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Replayed {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }
}
