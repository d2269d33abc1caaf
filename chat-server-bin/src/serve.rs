//! `chat-server serve`: everything in its order, from the address to the last goodbye.

use std::io::Write as _;
use std::net::SocketAddr;

use anyhow::Context as _;
use chat_adapters::tcp;
use chat_core::ports::SendPolicy;
use chat_core::types::NodeId;
use chat_core::{Chat, Limits};
use tokio_util::sync::CancellationToken;

use crate::config::Settings;
use crate::failure::Failure;
use crate::node_name::node_name;
use crate::shutdown::{Signals, serve_until_signal};
use crate::wire_up::{Wired, wire_up};
use crate::{listen, open_files};

/// Runs the server until a signal ends it.
pub(crate) async fn serve(settings: Settings) -> Result<(), Failure> {
    // First the address: a second server on the same store must fail before it touches the store.
    let taken = listen::take(&settings.listen).await?;
    let address = taken.address();
    let node = node_name(&settings.node, address.port())?;
    let wired = wire_up(&settings).await?;
    let chat = start(&settings, &wired, node.clone());
    let signals = Signals::take().context("cannot handle signals")?;
    let listener = taken.listen()?;
    say_ready(&settings, address, &node)?;

    let stop = CancellationToken::new();
    let serving = tcp::serve(listener, chat.clone(), stop.clone().cancelled_owned());
    serve_until_signal(signals, &chat, settings.drain.into(), stop, serving).await?;
    chat.shutdown().await;
    wired.close().await;
    tracing::info!("ended");
    Ok(())
}

fn start(settings: &Settings, wired: &Wired, node: NodeId) -> Chat {
    let limits = open_files::make_room(Limits::from(settings.limits.clone()));
    let policy = if settings.friends_only {
        SendPolicy::Friends
    } else {
        SendPolicy::Anyone
    };
    Chat::builder(wired.backends.clone())
        .limits(limits)
        .node(node)
        .send_policy(policy)
        .start()
}

/// The one line on standard output, for people and for programs that wait for it.
fn say_ready(settings: &Settings, address: SocketAddr, node: &NodeId) -> Result<(), Failure> {
    let version = env!("CARGO_PKG_VERSION");
    let store = settings.store.redacted();
    let mut output = std::io::stdout().lock();
    writeln!(
        output,
        "chat-server {version} ready: listening on {address}, store {store}, node {node}"
    )
    .and_then(|()| output.flush())
    .context("cannot write to standard output; keep it open")?;
    Ok(())
}
