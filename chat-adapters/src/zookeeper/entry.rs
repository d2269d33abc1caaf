//! What one announcement is in ZooKeeper.

use chat_core::ports::Peer;
use chat_core::types::NodeId;
use serde::{Deserialize, Serialize};

/// The data of an announcement, as JSON. Later versions may add fields, which this one passes over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    node: NodeId,
    address: String,
    /// Which registry, of all in all processes, has written it: it may withdraw it. A session would not do, since a
    /// registry has one after another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    announcer: Option<NodeId>,
}

impl Entry {
    pub(super) fn new(peer: &Peer, announcer: &NodeId) -> Self {
        Self {
            node: peer.node.clone(),
            address: peer.address.clone(),
            announcer: Some(announcer.clone()),
        }
    }

    /// Reads the data of the entry of this name.
    pub(super) fn read(name: &str, data: &[u8]) -> Option<Self> {
        let entry: Self = serde_json::from_slice(data).ok()?;
        // Under another name it would stand beside the right one.
        (file_name(&entry.node) == name).then_some(entry)
    }

    pub(super) const fn node(&self) -> &NodeId {
        &self.node
    }

    /// Whether this registry has written it.
    pub(super) fn is_by(&self, announcer: &NodeId) -> bool {
        self.announcer.as_ref() == Some(announcer)
    }

    pub(super) fn to_json(&self) -> Vec<u8> {
        // Strings always become JSON.
        serde_json::to_vec(self).unwrap_or_default()
    }

    pub(super) fn into_peer(self) -> Peer {
        Peer {
            node: self.node,
            address: self.address,
        }
    }
}

/// The last part of the path of this node's announcement.
pub(super) fn file_name(node: &NodeId) -> String {
    // The only names of nodes that ZooKeeper does not take; `%` stands in none of them.
    match node.as_str() {
        "." | ".." => node.as_str().replace('.', "%2E"),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(node: &str) -> Peer {
        Peer {
            node: NodeId::parse(node).unwrap(),
            address: "127.0.0.1:6100".to_owned(),
        }
    }

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        let announcer = NodeId::random();
        for node in ["b-1", "a:1_.", "...", ".", ".."] {
            let entry = Entry::new(&peer(node), &announcer);
            let name = file_name(&peer(node).node);
            assert!(!matches!(name.as_str(), "." | ".."));
            let read = Entry::read(&name, &entry.to_json()).unwrap();
            assert_eq!(read, entry);
            assert_eq!(read.into_peer(), peer(node));
        }
    }

    #[test]
    fn what_a_later_version_adds_is_passed_over() {
        let json = br#"{"node":"b-1","address":"127.0.0.1:6100","zone":"north","load":[1]}"#;
        assert_eq!(Entry::read("b-1", json).unwrap().into_peer(), peer("b-1"));
    }

    #[test]
    fn what_is_no_announcement_of_this_name_is_not_read() {
        let cases: [(&str, &[u8]); 5] = [
            ("b-1", b""),
            ("b-1", b"127.0.0.1:6100"),
            ("b-1", br#"{"node":"b-1"}"#),
            ("b-1", br#"{"node":"","address":"h:1"}"#),
            ("b-1", br#"{"node":"b-2","address":"h:1"}"#),
        ];
        for (name, data) in cases {
            assert_eq!(Entry::read(name, data), None);
        }
    }
}
