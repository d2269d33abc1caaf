//! What a session begins with, and who waits for it beside the session.

use std::sync::Arc;

use super::inbox::SessionShared;
use super::reads::listed_at_most;
use crate::error::Error;
use crate::node::{FriendsReader, Node, UserChange};
use crate::ports::SessionStart;
use crate::types::{Device, UserId};

/// A user who had no session here. Whoever tells their friends of it takes those that the login reads, so that nobody has to
/// read them a second time.
pub(super) struct Arrival<'n> {
    change: UserChange,
    reader: FriendsReader<'n>,
}

/// Adds a session to those of its user. Where presence or the bus is away, whoever tells of the user does not wait for it.
pub(super) fn arrive<'n>(node: &'n Node, shared: &Arc<SessionShared>) -> Option<Arrival<'n>> {
    let reader = node.changes.reads_friends(shared.user.id);
    let change = node.hub.register(shared)?;
    let is_told = node.presence.is_available() && node.bus.is_available();
    is_told.then_some(Arrival { change, reader })
}

/// Waits until the bus knows what the node listens to, and presence knows of a user who arrived. The friends that are read
/// after that are all those who may have to be told.
pub(super) async fn known(node: &Node, arrival: Option<&Arrival<'_>>) {
    let presence = async {
        if let Some(Arrival { change, .. }) = arrival {
            node.hub
                .told_presence(*change, node.limits.presence_timeout)
                .await;
        }
    };
    tokio::join!(node.hub.listening(node.limits.bus_timeout), presence);
}

/// Reads what a session begins with, with as many messages as delivery reads at once.
pub(super) async fn read_start(
    node: &Node,
    user: UserId,
    device: &Device,
    arrival: Option<Arrival<'_>>,
) -> Result<SessionStart, Error> {
    let asked = node.changes.asks_for_friends(user);
    // Nobody waits for friends whom nobody is going to tell.
    let _reader = arrival
        .filter(|_| asked.is_some())
        .map(|Arrival { reader, .. }| reader);
    let page = node.limits.delivery_page.max(1);
    let devices = &node.backends.stores.devices;
    let start = node
        .store
        .read(devices.session_start(user, device, listed_at_most(node), page))
        .await?;
    if let Some(asked) = asked {
        let ids = start.contacts.friends.iter().map(|friend| friend.id).collect();
        node.changes.friends_read(user, asked, ids);
    }
    Ok(start)
}
