//! A request from its frame to its reply.

use tokio::time::Instant;

use crate::error::ErrorCode;
use crate::node::Node;
use crate::protocol::{Reply, RequestType};

/// A request that was taken, and when.
#[derive(Debug)]
pub(super) struct Asked {
    request: RequestType,
    began_at: Instant,
}

impl Asked {
    /// A request was taken.
    pub(super) fn take(node: &Node, request: RequestType, began_at: Instant) -> Self {
        node.meters.requests.taken(request);
        Self { request, began_at }
    }

    /// Its reply is ready; `None` where it gets none.
    pub(super) fn answered(self, node: &Node, reply: Option<&Reply>) {
        node.meters
            .requests
            .answered(self.request, self.began_at.elapsed());
        if let Some(code) = reply.and_then(code_of) {
            node.meters.requests.failed(code);
        }
    }
}

fn code_of(reply: &Reply) -> Option<ErrorCode> {
    match reply {
        Reply::Error(error) => Some(error.code),
        _ => None,
    }
}
