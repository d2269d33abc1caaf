//! nginx in front of the nodes, as `deploy/nginx.conf` sets it up.

use chat_test_services::{Nginx, Nodes};

use crate::support::Server;

const DEPLOYED: &str = include_str!("../../../deploy/nginx.conf");

/// Starts nginx with the configuration of `deploy/`, but for the addresses.
pub(super) fn start(nodes: &[Server]) -> Nginx {
    let tcp: Vec<_> = nodes.iter().map(Server::address).collect();
    let http: Vec<_> = nodes.iter().map(Server::http).collect();
    let nodes = Nodes {
        tcp: &tcp,
        http: &http,
    };
    Nginx::before(nodes, DEPLOYED).unwrap_or_else(|error| panic!("{error}"))
}
