//! A socket that is read again from its beginning.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A socket of which something was read to find out who is there, and is read again by whoever comes after.
#[derive(Debug)]
pub(crate) struct Replayed<S> {
    read: BytesMut,
    socket: S,
}

impl<S> Replayed<S> {
    pub(crate) const fn new(socket: S, read: BytesMut) -> Self {
        Self { read, socket }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Replayed<S> {
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

impl<S: AsyncWrite + Unpin> AsyncWrite for Replayed<S> {
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

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;

    #[tokio::test]
    async fn what_was_read_comes_again_once_and_before_the_rest_however_little_is_asked_for() {
        for size in [1, 3, 5, 100] {
            let mut socket = Replayed::new(&b" and the rest"[..], BytesMut::from("first"));
            let mut all = Vec::new();
            loop {
                let mut piece = vec![0; size];
                let count = socket.read(&mut piece).await.unwrap();
                if count == 0 {
                    break;
                }
                all.extend_from_slice(&piece[..count]);
            }
            assert_eq!(all, b"first and the rest", "by {size}");
            assert_eq!(socket.read.capacity(), 0, "what was read again is kept");
        }
    }
}
