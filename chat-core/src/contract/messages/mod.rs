//! Cases of [`MessageStore`](crate::ports::MessageStore).

mod append;
mod concurrency;
mod heads;
mod permission;
mod read;

use super::runner::Case;
use crate::ports::Stores;

pub(super) fn cases() -> Vec<Case<Stores>> {
    let suites = [
        append::cases(),
        concurrency::cases(),
        heads::cases(),
        permission::cases(),
        read::cases(),
    ];
    suites.into_iter().flatten().collect()
}
