//! The side of the backend services.

mod calls;
mod meters;

pub(super) use meters::{
    ACCEPT_FAILURES, CONNECTIONS, CONNECTIONS_REFUSED, LATE, REQUESTS_REFUSED, SERVED, SERVING_SECONDS,
};
