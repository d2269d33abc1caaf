//! A crowd that comes by TCP and by WebSocket, all of it by TLS and through nginx: it passes the TLS of TCP on to the nodes,
//! and ends that of WebSocket itself.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use chat_test_services::{Authority, Nginx};
use libtest_mimic::Trial;

use crate::harness::{Cluster, Plan};
use crate::writers::{self, Crowd, Fronts};

const CROWD: writers::Plan = writers::Plan {
    users: 40,
    listeners: 5,
    group_size: 10,
    at_the_door: 4,
    pause: Duration::from_millis(300),
};
/// How long anything may take; only a failure ever waits that long.
const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) fn trials() -> Vec<Trial> {
    vec![crate::test(
        "encrypted::a_crowd_by_both_ways_sees_every_message_once_though_a_node_dies_and_certificates_change",
        a_crowd_by_both_ways,
    )]
}

/// nginx in front of the nodes' `http`, with a certificate of its own.
fn for_websockets(nodes: &[SocketAddr], folder: &Path) -> Nginx {
    let shown = folder.display();
    let mut servers = String::new();
    for node in nodes {
        writeln!(servers, "server {node} max_fails=2 fail_timeout=5s;").unwrap();
    }
    let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary: String = kinds
        .iter()
        .map(|kind| format!("{kind}_temp_path {shown}/{kind};\n"))
        .collect();
    let started = Nginx::start(|listen| {
        format!(
            "events {{ worker_connections 4096; }}
             http {{
                 access_log off;
                 {temporary}
                 upstream chat_nodes {{ zone chat_nodes 64k; least_conn; {servers} }}
                 server {{
                     listen {listen} ssl;
                     ssl_certificate {shown}/nginx.pem;
                     ssl_certificate_key {shown}/nginx.key;
                     location = /ws {{
                         proxy_pass http://chat_nodes;
                         proxy_http_version 1.1;
                         proxy_set_header Upgrade $http_upgrade;
                         proxy_set_header Connection upgrade;
                         proxy_set_header Host $http_host;
                         proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                         proxy_read_timeout 2m;
                         proxy_send_timeout 2m;
                     }}
                 }}
             }}"
        )
    });
    started.unwrap_or_else(|error| panic!("{error}"))
}

fn a_crowd_by_both_ways() {
    let (authority, folder) = (Authority::default(), tempfile::tempdir().unwrap());
    let sign = |name| {
        authority
            .sign(&["127.0.0.1"])
            .write_to(folder.path(), name)
            .unwrap()
    };
    let (certificate, key) = sign("node");
    sign("nginx");
    let plan = Plan {
        settings: vec![
            format!("tls.certificate = {certificate:?}"),
            format!("tls.key = {key:?}"),
            "tls.listeners = [\"listen\"]".to_owned(),
        ],
        ..Plan::default()
    };
    let mut cluster = Cluster::start(&plan);
    let http: Vec<_> = cluster.nodes.iter().map(|node| node.http()).collect();
    let websockets = for_websockets(&http, folder.path());
    let fronts = Fronts::both(cluster.address(), websockets.address());
    let fronts = fronts.encrypted(authority.client());
    let mut crowd = Crowd::register(fronts, CROWD, "user", writers::seed());
    crowd.write();
    crowd.wait_until_all_are_live(DEADLINE);

    let goes_on = |crowd: &Crowd| {
        let sent = crowd.report().sent + 2 * CROWD.users;
        move |report: &writers::Report| report.sent >= sent
    };
    let going = goes_on(&crowd);
    crowd.wait_until("all write", DEADLINE, going);
    sign("node");
    for node in &mut cluster.nodes {
        node.reload();
    }
    cluster.nodes[0].kill();
    let going = goes_on(&crowd);
    crowd.wait_until("the others write on", DEADLINE, going);
    for node in &cluster.nodes[1..] {
        node.wait_for_log("a new certificate is in use");
    }
    cluster.nodes[1].signal_to_end();
    assert_eq!(cluster.nodes[1].wait().code, Some(0));
    crowd.wait_until_all_are_live(DEADLINE);
    let going = goes_on(&crowd);
    crowd.wait_until("all write on a single node", DEADLINE, going);

    crowd.settle(DEADLINE);
    let report = crowd.report();
    println!("{report:?}");
    assert!(report.losses > 0, "nobody noticed that a node died");
    let violations = crowd.violations();
    assert!(
        violations.is_empty(),
        "{} of {violations:#?}\n{}",
        violations.len(),
        websockets.log()
    );
    assert!(cluster.nodes_that_served() >= 2);
}
