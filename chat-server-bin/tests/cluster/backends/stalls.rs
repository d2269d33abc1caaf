//! A backend stands still while all write, and then goes on with what it had begun.

use std::time::{Duration, Instant};

use super::watch::{all_nodes_reach, all_was_answered_in_time, announced_are, is_left_alone, nobody_waits};
use crate::stage::Stage;

const STALLED: Duration = Duration::from_secs(20);
/// Tries to stop a backend within a transaction.
const TRIES: usize = 200;
/// How long the server takes to know what a stopped backend leaves behind, in milliseconds; what is left then stays.
const KNOWN: std::ops::Range<u64> = 500..501;

/// SIGSTOP of a backend in the middle of calls, and SIGCONT after 20 s. Who writes where its transaction has locked rows
/// is told so, until MariaDB ends that.
pub(super) fn of_a_backend(stage: &mut Stage) {
    all_nodes_reach(stage, 2);
    let backend = stage.random.usize(0..2);
    freeze_in_a_transaction(stage, backend);
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

/// SIGSTOP of a backend while a transaction of its is open.
pub(super) fn freeze_in_a_transaction(stage: &mut Stage, backend: usize) {
    for _ in 0..TRIES {
        stage.cluster.backends[backend].freeze();
        let open = open_transactions(stage);
        stage.crowd.pass(KNOWN);
        // Those of the other backend have ended meanwhile.
        let still_open = open_transactions(stage);
        if still_open.iter().any(|id| open.contains(id)) {
            return;
        }
        stage.cluster.backends[backend].thaw();
        stage.crowd.pass(10..30);
    }
    panic!("no transaction is ever under way");
}

/// The transactions that have changed something. A connection would not do: it has one after another.
fn open_transactions(stage: &Stage) -> Vec<String> {
    stage
        .cluster
        .database
        .rows("SELECT CAST(trx_id AS CHAR) FROM information_schema.INNODB_TRX WHERE trx_rows_modified > 0")
}
