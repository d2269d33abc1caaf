//! The contract suites on the in-memory backends, plain and behind a wrapper without faults, and on
//! broken fakes that must fail.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test binary without a harness of its own"
)]

mod broken;
mod fixtures;

use std::process::ExitCode;
use std::sync::Arc;

use broken::Defect;
use chat_core::contract::{self, Outcome};
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use tokio::runtime::Runtime;

fn main() -> ExitCode {
    let runtime = Arc::new(Runtime::new().expect("a runtime"));
    let suites = [
        contract::stores("memory", fixtures::store),
        contract::bus("memory", fixtures::bus),
        contract::presence("memory", fixtures::presence),
        contract::event_log("memory", fixtures::log),
        contract::event_log("json_lines", fixtures::json_log),
        contract::registry("memory", fixtures::registry),
        contract::stores("faulty", fixtures::faulty_store),
        contract::bus("faulty", fixtures::faulty_bus),
        contract::presence("faulty", fixtures::faulty_presence),
        contract::event_log("faulty", fixtures::faulty_log),
        contract::registry("faulty", fixtures::faulty_registry),
    ];
    let trials = suites
        .into_iter()
        .flatten()
        .map(|trial| to_mimic(trial, &runtime));
    let trials = trials.chain(broken_trials(&runtime)).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn to_mimic(trial: contract::Trial, runtime: &Arc<Runtime>) -> Trial {
    let runtime = Arc::clone(runtime);
    Trial::ignorable_test(trial.name().to_owned(), move || {
        Ok(match runtime.block_on(trial.run())? {
            Outcome::Passed => Completion::Completed,
            Outcome::Ignored(reason) => Completion::ignored_with(reason),
        })
    })
}

/// For each broken fake, the cases that must notice it.
fn broken_trials(runtime: &Arc<Runtime>) -> Vec<Trial> {
    let stores = |name: &str, defect, noticed_by: &[&'static str]| {
        let suite = contract::stores("broken", move || broken::stores(defect));
        must_fail(name, suite, noticed_by, runtime)
    };
    vec![
        stores(
            "skips_a_seq",
            Defect::SkipsASeq,
            &[
                "messages::numbers_begin_at_one_and_have_no_gaps",
                "messages::thirty_two_appenders_on_two_handles_leave_no_gap",
            ],
        ),
        stores(
            "forgets_ids",
            Defect::ForgetsIds,
            &[
                "messages::append_twice_with_one_id_stores_once",
                "messages::one_id_from_two_handles_at_once_is_stored_once",
            ],
        ),
        stores(
            "moves_cursors_back",
            Defect::MovesCursorsBack,
            &["devices::acknowledged_positions_never_go_back"],
        ),
        stores(
            "ignores_membership",
            Defect::IgnoresMembership,
            &[
                "groups::who_has_left_is_no_member_and_writes_nothing",
                "messages::only_members_write_to_a_group",
            ],
        ),
        must_fail(
            "tells_of_presence_twice",
            contract::presence("broken", broken::presence),
            &["presence::a_first_lease_brings_its_user_online_once"],
            runtime,
        ),
        must_fail(
            "swallows_gaps",
            contract::bus("broken", broken::bus),
            &["bus::what_is_missed_is_covered_by_a_gap"],
            runtime,
        ),
    ]
}

/// Passes where each of these cases of the suite fails.
fn must_fail(
    name: &str,
    suite: Vec<contract::Trial>,
    noticed_by: &[&'static str],
    runtime: &Arc<Runtime>,
) -> Trial {
    let runtime = Arc::clone(runtime);
    let noticed_by = noticed_by.to_vec();
    Trial::test(format!("broken::{name}_is_noticed"), move || {
        let mut unnoticed = noticed_by.clone();
        for trial in suite {
            let case = trial.name().trim_start_matches("broken::").to_owned();
            if noticed_by.contains(&&*case) && runtime.block_on(trial.run()).is_err() {
                unnoticed.retain(|wanted| *wanted != case);
            }
        }
        if unnoticed.is_empty() {
            return Ok(());
        }
        Err(Failed::from(format!("not noticed by {unnoticed:?}")))
    })
}
