//! The way in from the bus: other nodes' notices reach the sessions here, gaps make the node pull.

use std::sync::Arc;

use super::Node;
use super::gate::Access;
use super::wakes::Wakes;
use crate::meters::catalogue::BUS_GAPS;
use crate::ports::{BusItem, BusSubscription, Notice, NoticeKind, Topic};
use crate::session::SharedMessage;

/// Items that are taken from the subscription at once.
const ITEMS_AT_ONCE: usize = 256;

/// Passes on what the bus brings, and keeps its topics up to date.
pub(crate) async fn run(node: Arc<Node>) {
    let Some(subscription) = node.stop.run_until_cancelled(subscribe(&node)).await else {
        return;
    };
    tokio::join!(receive(&node, &*subscription), keep_topics(&node, &*subscription));
}

async fn subscribe(node: &Node) -> Box<dyn BusSubscription> {
    loop {
        let subscribing = node.backends.bus.subscribe(&node.id, node.limits.bus_buffer);
        match node.bus.bounded(Access::Read, subscribing).await {
            Ok(subscription) => return subscription,
            Err(_) => {
                node.pull.notify_one();
                tokio::time::sleep(node.limits.pull_interval_without_bus).await;
            }
        }
    }
}

async fn receive(node: &Node, subscription: &dyn BusSubscription) {
    while let Some(items) = node
        .stop
        .run_until_cancelled(subscription.next(ITEMS_AT_ONCE))
        .await
        && !items.is_empty()
    {
        let (mut notices, mut wakes) = (0, Wakes::default());
        for item in items {
            match item {
                BusItem::Notice(notice) => {
                    notices += 1;
                    pass_on(node, notice, &mut wakes);
                }
                BusItem::Gap => {
                    BUS_GAPS.count(&[]).increment(1);
                    node.pull.notify_one();
                }
            }
        }
        node.meters.notices_received.increment(notices);
    }
}

fn pass_on(node: &Node, Notice { topic, kind, .. }: Notice, wakes: &mut Wakes) {
    match (topic, kind) {
        (
            topic,
            NoticeKind::Message {
                conversation,
                seq,
                frame,
                ..
            },
        ) => {
            let message = Arc::new(SharedMessage::from_frame(conversation, seq, frame));
            node.hub.message(topic, &message, None, wakes);
        }
        (topic, NoticeKind::Event { frame }) => node.hub.event(topic, &frame, None),
        (Topic::User(user), NoticeKind::DeviceOpened { device, epoch }) => {
            let newest_here = node.hub.device_opened(user, &device, epoch);
            if let Some(newest) = newest_here.filter(|&newest| newest > epoch) {
                // The other node opened before this one and heard nothing of it.
                node.tell_device_opened(user, device, newest);
            }
        }
        (Topic::User(user), NoticeKind::MembershipChanged { group }) => {
            node.hub.membership_changed(user, group)
        }
        (Topic::User(user), NoticeKind::Expelled { device }) => {
            node.hub.expel(user, device.as_ref());
        }
        (Topic::Group(_), _) => {}
    }
}

async fn keep_topics(node: &Node, subscription: &dyn BusSubscription) {
    while let Some(changes) = node.stop.run_until_cancelled(node.hub.changed_topics()).await {
        // A failure is remembered by the subscription, which tells of a gap once it has caught up.
        if !changes.add.is_empty() {
            let _ = node
                .bus
                .bounded(Access::Write, subscription.add(&changes.add))
                .await;
        }
        if !changes.remove.is_empty() {
            let _ = node
                .bus
                .bounded(Access::Write, subscription.remove(&changes.remove))
                .await;
        }
        node.hub.topics_told(changes.count);
    }
}
