//! `chat-server serve`: everything in its order, from the address to the last goodbye.

use std::io::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use chat_adapters::tcp::{Keepalive, Serve};
use chat_core::ports::{Level, SendPolicy};
use chat_core::types::NodeId;
use chat_core::{Chat, Limits, Usage};
use serde_json::{Map, Value};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::arguments::Arguments;
use crate::config::Settings;
use crate::failure::Failure;
use crate::http::{self, Door};
use crate::listen::{self, CLIENTS};
use crate::node_name::node_name;
use crate::reload::Reload;
use crate::shutdown::{Signals, serve_until_signal};
use crate::tasks::Tasks;
use crate::telemetry::{Levels, Traced};
use crate::wire_up::{Wired, wire_up};
use crate::{event_log, open_files, process};

/// How often TCP asks again in as long a time as `tcp_keepalive`, once it has asked first.
const QUESTIONS_IN_A_SILENCE: u32 = 4;

/// Runs the server until a signal ends it.
pub(crate) async fn serve(
    settings: Settings,
    arguments: Arguments,
    levels: Levels,
    traced: Traced,
) -> Result<(), Failure> {
    // A signal that came before it is handled would end the process.
    let hangup = signal(SignalKind::hangup()).context("cannot handle signals")?;
    // First the addresses: a second server on the same store must fail before it touches the store.
    let taken = listen::take(CLIENTS, &settings.listen).await?;
    let http = http::take(settings.http_address()).await?;
    let address = taken.address();
    let node = node_name(&settings.node, address.port())?;
    let mut tasks = Tasks::default();
    let door = http.map(|taken| Door::open(taken, &mut tasks)).transpose()?;
    let mut wired = wire_up(&settings).await?;
    if let Some(log) = event_log::open(&settings, &node)? {
        wired.backends.log = traced.counted_in(log);
    }
    let chat = start(&settings, &wired, node.clone());
    let traced_stop = tasks.stop_token().child_token();
    tasks.spawn("traced", traced.record(chat.clone(), traced_stop.clone()));
    let signals = Signals::take().context("cannot handle signals")?;
    let listener = taken.listen()?;
    if let Some(door) = &door {
        door.show(chat.clone());
    }
    chat.record(Level::Info, "node_ready", ready_fields(address));
    say_ready(&settings, address, door.as_ref(), &node)?;

    let stop = CancellationToken::new();
    let serving = tcp_server(&settings, listener, &chat).until(stop.clone().cancelled_owned());
    let (running, in_effect) = watch::channel(settings);
    let reload = Reload {
        arguments,
        running,
        levels,
        chat: chat.clone(),
    };
    tasks.spawn("reload", reload.at_each(hangup, tasks.stop_token().clone()));
    let spread = || in_effect.borrow().drain.into();
    serve_until_signal(signals, &chat, &mut tasks, spread, stop, serving).await?;
    // The node's last record is that it has stopped.
    traced_stop.cancel();
    chat.shutdown().await;
    wired.close().await;
    tasks.stop().await;
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
        .settings(settings.by_key())
        .names_in_log(settings.event_log_names.into())
        .usage(|| Usage {
            memory_bytes: process::resident_memory(),
            cpu: process::cpu_time(),
        })
        .start()
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

fn ready_fields(address: SocketAddr) -> Map<String, Value> {
    Map::from_iter([("address".to_owned(), address.to_string().into())])
}

/// The one line on standard output, for people and for programs that wait for it.
fn say_ready(
    settings: &Settings,
    address: SocketAddr,
    door: Option<&Door>,
    node: &NodeId,
) -> Result<(), Failure> {
    let version = env!("CARGO_PKG_VERSION");
    let http = door.map_or_else(String::new, |door| format!("http {}, ", door.address()));
    let backends = shown_backends(settings);
    let mut output = std::io::stdout().lock();
    writeln!(
        output,
        "chat-server {version} ready: listening on {address}, {http}{backends}, node {node}"
    )
    .and_then(|()| output.flush())
    .context("cannot write to standard output; keep it open")?;
    Ok(())
}

/// The store, and what nodes share beside it.
fn shown_backends(settings: &Settings) -> String {
    let store = &settings.store;
    let shared = [("bus", &settings.bus), ("presence", &settings.presence)]
        .into_iter()
        .filter(|(_, url)| !url.is_empty() && url.with_secrets() != "memory:")
        .map(|(name, url)| format!(", {name} {url}"));
    format!("store {store}{}", shared.collect::<String>())
}
