//! Kafka is not there: nobody waits for it, and what is kept is bounded.

use std::time::Duration;

use chat_adapters::kafka::KafkaOptions;
use chat_core::ports::EventLog;
use chat_test_services::free_port;
use libtest_mimic::Trial;

use crate::mock::Mock;
use crate::scene::{TOPIC, append, expect_all_but_dropped, flush, log, numbers, trials, until};

pub(crate) fn trials() -> Vec<Trial> {
    trials!("away": &[], {
        appending_goes_on_without_anybody,
        what_waited_comes_in_order_once_kafka_is_there,
        what_is_kept_is_bounded_and_what_is_dropped_is_counted,
        an_idle_log_sees_kafka_go_and_come,
        a_busy_log_sees_kafka_go_and_come,
        a_log_that_nobody_answers_is_away,
        flushing_ends_at_its_deadline,
        dropping_a_log_ends_though_nobody_answers,
    })
}

/// Where nobody listens.
fn nobody() -> KafkaOptions {
    let address = free_port().unwrap();
    KafkaOptions {
        buffer: 1_000,
        flush_time: Duration::from_millis(100),
        ..KafkaOptions::parse(&format!("kafka://{address}/{TOPIC}")).unwrap()
    }
}

/// The log's thread takes nothing while it has no topic, so whatever waited for it would wait for ever.
async fn appending_goes_on_without_anybody() {
    let log = log(&nobody());
    append(&log, 1..=100_000);
    let status = log.status();
    assert_eq!((status.waiting, status.dropped), (1_000, 99_000));
}

async fn what_waited_comes_in_order_once_kafka_is_there() {
    let mock = Mock::with_topic(TOPIC, 4);
    mock.order(|cluster| cluster.broker_down(1).unwrap());
    let options = KafkaOptions {
        buffer: 1_000,
        ..mock.options(TOPIC)
    };
    let log = log(&options);
    append(&log, 1..=5_000);
    assert_eq!((log.status().waiting, log.status().dropped), (1_000, 4_000));
    mock.order(|cluster| cluster.broker_up(1).unwrap());
    flush(&log).await;
    assert_eq!(numbers(&options).await, (4_001..=5_000).collect::<Vec<_>>());
    assert_eq!((log.status().waiting, log.status().dropped), (0, 4_000));
}

async fn what_is_kept_is_bounded_and_what_is_dropped_is_counted() {
    let mock = Mock::with_topic(TOPIC, 4);
    let options = KafkaOptions {
        buffer: 2_000,
        in_flight: 500,
        ..mock.options(TOPIC)
    };
    let log = log(&options);
    append(&log, 1..=100);
    flush(&log).await;
    mock.order(|cluster| cluster.broker_down(1).unwrap());
    append(&log, 101..=600);
    // These are on their way and stay so; of the others the ring keeps the last.
    until(&log, "away", |status| status.is_away).await;
    append(&log, 601..=20_000);
    let status = log.status();
    assert_eq!((status.waiting, status.dropped), (2_500, 17_400));
    mock.order(|cluster| cluster.broker_up(1).unwrap());
    flush(&log).await;
    expect_all_but_dropped(&log, &options, 20_000).await;
    assert_eq!(log.status().dropped, 17_400);
}

async fn an_idle_log_sees_kafka_go_and_come() {
    let mock = Mock::with_topic(TOPIC, 1);
    let log = log(&mock.options(TOPIC));
    append(&log, 1..=1);
    flush(&log).await;
    for _ in 0..2 {
        mock.order(|cluster| cluster.broker_down(1).unwrap());
        until(&log, "away", |status| status.is_away).await;
        mock.order(|cluster| cluster.broker_up(1).unwrap());
        until(&log, "there", |status| !status.is_away).await;
    }
}

async fn a_busy_log_sees_kafka_go_and_come() {
    let mock = Mock::with_topic(TOPIC, 1);
    let options = mock.options(TOPIC);
    let log = log(&options);
    let mut number = 0;
    for is_away in [false, true, false] {
        mock.order(move |cluster| {
            let change = if is_away {
                cluster.broker_down(1)
            } else {
                cluster.broker_up(1)
            };
            change.unwrap();
        });
        while log.status().is_away != is_away || number % 1_000 != 0 {
            number += 1;
            append(&log, [number]);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    flush(&log).await;
    assert_eq!(numbers(&options).await, (1..=number).collect::<Vec<_>>());
}

async fn a_log_that_nobody_answers_is_away() {
    let log = log(&nobody());
    assert!(!log.status().is_away, "it has just begun");
    until(&log, "away", |status| status.is_away).await;
}

async fn flushing_ends_at_its_deadline() {
    let log = log(&nobody());
    append(&log, 1..=10);
    let flushed = log.flush(Duration::from_millis(50)).await;
    assert!(flushed.is_err());
    assert_eq!(log.status().waiting, 10);
}

/// That it ends at all is what is shown; a thread that is not joined in time would hang the test.
async fn dropping_a_log_ends_though_nobody_answers() {
    let log = log(&nobody());
    append(&log, 1..=10);
    drop(log);
}
