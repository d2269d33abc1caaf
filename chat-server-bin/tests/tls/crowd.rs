//! Users who write to each other by TLS, and judge all that they saw.

use std::time::Duration;

use crate::scene::Scene;
use crate::writers::{Crowd, Fronts, Plan, seed};

const PLAN: Plan = Plan {
    users: 20,
    listeners: 5,
    group_size: 10,
    at_the_door: 0,
    pause: Duration::from_millis(50),
};
/// How long anything may take; only a failure ever waits that long.
const DEADLINE: Duration = Duration::from_secs(60);

#[test]
fn every_message_comes_once_and_in_order_and_nobody_is_dropped_while_certificates_are_replaced() {
    let mut scene = Scene::start(&["--tls-reload-interval", "1h"]);
    // Each comes now by TCP and now by WebSocket.
    let fronts = Fronts::both(scene.server.address(), scene.server.http());
    let fronts = fronts.encrypted(scene.authority.client());
    let mut crowd = Crowd::register(fronts, PLAN, "user", seed());
    crowd.write();
    crowd.wait_until_all_are_live(DEADLINE);
    let sessions = crowd.report().sessions;
    for _ in 0..3 {
        let next = scene.signed();
        scene.write(&next);
        scene.server.reload();
        scene.shows(&next);
        let sent = crowd.report().sent + 10 * PLAN.users;
        crowd.wait_until("all go on writing", DEADLINE, |report| report.sent >= sent);
    }
    assert_eq!(crowd.report().sessions, sessions, "somebody was dropped");
    crowd.settle(DEADLINE);
    let violations = crowd.violations();
    assert!(violations.is_empty(), "{} of {violations:#?}", violations.len());
}
