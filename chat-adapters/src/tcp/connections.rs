//! The tasks of all connections of a listener.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::BytesMut;
use chat_core::protocol::Goodbye;
use chat_core::{Chat, Connection, GoodbyeCode};
use ipnet::IpNet;
use tokio::net::TcpStream;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

#[cfg(feature = "tls")]
use super::encrypted::{Admitted, refuse_encrypted};
use super::introduction::{Introduced, Refusal, introduce};
use super::keepalive::Keepalive;
use super::lines::Lines;
use super::meters::{REFUSED_HEADERS, SILENT_REFUSALS, traffic};
use super::refusal::refuse;
use crate::link::{Link, Traffic};
#[cfg(feature = "tls")]
use crate::replayed::Replayed;
#[cfg(feature = "tls")]
use crate::tls::ServerTls;

/// Refused connections that are told why at the same time; further ones are closed without a word.
const REFUSALS: usize = 64;
/// The time in which a load balancer has to send its header.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);
/// The time between two warnings about refused headers; the counter has them all.
const WARNING_PAUSE: Duration = Duration::from_secs(60);

/// What [`Serve`](super::Serve) was told.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) proxies: Vec<IpNet>,
    pub(super) header_timeout: Duration,
    pub(super) keepalive: Option<Keepalive>,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<ServerTls>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            proxies: Vec::new(),
            header_timeout: HEADER_TIMEOUT,
            keepalive: Some(Keepalive::default()),
            #[cfg(feature = "tls")]
            tls: None,
        }
    }
}

/// The tasks of all connections; dropping it ends them.
#[derive(Debug)]
pub(super) struct Connections {
    chat: Chat,
    options: Options,
    /// Those from a load balancer that has not yet said for whom.
    introducing: JoinSet<Introduced>,
    serving: JoinSet<()>,
    refusing: JoinSet<()>,
    warned_at: Option<Instant>,
    traffic: Traffic,
}

impl Connections {
    pub(super) fn new(chat: Chat, options: Options) -> Self {
        Self {
            chat,
            options,
            introducing: JoinSet::new(),
            serving: JoinSet::new(),
            refusing: JoinSet::new(),
            warned_at: None,
            traffic: traffic(),
        }
    }

    pub(super) fn start(&mut self, socket: TcpStream, peer: SocketAddr) {
        if let Err(error) = self.configure(&socket) {
            tracing::debug!(%error, "a connection ended before it began");
            return;
        }
        let peer = peer.ip().to_canonical();
        if self.options.proxies.iter().any(|network| network.contains(&peer)) {
            self.introduce(socket, peer);
        } else {
            self.admit(socket, peer, BytesMut::new());
        }
    }

    /// Waits for the header apart from the chat, which has to know the address first. Until then
    /// the connection counts only among all.
    fn introduce(&mut self, socket: TcpStream, peer: IpAddr) {
        let limits = self.chat.limits();
        if self.introducing.len() + self.chat.connection_count() < limits.connections {
            let introduction = introduce(socket, peer, self.options.header_timeout);
            self.introducing.spawn(introduction);
        } else {
            let retry_after = Some(limits.retry_after);
            let goodbye = Goodbye::new(GoodbyeCode::TooManyConnections, retry_after);
            self.refuse(socket, peer, BytesMut::new(), goodbye);
        }
    }

    /// Lets a client in, of which something may have been `read` after the header.
    fn admit(&mut self, socket: TcpStream, address: IpAddr, read: BytesMut) {
        match self.chat.accept(Some(address)) {
            Ok(connection) => self.serve(socket, address, read, connection),
            Err(goodbye) => self.refuse(socket, address, read, goodbye),
        }
    }

    #[cfg_attr(
        not(feature = "tls"),
        expect(unused_variables, reason = "only handshakes that fail tell of the address")
    )]
    fn serve(&mut self, socket: TcpStream, address: IpAddr, read: BytesMut, connection: Connection) {
        let close_timeout = self.chat.limits().close_timeout;
        let traffic = self.traffic.clone();
        #[cfg(feature = "tls")]
        if let Some(tls) = self.options.tls.clone() {
            let admitted = Box::new(Admitted {
                connection,
                close_timeout,
                traffic,
            });
            let socket = Replayed::new(socket, read);
            self.serving.spawn(admitted.serve(tls, socket, address));
            return;
        }
        traffic.received.increment(read.len() as u64);
        let lines = Lines::new(socket, connection.max_frame(), &read);
        let link = Link::new(lines, connection, close_timeout, traffic);
        self.serving.spawn(Box::new(link).run());
    }

    #[cfg_attr(
        not(feature = "tls"),
        expect(unused_variables, reason = "a goodbye in the clear needs neither")
    )]
    fn refuse(&mut self, socket: TcpStream, address: IpAddr, read: BytesMut, goodbye: Goodbye) {
        if self.refusing.len() >= REFUSALS {
            SILENT_REFUSALS.count(&[]).increment(1);
            return;
        }
        #[cfg(feature = "tls")]
        if let Some(tls) = self.options.tls.clone() {
            let socket = Replayed::new(socket, read);
            self.refusing
                .spawn(refuse_encrypted(tls, socket, address, goodbye));
            return;
        }
        self.refusing.spawn(refuse(socket, goodbye));
    }

    /// Closes the connections that have no address yet.
    pub(super) fn introduce_no_more(&mut self) {
        self.introducing = JoinSet::new();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.serving.is_empty() && self.refusing.is_empty() && self.introducing.is_empty()
    }

    /// Waits until a task has ended, where there is one. Cancel safe, as `join_next` is.
    pub(super) async fn ended(&mut self) {
        let ended = tokio::select! {
            Some(ended) = self.serving.join_next() => ended,
            Some(ended) = self.refusing.join_next() => ended,
            Some(ended) = self.introducing.join_next() => ended.map(|introduced| self.introduced(introduced)),
            else => return,
        };
        if let Err(error) = ended {
            report(&error);
        }
    }

    fn introduced(&mut self, introduced: Introduced) {
        match introduced {
            Introduced::As {
                socket,
                address,
                read,
            } => self.admit(socket, address, read),
            Introduced::Gone => {}
            Introduced::Refused { peer, refusal } => self.refused(peer, refusal),
        }
    }

    /// A load balancer that sends no header is one mistake in its settings, and not one for every
    /// connection.
    fn refused(&mut self, peer: IpAddr, refusal: Refusal) {
        REFUSED_HEADERS.count(&[refusal.name()]).increment(1);
        let now = Instant::now();
        if self
            .warned_at
            .is_none_or(|warned_at| now >= warned_at + WARNING_PAUSE)
        {
            self.warned_at = Some(now);
            tracing::warn!(
                %peer,
                reason = refusal.name(),
                "a connection was closed because it did not begin with a PROXY header; see the load \
                 balancer's settings. This is said once a minute"
            );
        }
    }

    /// Sends without delay, and notices peers that vanished without a word.
    fn configure(&self, socket: &TcpStream) -> io::Result<()> {
        socket.set_nodelay(true)?;
        self.options
            .keepalive
            .map_or(Ok(()), |keepalive| keepalive.set_on(socket))
    }
}

fn report(error: &JoinError) {
    tracing::error!(%error, "the task of a connection failed; its connection is closed");
}
