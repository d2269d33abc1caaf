//! A relay of JSON lines and nothing else: what a chat could reach that keeps, checks and promises nothing.
//!
//! `reference-relay [--listen 127.0.0.1:6000] [--answered]` speaks just enough of the protocol that `chat bench
//! direct --unanswered` and `chat bench group --unanswered` can drive it. A frame is parsed into a typed struct, its
//! target looked up, the event encoded once and put into the bounded queue of each receiver, and a receiver's task
//! writes all that waits at once. It is as fast as that can reasonably be, and stands for nothing else.

mod connection;
mod directory;
mod frames;
mod group;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;

use clap::Parser;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use connection::Session;
use directory::Directory;

/// The one that the server has too.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Relays JSON lines between logged-in connections, and does nothing else.
#[derive(Debug, Parser)]
struct Arguments {
    /// Where to listen; the port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:6000")]
    listen: SocketAddr,
    /// Answer each `send` with a `sent`, as a server does, though nothing is stored
    #[arg(long)]
    answered: bool,
}

/// Whether a `send` gets a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Sent,
    Nothing,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let listener = TcpListener::bind(arguments.listen).await?;
    println!("reference-relay ready: listening on {}", listener.local_addr()?);
    let answer = if arguments.answered {
        Answer::Sent
    } else {
        Answer::Nothing
    };
    serve(listener, answer).await
}

/// Serves connections until the listener fails.
async fn serve(listener: TcpListener, answer: Answer) -> anyhow::Result<()> {
    let directory = Arc::new(Directory::default());
    let tasks = TaskTracker::new();
    loop {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        let (session, inbox) = Session::new(Arc::clone(&directory), tasks.clone(), answer);
        let (reader, writer) = socket.into_split();
        // An error of a socket is the end of its connection alone.
        tasks.spawn(async move { connection::read(reader, session).await.ok() });
        tasks.spawn(async move { connection::write(writer, inbox).await.ok() });
    }
}
