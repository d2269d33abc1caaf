//! The section `[backend]`: how backends take the calls of nodes.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

/// The settings of the section `[backend]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct BackendSettings {
    pub(crate) certificate: String,
    pub(crate) key: String,
    pub(crate) client_authority: String,
    pub(crate) max_message: NonZeroUsize,
    pub(crate) connections: NonZeroUsize,
}

impl Default for BackendSettings {
    fn default() -> Self {
        Self {
            certificate: String::new(),
            key: String::new(),
            client_authority: String::new(),
            max_message: NonZeroUsize::MIN.saturating_add((16 << 20) - 1),
            connections: NonZeroUsize::MIN.saturating_add(1_023),
        }
    }
}
