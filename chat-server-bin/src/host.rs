//! What is around a node, whatever the node is there for: its addresses, the side door, the event log, signals, and
//! the order in which all of it begins and ends.

use std::io::Write as _;
use std::net::SocketAddr;

use anyhow::Context as _;
use chat_adapters::tls::ServerTls;
use chat_adapters::websocket::Endpoint;
use chat_core::ports::{Backends, Level};
use chat_core::types::NodeId;
use chat_core::{Chat, ChatBuilder, NodeRole, Usage};
use serde_json::Map;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::arguments::Arguments;
use crate::config::Settings;
use crate::failure::Failure;
use crate::http::{self, Door, Page};
use crate::listen::{self, CLIENTS, Taken};
use crate::node_name::node_name;
use crate::reload::Reload;
use crate::shutdown::Signals;
use crate::tasks::Tasks;
use crate::telemetry::{Levels, Traced};
use crate::tls_settings::Tls;
use crate::wire_up::Wired;
use crate::{event_log, process, registry};

/// What a server is started with.
pub(crate) struct Start {
    pub(crate) settings: Settings,
    pub(crate) arguments: Arguments,
    pub(crate) levels: Levels,
    pub(crate) traced: Traced,
}

/// Where a server will be, before it touches its store.
pub(crate) struct Place {
    hangup: Signal,
    taken: Taken,
    node: NodeId,
    tasks: Tasks,
    door: Option<Door>,
    tls: Option<Tls>,
}

/// A node and what is around it.
pub(crate) struct Host {
    pub(crate) chat: Chat,
    pub(crate) tasks: Tasks,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// The settings in effect.
    pub(crate) settings: watch::Receiver<Settings>,
    door: Option<Door>,
    tls: Option<Tls>,
    traced_stop: CancellationToken,
}

impl Place {
    /// Takes the addresses, and opens the side door. A second server on the same store fails here, before it
    /// touches the store.
    pub(crate) async fn take(settings: &Settings, role: NodeRole) -> Result<Self, Failure> {
        // A signal that came before it is handled would end the process.
        let hangup = signal(SignalKind::hangup()).context("cannot handle signals")?;
        let tls = settings.tls.load()?;
        let taken = listen::take(CLIENTS, &settings.listen).await?;
        let http = http::take(settings.http_address()).await?;
        let node = node_name(&settings.node, taken.address().port())?;
        let mut tasks = Tasks::default();
        let door_tls = tls.as_ref().and_then(|tls| tls.http.clone());
        let page = page_of(settings, role);
        let door = http
            .map(|taken| Door::open(taken, door_tls, page, &mut tasks))
            .transpose()?;
        if let Some(tls) = &tls {
            let (certificates, stop) = (tls.certificates.clone(), tasks.stop_token().clone());
            let every = settings.tls.reload_interval.into();
            tasks.spawn("certificates", async move {
                stop.run_until_cancelled(certificates.follow(every)).await;
            });
        }
        Ok(Self {
            hangup,
            taken,
            node,
            tasks,
            door,
            tls,
        })
    }

    /// Starts the node, as `set_up` sets it up, on what was opened for it, and listens. From then on signals end
    /// the server in order.
    pub(crate) fn start(
        self,
        start: Start,
        wired: &Wired,
        set_up: impl FnOnce(ChatBuilder, &Settings) -> ChatBuilder,
    ) -> Result<(Host, TcpListener, Signals), Failure> {
        let (settings, traced) = (start.settings, start.traced);
        let (address, mut tasks) = (self.taken.address(), self.tasks);
        let mut backends = wired.backends.clone();
        if let Some(log) = event_log::open(&settings, &self.node)? {
            backends.log = traced.counted_in(log);
        }
        let chat = set_up(builder(&settings, backends, self.node), &settings).start();
        let traced_stop = tasks.stop_token().child_token();
        tasks.spawn("traced", traced.record(chat.clone(), traced_stop.clone()));
        let signals = Signals::take().context("cannot handle signals")?;
        let listener = self.taken.listen()?;
        if let Some(door) = &self.door {
            door.show(chat.clone());
        }
        if let Some(away) = wired.registry_away() {
            let stop = tasks.stop_token().clone();
            tasks.spawn("registry", registry::record(chat.clone(), away, stop));
        }
        let (running, in_effect) = watch::channel(settings);
        let reload = Reload {
            arguments: start.arguments,
            running,
            levels: start.levels,
            certificates: self.tls.as_ref().map(|tls| tls.certificates.clone()),
            chat: chat.clone(),
        };
        tasks.spawn("reload", reload.at_each(self.hangup, tasks.stop_token().clone()));
        let host = Host {
            chat,
            tasks,
            address,
            settings: in_effect,
            door: self.door,
            tls: self.tls,
            traced_stop,
        };
        Ok((host, listener, signals))
    }
}

