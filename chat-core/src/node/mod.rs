//! One node: what its sessions share, and the tasks that work for them.

mod acks;
mod allowance;
mod changes;
mod committed;
mod connections;
mod gate;
mod health;
mod hub;
mod journal;
mod limit;
mod listener;
mod meters;
mod passwords;
mod presence;
mod probe;
mod publisher;
mod pull;
mod record_rate;
mod spans;
mod state;
mod status;
mod supervise;
mod teller;
mod watch;
mod writer;

pub(crate) use allowance::{Allowance, Rate};
pub(crate) use connections::Control;
pub(crate) use gate::Access;
pub use journal::RECORD_TARGET;
pub(crate) use journal::millis;
pub(crate) use limit::{Limit, LimitHits};
pub(crate) use meters::{Outcome, Queue};
pub use spans::REQUEST_TARGET;
pub(crate) use state::{Node, Setup, Tasks, start};
pub(crate) use status::record as record_status;
pub(crate) use writer::{SendResult, Submission};
