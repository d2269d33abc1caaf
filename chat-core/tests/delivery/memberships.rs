//! A membership that is looked up again in the midst of delivery.

use std::time::Duration;

use crate::driver::run;
use crate::script::{Step, To, send};
use crate::setting::Setting;

const GROUP: To = To::Group(0);

const fn read(device: usize, events: usize) -> Step {
    Step::Read {
        device,
        events,
        acknowledges: false,
    }
}

/// The pull tells all the time that the group was made lately, while messages of others wait in the
/// session before one of its own.
#[test]
fn own_messages_stay_out_when_a_membership_is_looked_up_again() {
    let setting = Setting {
        session_notices: 64,
        delivery_page: 64,
        ..Setting::default()
    };
    let script = [
        Step::Open { device: 0, node: 0 },
        Step::Open { device: 1, node: 0 },
        read(0, 5),
        Step::Send(vec![send(1, GROUP), send(1, GROUP), send(1, GROUP)]),
        Step::Send(vec![send(0, GROUP)]),
        read(0, 1),
        Step::Wait { millis: 200 },
        read(0, 9),
    ];
    assert_eq!(run(&script, &setting), []);
}

/// The pull tells that the group was made lately, while a session hands out what was stored before it began.
#[test]
fn what_was_stored_before_the_login_comes_before_synced_when_a_membership_is_looked_up_again() {
    let setting = Setting {
        delivery_page: 64,
        ..Setting::default()
    };
    let script = [
        Step::Open { device: 1, node: 0 },
        Step::Send(vec![send(1, GROUP), send(1, GROUP), send(1, GROUP)]),
        Step::Open { device: 0, node: 0 },
        read(0, 1),
        Step::Wait { millis: 200 },
        read(0, 9),
    ];
    assert_eq!(run(&script, &setting), []);
}

/// A page is on its way to the session, longer than its reader has patience, when its user leaves.
#[test]
fn a_page_that_is_under_way_is_not_handed_out_after_leaving() {
    let setting = Setting {
        latency: Duration::from_millis(40),
        session_notices: 1,
        ..Setting::default()
    };
    let burst = || Step::Send(vec![send(0, GROUP), send(0, GROUP), send(0, GROUP)]);
    let script = [
        Step::Open { device: 0, node: 0 },
        Step::Open { device: 2, node: 0 },
        Step::Join { device: 2, group: 0 },
        read(2, 9),
        burst(),
        burst(),
        read(2, 9),
        Step::Leave { device: 2, group: 0 },
        burst(),
        read(2, 9),
    ];
    assert_eq!(run(&script, &setting), []);
}
