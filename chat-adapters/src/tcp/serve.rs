//! The accept loop and its options.

use std::io;
use std::time::Duration;

use chat_core::Chat;
use ipnet::IpNet;
use tokio::net::TcpListener;

use super::connections::{Connections, Options};
use super::keepalive::Keepalive;
use super::meters::ACCEPT_FAILURES;
use crate::acceptor::Acceptor;
#[cfg(feature = "tls")]
use crate::tls::ServerTls;

/// Serves every connection of `listener` with `chat`, until `shutdown` completes: a [`Serve`] without
/// options.
///
/// # Errors
/// Where the listener fails for good. A lack of resources is waited out.
pub async fn serve(listener: TcpListener, chat: Chat, shutdown: impl Future<Output = ()>) -> io::Result<()> {
    Serve::new(listener, chat).until(shutdown).await
}

/// A listener and the chat behind it, with options.
///
/// ```
/// # async fn example(listener: tokio::net::TcpListener, chat: chat_core::Chat) -> std::io::Result<()> {
/// use chat_adapters::tcp::{Keepalive, Serve};
///
/// Serve::new(listener, chat)
///     .proxy_protocol_from(["10.0.0.0/8".parse().expect("a network")])
///     .keepalive(Some(Keepalive::default()))
///     .until(std::future::pending())
///     .await
/// # }
/// ```
#[derive(Debug)]
#[must_use = "nothing is served before `until`"]
pub struct Serve {
    listener: TcpListener,
    chat: Chat,
    options: Options,
}

impl Serve {
    /// A listener and the chat behind it.
    pub fn new(listener: TcpListener, chat: Chat) -> Self {
        Self {
            listener,
            chat,
            options: Options::default(),
        }
    }

    /// Sets the networks of the load balancers; none otherwise.
    ///
    /// Every connection from there has to begin with a header of the PROXY protocol, version 1 or 2,
    /// and counts as coming from the address that the header names. From anywhere else such a header
    /// is a wrong frame, and the address in it is not believed.
    pub fn proxy_protocol_from(mut self, peers: impl IntoIterator<Item = IpNet>) -> Self {
        self.options.proxies = peers.into_iter().collect();
        self
    }

    /// Sets the time in which that header has to come; 5 s otherwise.
    pub const fn proxy_header_timeout(mut self, timeout: Duration) -> Self {
        self.options.header_timeout = timeout;
        self
    }

    /// Sets when a silent peer is asked whether it is still there, or that it never is; the
    /// [default](Keepalive::default) otherwise.
    pub const fn keepalive(mut self, keepalive: Option<Keepalive>) -> Self {
        self.options.keepalive = keepalive;
        self
    }

    /// Sets that every connection begins with a handshake of TLS, behind the PROXY header where there is one; in the
    /// clear otherwise.
    ///
    /// A connection counts among all of the chat while it shakes hands, and has no longer for it than for its login.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: ServerTls) -> Self {
        self.options.tls = Some(tls);
        self
    }

    /// Serves until `shutdown` completes.
    ///
    /// From then on nothing is accepted, and it answers when the last connection has ended: call
    /// [`Chat::drain`] at the same time, which ends them. Dropping the future ends all connections at
    /// once.
    ///
    /// # Errors
    /// Where the listener fails for good. A lack of resources is waited out.
    pub async fn until(self, shutdown: impl Future<Output = ()>) -> io::Result<()> {
        let mut acceptor = Acceptor::new(self.listener, ACCEPT_FAILURES);
        let mut connections = Connections::new(self.chat, self.options);
        tokio::pin!(shutdown);
        loop {
            // Every branch is cancel safe: `shutdown` is only borrowed, `next` keeps its state in the
            // acceptor, and `ended` takes nothing before it is ready.
            tokio::select! {
                () = &mut shutdown => break,
                accepted = acceptor.next() => {
                    let (socket, peer) = accepted?;
                    connections.start(socket, peer);
                }
                () = connections.ended(), if !connections.is_empty() => {}
            }
        }
        drop(acceptor);
        connections.introduce_no_more();
        while !connections.is_empty() {
            connections.ended().await;
        }
        Ok(())
    }
}
