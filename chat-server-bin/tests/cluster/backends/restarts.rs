//! Backends end as they are asked to, and others take over before anybody notices.

use std::time::Instant;

use super::watch::{Calls, all_nodes_reach, announced_are, nobody_waits};
use crate::stage::{BACK, Stage};

/// A rolling restart by SIGTERM.
pub(super) fn one_by_one(stage: &mut Stage) {
    let calls = Calls::begin(stage);
    for backend in 0..stage.cluster.backends.len() {
        let begun = Instant::now();
        stage.cluster.backends[backend].signal_to_end();
        let ended = stage.cluster.backends[backend].wait();
        let took = begun.elapsed();
        assert_eq!(ended.code, Some(0), "backend {backend}: {}", ended.stderr);
        assert!(took < BACK, "backend {backend} took {took:?} to end");
        // It has withdrawn, and has not only gone: its session would last longer.
        announced_are(stage, &[1 - backend]);
        all_nodes_reach(stage, 1);
        stage.goes_on(&format!("backend {backend} is away"));
        stage.cluster.backends[backend].restart();
        announced_are(stage, &[0, 1]);
        all_nodes_reach(stage, 2);
        stage.crowd.pass(500..1_500);
    }
    calls.nobody_noticed(stage);
    nobody_waits(stage);
}
