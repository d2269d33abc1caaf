//! Nothing is lost, repeated or reordered while parts die: many clients write through nginx, and
//! what they saw is judged after every fault. For nodes that die, some of them come by WebSocket.

mod frozen;
mod links;
mod nodes;
mod services;

pub(crate) use frozen::run_as_child;
use libtest_mimic::Trial;

use crate::harness::{Links, Plan};
use crate::stage::SharedStage;

pub(crate) fn trials() -> Vec<Trial> {
    let stage = SharedStage::new("faults", crate::NEEDS, || Plan {
        settings: vec!["drain = \"1s\"".to_owned()],
        links: Links::Breakable,
        ..Plan::default()
    });
    let trial = |name, fault| stage.trial(name, fault);
    let mixed = SharedStage::new("websockets", crate::NEEDS, || Plan {
        settings: vec!["drain = \"1s\"".to_owned()],
        ..Plan::default()
    })
    .by_both();
    vec![
        mixed.trial("a_node_is_killed_every_few_seconds", nodes::are_killed),
        mixed.trial("all_nodes_are_restarted_one_by_one", nodes::are_restarted),
        trial("a_node_is_killed_every_few_seconds", nodes::are_killed),
        trial("all_nodes_are_restarted_one_by_one", nodes::are_restarted),
        trial("redis_is_killed_and_comes_back_empty", services::redis_is_killed),
        trial("mariadb_is_killed_and_comes_back", services::mariadb_is_killed),
        trial("the_way_to_redis_is_cut_and_stalled", links::to_redis_break),
        trial("the_way_to_mariadb_is_cut_and_stalled", links::to_mariadb_break),
        trial("a_client_is_frozen_and_goes_on", frozen::client_goes_on),
    ]
}
