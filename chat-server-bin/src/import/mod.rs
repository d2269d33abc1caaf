//! `chat-server import`: from the original system's database into the store.
//!
//! Everything goes through the ports, and every step can be repeated: what was taken over before is
//! found there and left as it is. Users come first, then friends, groups and memberships, then the
//! messages that wait, and at last how far each user has received.

mod cursors;
mod friends;
mod groups;
mod messages;
mod report;
mod source;
mod time;
mod users;

use std::collections::HashSet;

use anyhow::Context as _;
use chat_adapters::original::{Counts, OriginalDatabase, OriginalError};
use chat_core::ports::Stores;
use chat_core::types::{GroupId, UserId};
use chat_core::{BackendError, Clock as _, Limits, NodeRole, SystemClock, Timestamp};

pub(crate) use self::source::Source;

use self::report::Report;
use crate::chosen::{Chosen, Store};
use crate::config::Settings;
use crate::failure::{Failure, FailureKind};
use crate::wire_up::wire_up;

/// How many users or groups of the store may have the ids of other ones in the original database.
/// More of them mean that the store has its own life already.
const MOST_REFUSED: usize = 1_000;

/// What every step works with.
struct Import {
    original: OriginalDatabase,
    counts: Counts,
    stores: Stores,
    limits: Limits,
    /// The time that a message gets whose own cannot be read.
    now: Timestamp,
    /// Users of the store that have the id of another user in the original database.
    refused_users: HashSet<UserId>,
    /// Groups of the store that have the id of another group in the original database.
    refused_groups: HashSet<GroupId>,
}

/// Takes everything over, and says on standard output what came of it.
///
/// # Errors
/// Where a database cannot be used, or rows could not be taken over, which were listed then.
pub(crate) async fn import(settings: &Settings, source: &Source) -> Result<(), Failure> {
    let chosen = Chosen::of(settings, NodeRole::Clients).map_err(Failure::setting)?;
    if chosen.store == Store::Memory {
        return Err(Failure::setting(
            "an import into `memory:` is forgotten at once; name the store that the server will use with `--store`",
        ));
    }
    let original = source.open().await.map_err(original_failure)?;
    let wired = wire_up(settings, NodeRole::Clients).await?;
    let limits = Limits::from(settings.limits.clone());
    let result = run(original, wired.backends.stores.clone(), limits).await;
    wired.close().await;
    let report = result?;
    report.print().context("cannot write to standard output")?;
    report.verdict()
}

async fn run(mut original: OriginalDatabase, stores: Stores, limits: Limits) -> Result<Report, Failure> {
    let counts = original.counts().await.map_err(original_failure)?;
    let mut import = Import {
        original,
        counts,
        stores,
        limits,
        now: SystemClock.now(),
        refused_users: HashSet::new(),
        refused_groups: HashSet::new(),
    };
    let mut report = Report::new();
    users::take_over(&mut import, &mut report).await?;
    friends::take_over(&mut import, &mut report).await?;
    groups::take_over(&mut import, &mut report).await?;
    groups::take_members_over(&mut import, &mut report).await?;
    let mut occurrences = import.original.occurrences().await.map_err(original_failure)?;
    messages::take_over(&mut import, &mut occurrences, &mut report).await?;
    occurrences.restart();
    cursors::set(&mut import, &mut occurrences, &mut report).await?;
    import.original.close().await;
    Ok(report)
}

/// The original database cannot be read.
fn original_failure(error: OriginalError) -> Failure {
    let kind = match error {
        OriginalError::InvalidUrl { .. } | OriginalError::NotOriginal { .. } => FailureKind::Setting,
        _ => FailureKind::Store,
    };
    Failure::new(kind, error)
}

/// The store failed.
fn store_failure(error: BackendError) -> Failure {
    let what = "the store failed; run the same command again, and it goes on from there";
    Failure::new(FailureKind::Store, anyhow::Error::new(error).context(what))
}

/// The store is in use by others.
fn foreign_store(what: &str) -> Failure {
    let sentence = format!(
        "the store has other {what} under more than {MOST_REFUSED} of the original's ids; import into an empty store"
    );
    Failure::new(FailureKind::Store, anyhow::Error::msg(sentence))
}

/// An id of the original database as one of a user.
fn user_id(id: i64) -> Option<UserId> {
    UserId::new(u64::try_from(id).ok()?).ok()
}

/// An id of the original database as one of a group.
fn group_id(id: i64) -> Option<GroupId> {
    GroupId::new(u64::try_from(id).ok()?).ok()
}

/// An id as it is listed, also where there is none.
fn shown(id: Option<i64>) -> String {
    id.map_or_else(|| "NULL".to_owned(), |id| id.to_string())
}
