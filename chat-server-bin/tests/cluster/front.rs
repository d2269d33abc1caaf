//! nginx in front of the nodes, as `deploy/nginx.conf` sets it up.

use std::net::SocketAddr;

use chat_test_services::Nginx;

const DEPLOYED: &str = include_str!("../../../deploy/nginx.conf");

/// Starts nginx with the configuration of `deploy/`, but for the addresses.
pub(super) fn start(nodes: &[SocketAddr]) -> Nginx {
    let nginx = Nginx::start(|listen| with_addresses(DEPLOYED, listen, nodes));
    nginx.unwrap_or_else(|error| panic!("{error}"))
}

/// Puts addresses in the place of those that operators change too, and leaves everything else as it is.
fn with_addresses(configuration: &str, listen: SocketAddr, nodes: &[SocketAddr]) -> String {
    let is_node = |line: &str| line.trim_start().starts_with("server ") && line.contains(":6000 ");
    let template = configuration.lines().find(|line| is_node(line));
    let (_, parameters) = template
        .and_then(|line| line.split_once(":6000 "))
        .expect("a node is named, with its port");
    let mut lines: Vec<String> = Vec::new();
    let mut waiting = nodes.iter();
    for line in configuration.lines() {
        if is_node(line) {
            // At the first of these lines.
            lines.extend(waiting.by_ref().map(|node| format!("server {node} {parameters}")));
        } else {
            lines.push(line.replace("listen 6000 ", &format!("listen {listen} ")));
        }
    }
    let text = lines.join("\n");
    assert!(text.contains(&format!("listen {listen} ")), "{text}");
    text
}
