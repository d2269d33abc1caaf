//! A backend stands still while all write, and then goes on with what it had begun.

use std::time::{Duration, Instant};

use super::watch::{all_nodes_reach, all_was_answered_in_time, announced_are, is_left_alone, nobody_waits};
use crate::stage::Stage;

const STALLED: Duration = Duration::from_secs(20);
/// SIGSTOP of a backend in the middle of calls, and SIGCONT after 20 s. Who writes where a transaction of its has locked
/// rows is told so, until MariaDB ends that.
pub(super) fn of_a_backend(stage: &mut Stage) {
    all_nodes_reach(stage, 2);
    let backend = stage.random.usize(0..2);
    stage.cluster.backends[backend].freeze();
    let begun = Instant::now();
    stage.goes_on("a backend stands still");
    is_left_alone(stage, backend);
    all_was_answered_in_time(stage);
    println!("{:?}", stage.report());
    nobody_waits(stage);
    while begun.elapsed() < STALLED {
        stage.crowd.pass(100..101);
    }
    stage.cluster.backends[backend].thaw();
    announced_are(stage, &[0, 1]);
    all_nodes_reach(stage, 2);
    stage.goes_on("the backend goes on");
    all_was_answered_in_time(stage);
}
