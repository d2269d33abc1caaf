//! Connections that begin with a handshake of TLS.

use std::net::IpAddr;
use std::time::Duration;

use chat_core::Connection;
use chat_core::protocol::Goodbye;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::lines::Lines;
use super::refusal::{REFUSAL_TIMEOUT, refuse};
use crate::link::{Link, Traffic};
use crate::replayed::Replayed;
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
    pub(super) async fn serve(self: Box<Self>, tls: ServerTls, socket: Replayed<TcpStream>, peer: IpAddr) {
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

    fn on(
        self: Box<Self>,
        socket: Encrypted<Replayed<TcpStream>>,
    ) -> Box<Link<Lines<Encrypted<Replayed<TcpStream>>>>> {
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
pub(super) async fn refuse_encrypted(
    tls: ServerTls,
    socket: Replayed<TcpStream>,
    peer: IpAddr,
    goodbye: Goodbye,
) {
    if let Ok(Some(socket)) = timeout(REFUSAL_TIMEOUT, tls.accept(socket, peer)).await {
        refuse(socket, goodbye).await;
    }
}
