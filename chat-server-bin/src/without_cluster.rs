//! In place of MySQL and Redis, in a build without the feature `cluster`: there is nothing to open.

use chat_core::NodeRole;
use chat_core::ports::Backends;

use crate::chosen::Chosen;
use crate::config::Settings;
use crate::failure::{Failure, FailureKind};

/// Finds nothing to check.
pub(crate) const fn check(_: &Settings, _: &Chosen) -> Result<(), String> {
    Ok(())
}

/// Nothing that would have to be closed.
#[derive(Debug)]
pub(crate) struct Cluster;

impl Cluster {
    /// Opens nothing: the settings that would ask for it are refused before.
    pub(crate) async fn open(
        _: &Settings,
        _: NodeRole,
        _: &Chosen,
        _: &mut Backends,
    ) -> Result<Self, Failure> {
        Ok(Self)
    }

    /// Closes nothing.
    pub(crate) async fn close(self) {}
}

/// Refuses, as the settings have been before.
pub(crate) async fn migrate(_: &Settings) -> Result<(i64, i64), Failure> {
    Err(Failure::new(
        FailureKind::Store,
        anyhow::anyhow!("MySQL is not built into this program: build it with `--features cluster`"),
    ))
}
