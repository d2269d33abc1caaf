//! The accept loop and the tasks of all connections.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use chat_core::Chat;
use chat_core::protocol::{Event, Goodbye};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinError, JoinSet};

use super::acceptor::Acceptor;
use super::link::{Link, part};
use super::outgoing::Outgoing;

/// Refused connections that are told why at the same time; further ones are closed without a word.
const REFUSALS: usize = 64;
/// The time that a refused connection gets to take its goodbye.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(1);
/// The silence after which the system asks whether a peer is still there.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(60);
/// The time between two such questions.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// Serves every connection of `listener` with `chat`, until `shutdown` completes.
///
/// From then on nothing is accepted, and it answers when the last connection has ended: call
/// [`Chat::drain`] at the same time, which ends them. Dropping the future ends all connections at
/// once.
///
/// # Errors
/// Where the listener fails for good. A lack of resources is waited out.
pub async fn serve(listener: TcpListener, chat: Chat, shutdown: impl Future<Output = ()>) -> io::Result<()> {
    let mut acceptor = Acceptor::new(listener);
    let mut connections = Connections {
        chat,
        serving: JoinSet::new(),
        refusing: JoinSet::new(),
    };
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
    while !connections.is_empty() {
        connections.ended().await;
    }
    Ok(())
}

/// The tasks of all connections; dropping it ends them.
struct Connections {
    chat: Chat,
    serving: JoinSet<()>,
    refusing: JoinSet<()>,
}

impl Connections {
    fn start(&mut self, socket: TcpStream, peer: SocketAddr) {
        if let Err(error) = configure(&socket) {
            tracing::debug!(%error, "a connection ended before it began");
            return;
        }
        match self.chat.accept(Some(peer.ip().to_canonical())) {
            Ok(connection) => {
                let link = Link::new(socket, connection, self.chat.limits().close_timeout);
                self.serving.spawn(link.run());
            }
            Err(goodbye) if self.refusing.len() < REFUSALS => {
                self.refusing.spawn(refuse(socket, goodbye));
            }
            Err(_) => {}
        }
    }

    fn is_empty(&self) -> bool {
        self.serving.is_empty() && self.refusing.is_empty()
    }

    /// Waits until a task has ended, where there is one. Cancel safe, as `join_next` is.
    async fn ended(&mut self) {
        let ended = tokio::select! {
            Some(ended) = self.serving.join_next() => ended,
            Some(ended) = self.refusing.join_next() => ended,
            else => return,
        };
        if let Err(error) = ended {
            report(&error);
        }
    }
}

fn report(error: &JoinError) {
    tracing::error!(%error, "the task of a connection failed; its connection is closed");
}

/// Sends without delay, and notices peers that vanished without a word.
fn configure(socket: &TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_AFTER)
        .with_interval(KEEPALIVE_INTERVAL);
    SockRef::from(socket).set_tcp_keepalive(&keepalive)
}

/// Says why, then closes.
async fn refuse(socket: TcpStream, goodbye: Goodbye) {
    let Ok(frame) = Event::Goodbye(goodbye).to_frame().encode() else {
        return;
    };
    let mut outgoing = Outgoing::default();
    outgoing.take(&mut vec![frame]);
    part(socket, outgoing, REFUSAL_TIMEOUT).await;
}
