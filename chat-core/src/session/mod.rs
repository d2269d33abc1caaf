//! Sessions: what a logged-in user can do, and what is delivered to them.

mod account_records;
mod accounts;
mod arrival;
mod counted;
mod delivery;
mod events;
mod friends;
mod groups;
mod handle;
mod inbox;
mod messaging;
mod pages;
mod positions;
mod reads;
mod shared_event;
mod system_sends;

pub use account_records::LoginMethod;
pub use events::{Events, Session};
pub use handle::SessionHandle;
pub use messaging::HistoryPage;

pub(crate) use accounts::{Opened, ask_before_login, ensure_user, open};
pub(crate) use counted::{count_host_login, login, register};
pub(crate) use delivery::Delivery;
pub(crate) use inbox::{NumberedOutcome, SessionShared};
pub(crate) use messaging::{Submitted, enqueue, history_page, outcome};
pub(crate) use shared_event::{Delivered, SharedMessage};
pub(crate) use system_sends::send_as_system;
