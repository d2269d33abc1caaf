//! Nodes that end, with and without a warning.

use std::time::Instant;

use crate::stage::{BACK, Stage};

const KILLS: usize = 5;

/// `kill -9` of a random node every few seconds, started again after some time.
pub(super) fn are_killed(stage: &mut Stage) {
    let served_before = stage.report().sessions;
    for _ in 0..KILLS {
        // The one that was killed before may have nobody yet.
        let sessions = stage.sessions();
        let busy: Vec<_> = (0..sessions.len()).filter(|&node| sessions[node] > 0).collect();
        let node = *stage.random.choice(&busy).unwrap();
        let losses = stage.report().losses;
        stage.cluster.nodes[node].kill();
        stage
            .crowd
            .wait_until("the kill is seen", BACK, |report| report.losses > losses);
        stage.goes_on(&format!("node {node} is dead"));
        stage.crowd.pass(0..500);
        stage.cluster.nodes[node].restart();
        stage.crowd.wait_until_all_are_live(BACK);
        stage.crowd.pass(1_000..2_000);
    }
    let report = stage.report();
    assert!(report.cut_off > 0, "no kill met a send: {report:?}");
    assert!(report.goodbyes.is_empty(), "a kill gives no warning: {report:?}");
    let come_back = report.sessions - served_before;
    assert_eq!(come_back, report.losses, "everybody came back: {report:?}");
}

/// A rolling restart by SIGTERM.
pub(super) fn are_restarted(stage: &mut Stage) {
    let devices = stage.crowd.devices();
    for node in 0..stage.cluster.nodes.len() {
        let told = stage
            .report()
            .goodbyes
            .get("server_draining")
            .copied()
            .unwrap_or(0);
        let begun = Instant::now();
        stage.cluster.nodes[node].signal_to_end();
        let ended = stage.cluster.nodes[node].wait();
        assert_eq!(ended.code, Some(0), "node {node}: {}", ended.stderr);
        assert!(
            begun.elapsed() < BACK,
            "node {node} took {:?} to end",
            begun.elapsed()
        );
        stage.goes_on(&format!("node {node} is away"));
        stage.cluster.nodes[node].restart();
        stage.crowd.wait_until_all_are_live(BACK);
        let report = stage.report();
        assert!(
            report.goodbyes["server_draining"] > told,
            "node {node} had nobody: {report:?}"
        );
        stage.crowd.pass(500..1_500);
    }
    let report = stage.report();
    let told = report.goodbyes["server_draining"];
    assert!(told >= devices / 2, "too few sessions were moved: {report:?}");
    assert_eq!(report.goodbyes_with_a_time, told, "each says when to come back");
    assert_eq!(report.losses, 0, "a session ended without a goodbye: {report:?}");
}
