//! What nodes say at `/metrics` of their database and of Redis.

use chat_test_services::eventually;
use libtest_mimic::Trial;
use serde_json::json;

use crate::harness::{Cluster, Plan};
use crate::scrape::Scrape;
use crate::support::Server;

pub(crate) fn trials() -> Vec<Trial> {
    vec![crate::test(
        "metrics::what_two_nodes_do_with_their_database_and_redis_is_counted",
        what_two_nodes_do_with_their_database_and_redis_is_counted,
    )]
}

fn what_two_nodes_do_with_their_database_and_redis_is_counted() {
    let mut cluster = Cluster::start(&Plan {
        nodes: 2,
        ..Plan::default()
    });
    let (mut alice, mut bob) = (cluster.connect_to(0), cluster.connect_to(1));
    alice.begin_here_as("alice");
    let (bob_id, _) = bob.begin_here_as("bob");
    alice.send(&json!({"type": "send", "to": {"user": bob_id}, "body": "over there"}));
    while bob.frame()["type"] != "message" {}

    let [one, other] = &cluster.nodes[..] else {
        panic!("two nodes");
    };
    // Counted after Redis has answered, and the frame may be quicker.
    moves_on(one, "chat_redis_published_total", 0.0);
    moves_on(other, "chat_redis_received_total", 0.0);
    for node in [one, other] {
        moves_on(node, "chat_redis_connection_attempts_total", 0.0);
        moves_on(node, "chat_mysql_connections_made_total", 0.0);
        moves_on(node, "chat_mysql_connection_wait_seconds_count", 0.0);
        let scrape = Scrape::of(node);
        let limit = scrape.value("chat_mysql_connections_limit");
        assert!((limit - 16.0).abs() < f64::EPSILON, "{limit}");
        let in_use = scrape.value("chat_mysql_connections_in_use");
        assert!((0.0..=limit).contains(&in_use), "{in_use}");
    }

    let before: Vec<_> = cluster.nodes.iter().map(Scrape::of).collect();
    cluster.redis.kill().unwrap();
    for (node, before) in cluster.nodes.iter().zip(&before) {
        for moved in ["chat_redis_gaps_total", "chat_redis_connections_lost_total"] {
            moves_on(node, moved, before.value(moved));
        }
    }
    cluster.redis.restart().unwrap();
    for (node, before) in cluster.nodes.iter().zip(&before) {
        let reconnects = "chat_redis_reconnects_total";
        moves_on(node, reconnects, before.value(reconnects));
    }

    let before: Vec<_> = cluster.nodes.iter().map(Scrape::of).collect();
    cluster.mariadb().kill().unwrap();
    cluster.mariadb().restart().unwrap();
    for (node, before) in cluster.nodes.iter().zip(&before) {
        let made = "chat_mysql_connections_made_total";
        moves_on(node, made, before.value(made));
    }
}

/// Waits until a series is above this value.
fn moves_on(node: &Server, series: &str, from: f64) {
    eventually(&format!("{series} is above {from}"), || {
        (Scrape::of(node).value(series) > from).then_some(())
    })
    .unwrap_or_else(|error| panic!("{error}:\n{}", Scrape::of(node).text));
}
