//! nginx in front of the nodes, as `deploy/nginx.conf` sets it up.

use std::net::SocketAddr;

use chat_test_services::Nginx;

const DEPLOYED: &str = include_str!("../../../deploy/nginx.conf");

/// Starts nginx with the configuration of `deploy/`, but for the addresses.
pub(super) fn start(nodes: &[SocketAddr]) -> Nginx {
    Nginx::before(nodes, DEPLOYED).unwrap_or_else(|error| panic!("{error}"))
}
