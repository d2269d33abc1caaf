//! The metrics of the registry in ZooKeeper.

use chat_core::meters::Metric;

pub(super) const AWAY: Metric = Metric::flag(
    "chat_zookeeper_away",
    "Whether ZooKeeper cannot be asked, so that the last known peers stay in use",
);
pub(super) const SESSIONS: Metric = Metric::counter(
    "chat_zookeeper_sessions_total",
    "Sessions made: the first, and one each time that one has ended",
);
pub(super) const LISTINGS: Metric = Metric::counter(
    "chat_zookeeper_listings_total",
    "Times that the announcements were listed: after each connection and after each change",
);
pub(super) const PEERS: Metric = Metric::gauge(
    "chat_zookeeper_peers",
    "Peers that are known, the process itself among them where it is announced",
);
pub(super) const UNREADABLE: Metric = Metric::gauge(
    "chat_zookeeper_unreadable",
    "Entries in the folder that this version cannot read, and passes over",
);
pub(super) const ANNOUNCEMENTS: Metric = Metric::gauge(
    "chat_zookeeper_announcements",
    "Peers that this process announces, and that are in ZooKeeper by its present session",
);
pub(super) const REGISTRATIONS: Metric = Metric::counter(
    "chat_zookeeper_registrations_total",
    "Announcements that were written: the first time, and once for each new session",
);

/// Every metric of the registry in ZooKeeper.
pub const METRICS: &[Metric] = &[
    AWAY,
    SESSIONS,
    LISTINGS,
    PEERS,
    UNREADABLE,
    ANNOUNCEMENTS,
    REGISTRATIONS,
];
