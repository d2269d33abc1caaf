//! In place of backends and their registry, in a build without the feature `grpc`: there is nothing to open.

use chat_core::NodeRole;
use chat_core::ports::Backends;
use tokio::sync::watch;

use crate::chosen::Chosen;
use crate::config::Settings;
use crate::failure::Failure;

/// Refuses to be a backend.
pub(crate) fn check(_: &Settings, role: NodeRole, _: &Chosen) -> Result<(), String> {
    match role {
        NodeRole::Backend => Err(
            "`chat-server backend` is not built into this program: build it with `--features grpc`"
                .to_owned(),
        ),
        _ => Ok(()),
    }
}

/// Nothing that would have to be closed.
#[derive(Debug)]
pub(crate) struct Remote;

impl Remote {
    /// Opens nothing: the settings that would ask for it are refused before.
    pub(crate) async fn open(
        _: &Settings,
        _: NodeRole,
        _: &Chosen,
        _: &mut Backends,
    ) -> Result<Self, Failure> {
        Ok(Self)
    }

    /// There is none that could be away.
    pub(crate) const fn registry_away(&self) -> Option<watch::Receiver<bool>> {
        None
    }

    /// Closes nothing.
    pub(crate) async fn close(self) {}
}