/// Only a node for clients has anything behind the page.
fn page_of(settings: &Settings, role: NodeRole) -> Page {
    match role {
        NodeRole::Clients if settings.web_client => Page::Served,
        _ => Page::Absent,
    }
}

fn builder(settings: &Settings, backends: Backends, node: NodeId) -> ChatBuilder {
    Chat::builder(backends)
        .node(node)
        .settings(settings.by_key())
        .names_in_log(settings.event_log_names.into())
        .usage(|| Usage {
            memory_bytes: process::resident_memory(),
            cpu: process::cpu_time(),
        })
}

impl Host {
    /// Says that the server is ready: in the event log, and in the one line on standard output, for people and for
    /// programs that wait for it.
    pub(crate) fn say_ready(&self, role: NodeRole) -> Result<(), Failure> {
        let address = self.address.to_string();
        let fields = Map::from_iter([("address".to_owned(), address.as_str().into())]);
        self.chat.record(Level::Info, "node_ready", fields);
        let version = env!("CARGO_PKG_VERSION");
        let kind = match role {
            NodeRole::Backend => " backend",
            _ => "",
        };
        let http = self
            .door
            .as_ref()
            .map(|door| format!("http {}, ", door.address()));
        let http = http.unwrap_or_default() + &self.shown_tls();
        let backends = shown_backends(&self.settings.borrow(), role);
        let node = self.chat.node();
        let mut output = std::io::stdout().lock();
        writeln!(
            output,
            "chat-server {version}{kind} ready: listening on {address}, {http}{backends}, node {node}"
        )
        .and_then(|()| output.flush())
        .context("cannot write to standard output; keep it open")?;
        Ok(())
    }

    /// The handshake at the address of `listen`, where clients of TCP begin with one.
    pub(crate) fn tls(&self) -> Option<ServerTls> {
        self.tls.as_ref().and_then(|tls| tls.listen.clone())
    }

    fn shown_tls(&self) -> String {
        match self.tls {
            Some(_) => format!("TLS on {}, ", self.settings.borrow().tls.listeners),
            None => String::new(),
        }
    }

    /// Lets clients in by WebSocket too, where there is the side door.
    pub(crate) fn let_in(&self, websockets: Endpoint) {
        if let Some(door) = &self.door {
            door.let_in(websockets);
        }
    }

    /// Stops the node and everything around it. What was opened for it is closed.
    pub(crate) async fn end(self, wired: Wired) {
        // The node's last record is that it has stopped.
        self.traced_stop.cancel();
        self.chat.shutdown().await;
        wired.close().await;
        self.tasks.stop().await;
        tracing::info!("ended");
    }
}

/// The store, and what nodes share beside it.
fn shown_backends(settings: &Settings, role: NodeRole) -> String {
    let store = &settings.store;
    let shared = match role {
        NodeRole::Backend => vec![("registry", &settings.registry)],
        _ => vec![("bus", &settings.bus), ("presence", &settings.presence)],
    };
    let shared = shared
        .into_iter()
        .filter(|(_, url)| !url.is_empty() && url.with_secrets() != "memory:")
        .map(|(name, url)| format!(", {name} {url}"));
    format!("store {store}{}", shared.collect::<String>())
}
