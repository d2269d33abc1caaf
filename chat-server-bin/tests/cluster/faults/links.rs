//! The nodes' ways to Redis and MariaDB are cut, then stalled: open, and nothing passes.

use crate::stage::{BACK, SLOWEST_ANSWER, Stage};

/// What a node logs when the bus loses something, and when it does no more.
pub(super) const BUS_IS_AWAY: &str = "the bus does not bring everything";
pub(super) const BUS_IS_BACK: &str = "the bus brings everything again";

/// How long a way is cut, and stalled, in milliseconds.
const CUT: std::ops::Range<u64> = 6_000..7_000;
const STALLED: std::ops::Range<u64> = 10_000..10_001;

pub(super) fn to_redis_break(stage: &mut Stage) {
    let (away, back) = (stage.logged(BUS_IS_AWAY), stage.logged(BUS_IS_BACK));
    stage.cluster.bus_link().cut().unwrap();
    stage.all_log(BUS_IS_AWAY, &away, BACK);
    stage.goes_on("Redis is out of reach");
    stage.crowd.pass(0..1_000);
    stage.cluster.bus_link().resume().unwrap();
    stage.all_log(BUS_IS_BACK, &back, BACK);

    let (away, back) = (stage.logged(BUS_IS_AWAY), stage.logged(BUS_IS_BACK));
    let delivered = stage.report().delivered;
    stage.cluster.bus_link().stall().unwrap();
    stage.goes_on("Redis says nothing");
    stage.crowd.pass(STALLED);
    stage.all_log(BUS_IS_AWAY, &away, BACK);
    let report = stage.report();
    assert!(
        report.delivered > delivered + 500,
        "messages come by pull: {report:?}"
    );
    stage.cluster.bus_link().resume().unwrap();
    stage.all_log(BUS_IS_BACK, &back, BACK);
    stage.goes_on("Redis speaks again");

    let report = stage.report();
    assert_eq!(report.losses, 0, "sessions do not need Redis: {report:?}");
    assert_eq!(report.unavailable, 0, "messages do not need Redis: {report:?}");
}

pub(super) fn to_mariadb_break(stage: &mut Stage) {
    stage.cluster.store_link().cut().unwrap();
    stage.crowd.pass(CUT);
    stage.cluster.store_link().resume().unwrap();
    stage.goes_on("MariaDB is within reach again");
    let told = stage.report().unavailable;
    assert!(told > 0, "nobody was told of the cut: {:?}", stage.report());

    stage.cluster.store_link().stall().unwrap();
    stage.crowd.pass(STALLED);
    let report = stage.report();
    assert!(
        report.unavailable > told,
        "nobody was told of the stall: {report:?}"
    );
    stage.cluster.store_link().resume().unwrap();
    stage.goes_on("MariaDB speaks again");

    let report = stage.report();
    assert_eq!(report.losses, 0, "sessions stay open: {report:?}");
    assert!(
        report.slowest_answer < SLOWEST_ANSWER,
        "told too late: {report:?}"
    );
}
