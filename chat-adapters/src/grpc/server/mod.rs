//! The side of the backend services.

mod beginning;
mod budget;
mod connections;
mod ended;
mod entrance;
mod gate;
mod health;
mod meters;
mod refusals;
mod serve;
mod services;
mod tls;

pub use serve::Serve;
pub use tls::ServerTls;

pub(super) use meters::{
    ACCEPT_FAILURES, CONNECTIONS, CONNECTIONS_REFUSED, LATE, REQUESTS_REFUSED, SERVED, SERVING_SECONDS,
};
