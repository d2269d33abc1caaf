//! Nodes that reach their store through backend services, which they find in `ZooKeeper`.

mod adversary;
mod deaths;
mod restarts;
mod stalls;
mod watch;

use anyhow::Result;
use chat_test_services::Service;
use libtest_mimic::Trial;

use crate::harness::Plan;
use crate::protocol;
use crate::stage::SharedStage;

/// What every test here needs.
const NEEDS: &[Service] = &[Service::MySql, Service::Redis, Service::Nginx, Service::ZooKeeper];

pub(crate) fn trials() -> Result<Vec<Trial>> {
    let mut trials = protocol::trials_on("backends::protocol", NEEDS, two_of_each)?;
    let stage = SharedStage::new("backends", NEEDS, || Plan {
        settings: vec!["drain = \"1s\"".to_owned()],
        ..two_of_each()
    });
    let trial = |name, fault| stage.trial(name, fault);
    trials.extend([
        trial("a_backend_is_killed", deaths::of_a_backend),
        trial("zookeeper_is_killed", deaths::of_zookeeper),
        trial("a_backend_and_zookeeper_are_killed_at_once", deaths::of_both),
        trial("a_backend_stands_still_for_20_seconds", stalls::of_a_backend),
        trial("all_backends_are_restarted_one_by_one", restarts::one_by_one),
        trial(
            "nobody_notices_rubbish_on_the_port_of_a_backend",
            adversary::sends_rubbish,
        ),
    ]);
    Ok(trials)
}

fn two_of_each() -> Plan {
    Plan {
        nodes: 2,
        backends: 2,
        ..Plan::default()
    }
}
