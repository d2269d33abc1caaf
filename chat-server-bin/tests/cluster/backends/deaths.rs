//! Backends and `ZooKeeper` are killed while all write.

use super::watch::{Calls, all_nodes_reach, announced_are, is_left_alone, nobody_waits};
use crate::stage::Stage;

/// How long calls gather on a backend before it dies, in milliseconds: it is in the middle of some then.
const GATHERED: std::ops::Range<u64> = 500..501;
/// Longer than a session lasts of which `ZooKeeper` hears nothing, in milliseconds.
const LONGER_THAN_A_SESSION: std::ops::Range<u64> = 7_000..8_000;

/// `kill -9` of each backend, in the middle of calls.
pub(super) fn of_a_backend(stage: &mut Stage) {
    let calls = Calls::begin(stage);
    for backend in 0..stage.cluster.backends.len() {
        stage.cluster.backends[backend].freeze();
        stage.crowd.pass(GATHERED);
        stage.cluster.backends[backend].kill();
        stage.goes_on("a backend is dead");
        is_left_alone(stage, backend);
        calls.nobody_noticed(stage);
        nobody_waits(stage);
        stage.cluster.backends[backend].restart();
        announced_are(stage, &[0, 1]);
        all_nodes_reach(stage, 2);
    }
    calls.some_were_repeated(stage);
    calls.nobody_noticed(stage);
}

/// `kill -9`, for longer than its sessions last.
pub(super) fn of_zookeeper(stage: &mut Stage) {
    let calls = Calls::begin(stage);
    stage.cluster.zookeeper().kill().unwrap();
    stage.goes_on("ZooKeeper is dead");
    stage.crowd.pass(LONGER_THAN_A_SESSION);
    all_nodes_reach(stage, 2);
    stage.cluster.zookeeper().restart().unwrap();
    announced_are(stage, &[0, 1]);
    stage.crowd.pass(LONGER_THAN_A_SESSION);
    announced_are(stage, &[0, 1]);
    all_nodes_reach(stage, 2);
    calls.nobody_noticed(stage);
    nobody_waits(stage);
}

/// `kill -9` of a backend and of `ZooKeeper`, which cannot tell anybody of it.
pub(super) fn of_both(stage: &mut Stage) {
    let calls = Calls::begin(stage);
    let backend = stage.random.usize(0..2);
    stage.cluster.backends[backend].kill();
    stage.cluster.zookeeper().kill().unwrap();
    stage.goes_on("a backend and ZooKeeper are dead");
    stage.crowd.pass(LONGER_THAN_A_SESSION);
    stage.cluster.zookeeper().restart().unwrap();
    is_left_alone(stage, backend);
    calls.nobody_noticed(stage);
    nobody_waits(stage);
    stage.cluster.backends[backend].restart();
    announced_are(stage, &[0, 1]);
    all_nodes_reach(stage, 2);
    calls.nobody_noticed(stage);
}
