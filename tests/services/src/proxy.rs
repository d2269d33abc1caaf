use std::io;
use std::net::SocketAddr;
use std::sync::mpsc::{SyncSender, sync_channel};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::ports::free_port;
use crate::wait::{DEADLINE, late};

/// What one direction of a connection holds while it is stalled; the rest waits in the sockets.
const BUFFER_BYTES: usize = 16 * 1_024;
/// Further connections wait in the backlog.
const MAX_CONNECTIONS: usize = 4_096;
/// Commands that wait at the same time.
const MAX_COMMANDS: usize = 16;

/// Passes connections on to one address, and breaks them on command. Dropping it closes them.
///
/// Its methods return when what they say is done, and may be called from asynchronous code.
#[derive(Debug)]
pub struct TcpProxy {
    address: SocketAddr,
    commands: mpsc::Sender<Command>,
    runtime: Option<Runtime>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Passing,
    Stalled,
    Cut,
}

struct Command {
    mode: Mode,
    done: SyncSender<io::Result<()>>,
}

impl TcpProxy {
    /// Listens on a free address and passes every connection on to `target`.
    ///
    /// # Errors
    /// Where no port or thread can be had.
    pub fn start(target: SocketAddr) -> io::Result<Self> {
        // A single thread, so that a change of mode comes before or after a piece of data, and never with it.
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("tcp-proxy")
            .enable_io()
            .build()?;
        let address = free_port()?;
        let (commands, incoming) = mpsc::channel(MAX_COMMANDS);
        let front = Front {
            address,
            target,
            mode: watch::Sender::new(Mode::Cut),
            listener: None,
            connections: JoinSet::new(),
        };
        runtime.spawn(front.run(incoming));
        let proxy = Self {
            address,
            commands,
            runtime: Some(runtime),
        };
        proxy.resume()?;
        Ok(proxy)
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes all connections and refuses new ones.
    ///
    /// # Errors
    /// Where the proxy has failed.
    pub fn cut(&self) -> io::Result<()> {
        self.set(Mode::Cut)
    }

    /// Keeps all connections open and passes nothing on, not even their ends. New connections are taken and wait too.
    /// What is sent meanwhile waits, until the sockets are full and senders wait as well.
    ///
    /// # Errors
    /// Where the proxy has failed, or was cut and can't listen again.
    pub fn stall(&self) -> io::Result<()> {
        self.set(Mode::Stalled)
    }

    /// Passes on again, what has waited first; after [`cut`](Self::cut), takes connections again.
    ///
    /// # Errors
    /// Where the proxy has failed, or was cut and can't listen again.
    pub fn resume(&self) -> io::Result<()> {
        self.set(Mode::Passing)
    }

    fn set(&self, mode: Mode) -> io::Result<()> {
        let (done, answer) = sync_channel(1);
        self.commands
            .try_send(Command { mode, done })
            .map_err(io::Error::other)?;
        answer
            .recv_timeout(DEADLINE)
            .map_err(|_| late("the proxy's answer"))?
    }
}

impl Drop for TcpProxy {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Waiting for its thread is not allowed in asynchronous tests.
            runtime.shutdown_background();
        }
    }
}

/// The listening side.
struct Front {
    address: SocketAddr,
    target: SocketAddr,
    mode: watch::Sender<Mode>,
    listener: Option<TcpListener>,
    connections: JoinSet<io::Result<()>>,
}

impl Front {
    async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        loop {
            let takes_more = self.connections.len() < MAX_CONNECTIONS;
            // Every branch is cancel-safe: a connection stays in the backlog, a command in its queue.
            tokio::select! {
                command = commands.recv() => {
                    let Some(Command { mode, done }) = command else { return };
                    // Whoever asked may have stopped waiting.
                    let _ = done.send(self.set(mode).await);
                }
                Some(connection) = accept(self.listener.as_ref()), if takes_more => {
                    let (target, mode) = (self.target, self.mode.subscribe());
                    self.connections.spawn(carry(connection, target, mode));
                }
                Some(_) = self.connections.join_next() => {}
            }
        }
    }

    async fn set(&mut self, mode: Mode) -> io::Result<()> {
        self.mode.send_replace(mode);
        if mode == Mode::Cut {
            self.listener = None;
            self.connections.shutdown().await;
        } else if self.listener.is_none() {
            self.listener = Some(TcpListener::bind(self.address).await?);
        }
        Ok(())
    }
}

/// The next connection; `None` where none can come, or one failed before it was taken.
async fn accept(listener: Option<&TcpListener>) -> Option<TcpStream> {
    Some(listener?.accept().await.ok()?.0)
}

/// Carries one connection until both directions have ended, or one has failed.
async fn carry(client: TcpStream, target: SocketAddr, mode: watch::Receiver<Mode>) -> io::Result<()> {
    passing(&mut mode.clone()).await?;
    let server = TcpStream::connect(target).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::try_join!(
        pass(from_client, to_server, mode.clone()),
        pass(from_server, to_client, mode),
    )?;
    Ok(())
}

/// Carries one direction to its end.
async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut mode: watch::Receiver<Mode>,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        passing(&mut mode).await?;
        // Cancel-safe: a read or a write that is given up has moved nothing.
        let count = tokio::select! {
            biased;
            _ = mode.changed() => continue,
            count = from.read(&mut buffer) => count?,
        };
        let mut rest = buffer.get(..count).unwrap_or_default();
        while !rest.is_empty() {
            passing(&mut mode).await?;
            tokio::select! {
                biased;
                _ = mode.changed() => {}
                written = to.write(rest) => rest = rest.get(written?..).unwrap_or_default(),
            }
        }
        if count == 0 {
            passing(&mut mode).await?;
            return to.shutdown().await;
        }
    }
}

async fn passing(mode: &mut watch::Receiver<Mode>) -> io::Result<()> {
    let passing = mode.wait_for(|mode| *mode == Mode::Passing).await;
    passing.map(drop).map_err(io::Error::other)
}
