//! Cases of [`DeviceStore`](crate::ports::DeviceStore).

mod opened;
mod positions;
mod sessions;
mod start;
mod unread;

use super::runner::Case;
use crate::ports::Stores;

pub(super) fn cases() -> Vec<Case<Stores>> {
    let suites = [
        opened::cases(),
        positions::cases(),
        sessions::cases(),
        start::cases(),
        unread::cases(),
    ];
    suites.into_iter().flatten().collect()
}
