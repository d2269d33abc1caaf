//! What two nodes write to the event log in Kafka. Each writes the same to a file of its own, which loses nothing, so
//! that every record that is not in Kafka is known.

mod outages;
mod records;
mod stage;
mod whole;

use chat_test_services::{Service, trial};
use libtest_mimic::{Failed, Trial};

/// What every test here needs.
const NEEDS: &[Service] = &[Service::MySql, Service::Redis, Service::Nginx, Service::Kafka];

pub(crate) fn trials() -> Vec<Trial> {
    let cases: [(&str, fn()); 4] = [
        (
            "two_nodes_write_all_they_do_whole_and_in_order",
            whole::two_nodes_write_all_they_do,
        ),
        ("kafka_is_killed", outages::kafka_is_killed),
        ("kafka_stands_still", outages::kafka_stands_still),
        (
            "nodes_that_start_without_kafka_serve_and_their_records_come_later",
            outages::nodes_start_without_kafka,
        ),
    ];
    let trial = |(name, run): (&str, fn())| {
        trial(format!("log::{name}"), NEEDS, move || {
            run();
            Ok::<(), Failed>(())
        })
    };
    cases.map(trial).into()
}
