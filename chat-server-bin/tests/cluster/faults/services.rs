//! Redis and MariaDB die and come back.

use std::time::Duration;

use super::links::{BUS_IS_AWAY, BUS_IS_BACK};
use crate::stage::{BACK, SLOWEST_ANSWER, STORE_TIMEOUT, Stage};

/// Killed twice, and each time it comes back without any data.
pub(super) fn redis_is_killed(stage: &mut Stage) {
    for milliseconds in [2_000..4_000, 0..500] {
        let (away, back) = (stage.logged(BUS_IS_AWAY), stage.logged(BUS_IS_BACK));
        let delivered = stage.report().delivered;
        stage.cluster.redis.kill().unwrap();
        stage.all_log(BUS_IS_AWAY, &away, BACK);
        stage.goes_on("Redis is dead");
        // By pull, since a third of all receivers at most is on the sender's node.
        stage
            .crowd
            .wait_until("messages come without Redis", BACK, |report| {
                report.delivered > delivered + 500
            });
        stage.crowd.pass(milliseconds);
        stage.cluster.redis.restart().unwrap();
        stage.all_log(BUS_IS_BACK, &back, BACK);
        stage.goes_on("Redis has come back");
    }
    let report = stage.report();
    assert_eq!(report.losses, 0, "sessions do not need Redis: {report:?}");
    assert_eq!(report.unavailable, 0, "messages do not need Redis: {report:?}");
}

/// Killed twice: for longer than a store may take to answer, and for a moment.
pub(super) fn mariadb_is_killed(stage: &mut Stage) {
    let longer = STORE_TIMEOUT + Duration::from_secs(3);
    let longer = u64::try_from(longer.as_millis()).unwrap();
    for milliseconds in [longer..longer + 1_000, 0..500] {
        stage.cluster.mariadb().kill().unwrap();
        stage.crowd.pass(milliseconds);
        stage.cluster.mariadb().restart().unwrap();
        stage.goes_on("MariaDB has come back");
    }
    let report = stage.report();
    assert_eq!(report.losses, 0, "sessions stay open: {report:?}");
    assert!(report.unavailable > 0, "nobody was told: {report:?}");
    assert!(
        report.slowest_answer < SLOWEST_ANSWER,
        "told too late: {report:?}"
    );
}
