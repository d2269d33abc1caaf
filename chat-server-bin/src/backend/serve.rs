//! The process of a backend, from its address to the last call.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chat_adapters::grpc::{Identity, Serve, ServerTls};
use chat_core::ports::{Peer, Stores};
use chat_core::{ChatBuilder, Limits, NodeRole};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::announce::Announcer;
use super::{BackendSettings, health};
use crate::config::Settings;
use crate::failure::Failure;
use crate::host::{Host, Place, Start};
use crate::open_files;
use crate::shutdown::serve_until_signal;
use crate::wire_up::{Wired, wire_up};

/// More than the calls under way ever get at the end: `drain` is looked at then.
const LONGEST_DRAIN: Duration = Duration::from_secs(3_600);

/// Serves the store to nodes until a signal ends it.
pub(crate) async fn serve(start: Start) -> Result<(), Failure> {
    let place = Place::take(&start.settings, NodeRole::Backend).await?;
    let tls = tls(&start.settings.backend)?;
    let wired = wire_up(&start.settings, NodeRole::Backend).await?;
    let (mut host, listener, signals) = place.start(start, &wired, set_up)?;

    let serving = health::follow(&host.chat, &mut host.tasks);
    let stop = CancellationToken::new();
    let calls = rpc(
        &host.settings.borrow(),
        listener,
        wired.backends.stores.clone(),
        tls,
    )
    .serving(serving.clone())
    .until(stop.clone().cancelled_owned());
    let announcer = announce(&mut host, &wired, serving.clone());
    host.say_ready(NodeRole::Backend)?;

    let draining = async |calls| {
        host.chat.drain(Duration::ZERO).await;
        until_unhealthy(serving).await;
        if let Some(announcer) = announcer {
            announcer.withdraw().await;
        }
        stop.cancel();
        let deadline = host.settings.borrow().drain.into();
        if timeout(deadline, calls).await.is_err() {
            tracing::warn!("calls that did not end in time were cut off");
        }
    };
    serve_until_signal(signals, &host.chat, &mut host.tasks, calls, draining).await?;
    host.end(wired).await;
    Ok(())
}

fn set_up(node: ChatBuilder, settings: &Settings) -> ChatBuilder {
    let limits = Limits::from(settings.limits.clone());
    node.role(NodeRole::Backend).limits(limits)
}

fn tls(settings: &BackendSettings) -> Result<Option<ServerTls>, Failure> {
    if settings.certificate.is_empty() {
        return Ok(None);
    }
    let identity = Identity {
        certificate: PathBuf::from(&settings.certificate),
        key: PathBuf::from(&settings.key),
    };
    let authority = (!settings.client_authority.is_empty()).then(|| Path::new(&settings.client_authority));
    let loaded = ServerTls::load(&identity, authority);
    loaded
        .map(Some)
        .map_err(|error| Failure::setting(format!("section `backend`: {error}")))
}

fn rpc(settings: &Settings, listener: TcpListener, stores: Stores, tls: Option<ServerTls>) -> Serve {
    let backend = &settings.backend;
    let connections = open_files::make_room(backend.connections.get(), "backend.connections");
    let calls = Serve::new(listener, stores)
        .max_message(backend.max_message.get())
        .connections(connections)
        .drain(LONGEST_DRAIN);
    match tls {
        Some(tls) => calls.tls(tls),
        None => calls,
    }
}

/// Makes the backend known where there is a registry.
fn announce(host: &mut Host, wired: &Wired, serving: watch::Receiver<bool>) -> Option<Announcer> {
    let registry = wired.remote.registry()?;
    let advertise = host.settings.borrow().advertise.clone();
    let address = if advertise.is_empty() {
        host.address.to_string()
    } else {
        advertise
    };
    let peer = Peer {
        node: host.chat.node().clone(),
        address,
    };
    Some(Announcer::start(registry, peer, serving, &mut host.tasks))
}

/// Waits until nodes are told that it serves no more.
async fn until_unhealthy(mut serving: watch::Receiver<bool>) {
    // It ends only with the task that tells, and then nobody is told that it serves.
    let _ = serving.wait_for(|serving| !serving).await;
}
