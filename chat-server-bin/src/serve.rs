//! `chat-server serve`: a server for clients, from the address to the last goodbye.

use std::time::Duration;

use chat_adapters::tcp::{Keepalive, Serve};
use chat_core::ports::SendPolicy;
use chat_core::{Chat, ChatBuilder, Limits, NodeRole};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::config::Settings;
use crate::failure::Failure;
use crate::host::{Place, Start};
use crate::open_files;
use crate::shutdown::{drain, serve_until_signal};
use crate::wire_up::wire_up;

/// How often TCP asks again in as long a time as `tcp_keepalive`, once it has asked first.
const QUESTIONS_IN_A_SILENCE: u32 = 4;

/// Runs the server until a signal ends it.
pub(crate) async fn serve(start: Start) -> Result<(), Failure> {
    let place = Place::take(&start.settings, NodeRole::Clients).await?;
    let wired = wire_up(&start.settings, NodeRole::Clients).await?;
    let (mut host, listener, signals) = place.start(start, &wired, set_up)?;
    let websockets = host.settings.borrow().websocket.endpoint(host.chat.clone());
    host.let_in(websockets.clone());
    host.say_ready(NodeRole::Clients)?;

    let stop = CancellationToken::new();
    let tcp = tcp_server(&host.settings.borrow(), listener, &host.chat);
    let tcp = match host.tls() {
        Some(tls) => tcp.tls(tls),
        None => tcp,
    };
    let tcp = tcp.until(stop.clone().cancelled_owned());
    let serving = async move {
        tcp.await?;
        websockets.closed().await;
        Ok(())
    };
    let draining = async |serving| {
        stop.cancel();
        let spread = host.settings.borrow().drain.into();
        drain(&host.chat, spread, serving).await;
    };
    serve_until_signal(signals, &host.chat, &mut host.tasks, serving, draining).await?;
    host.end(wired).await;
    Ok(())
}

fn set_up(node: ChatBuilder, settings: &Settings) -> ChatBuilder {
    let limits = Limits::from(settings.limits.clone());
    let limits = Limits {
        connections: open_files::make_room(limits.connections, "limits.connections"),
        ..limits
    };
    let policy = if settings.friends_only {
        SendPolicy::Friends
    } else {
        SendPolicy::Anyone
    };
    node.limits(limits).send_policy(policy)
}

fn tcp_server(settings: &Settings, listener: TcpListener, chat: &Chat) -> Serve {
    let after = Duration::from(settings.tcp_keepalive);
    let keepalive = (!after.is_zero()).then_some(Keepalive {
        after,
        interval: after / QUESTIONS_IN_A_SILENCE,
    });
    Serve::new(listener, chat.clone())
        .proxy_protocol_from(settings.proxy_protocol_from.iter())
        .proxy_header_timeout(settings.proxy_header_timeout.into())
        .keepalive(keepalive)
}
