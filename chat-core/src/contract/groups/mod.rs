//! Cases of [`GroupStore`](crate::ports::GroupStore).

mod create;
mod list;
mod members;

use super::runner::Case;
use crate::ports::Stores;

pub(super) fn cases() -> Vec<Case<Stores>> {
    let suites = [create::cases(), list::cases(), members::cases()];
    suites.into_iter().flatten().collect()
}
