//! Errors, lost connections and slow answers, on the mock cluster.

use std::time::Duration;

use chat_adapters::kafka::{Compression, KafkaOptions};
use chat_core::ports::EventLog;
use libtest_mimic::Trial;
use rdkafka::mocking::MockCluster;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use crate::mock::{Cluster, Mock};
use crate::scene::{TOPIC, append, eventually, flush, log, numbers, record, trials, until};

pub(crate) fn trials() -> Vec<Trial> {
    trials!("faults": &[], {
        errors_that_pass_lose_and_repeat_nothing,
        a_connection_that_breaks_again_and_again_loses_nothing,
        a_producer_that_fails_is_made_anew_and_loses_nothing,
        slow_answers_keep_the_order,
        a_record_that_is_too_large_is_dropped_alone,
        dropping_a_log_brings_what_waits_to_kafka,
        a_topic_that_comes_late_gets_what_waited,
    })
}

fn fail(cluster: &Cluster, errors: &[RDKafkaRespErr]) {
    MockCluster::request_errors(cluster, RDKafkaApiKey::Produce, errors);
}

/// Appends while something is wrong, and expects everything to arrive in order.
async fn expect_all_in_spite_of(trouble: impl Fn(&Mock), rounds: u64) {
    let mock = Mock::with_topic(TOPIC, 4);
    let options = mock.options(TOPIC);
    let log = log(&options);
    append(&log, 1..=100);
    flush(&log).await;
    for round in 1..=rounds {
        trouble(&mock);
        append(&log, 100 * round + 1..=100 * (round + 1));
        flush(&log).await;
    }
    assert_eq!(
        numbers(&options).await,
        (1..=100 * (rounds + 1)).collect::<Vec<_>>()
    );
    assert_eq!(log.status().dropped, 0);
    assert!(!log.status().is_away);
}

async fn errors_that_pass_lose_and_repeat_nothing() {
    let trouble = |mock: &Mock| {
        mock.order(|cluster| {
            fail(
                cluster,
                &[
                    RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
                    RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
                    RDKafkaRespErr::RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
                ],
            );
        });
    };
    expect_all_in_spite_of(trouble, 5).await;
}

async fn a_connection_that_breaks_again_and_again_loses_nothing() {
    let trouble = |mock: &Mock| {
        mock.order(|cluster| fail(cluster, &[RDKafkaRespErr::RD_KAFKA_RESP_ERR__TRANSPORT; 3]));
    };
    expect_all_in_spite_of(trouble, 3).await;
}

async fn a_producer_that_fails_is_made_anew_and_loses_nothing() {
    for error in [
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER,
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH,
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT,
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
    ] {
        let trouble = move |mock: &Mock| mock.order(move |cluster| fail(cluster, &[error]));
        expect_all_in_spite_of(trouble, 2).await;
    }
}

async fn slow_answers_keep_the_order() {
    let mock = Mock::with_topic(TOPIC, 4);
    let options = KafkaOptions {
        in_flight: 300,
        ..mock.options(TOPIC)
    };
    let log = log(&options);
    mock.order(|cluster| {
        cluster
            .broker_round_trip_time(1, Duration::from_millis(200))
            .unwrap()
    });
    append(&log, 1..=2_000);
    flush(&log).await;
    mock.order(|cluster| cluster.broker_round_trip_time(1, Duration::ZERO).unwrap());
    assert_eq!(numbers(&options).await, (1..=2_000).collect::<Vec<_>>());
    let latency = log.status().latency.unwrap();
    assert!(latency >= Duration::from_millis(200), "{latency:?}");
}

async fn a_record_that_is_too_large_is_dropped_alone() {
    let mock = Mock::with_topic(TOPIC, 1);
    let options = KafkaOptions {
        compression: Compression::None,
        ..mock.options(TOPIC)
    };
    let log = log(&options);
    append(&log, 1..=10);
    let mut large = record(11);
    large.event = "x".repeat(1_100_000);
    log.append(large);
    append(&log, 12..=20);
    let flushed = log.flush(chat_test_services::DEADLINE).await;
    assert!(flushed.is_err(), "a flush tells that something was refused");
    flush(&log).await;
    assert_eq!(
        numbers(&options).await,
        (1..=10).chain(12..=20).collect::<Vec<_>>()
    );
    assert_eq!(log.status().dropped, 1);
}

async fn dropping_a_log_brings_what_waits_to_kafka() {
    let mock = Mock::with_topic(TOPIC, 4);
    let options = KafkaOptions {
        flush_time: chat_test_services::DEADLINE,
        ..mock.options(TOPIC)
    };
    mock.order(|cluster| {
        cluster
            .broker_round_trip_time(1, Duration::from_millis(300))
            .unwrap();
    });
    let log = log(&options);
    append(&log, 1..=1_000);
    drop(log);
    assert_eq!(numbers(&options).await, (1..=1_000).collect::<Vec<_>>());
}

async fn a_topic_that_comes_late_gets_what_waited() {
    let mock = Mock::start();
    let options = KafkaOptions {
        create_topic: false,
        ..mock.options(TOPIC)
    };
    let log = log(&options);
    append(&log, 1..=10);
    until(&log, "away", |status| status.is_away).await;
    assert_eq!(log.status().waiting, 10);
    mock.order(|cluster| cluster.create_topic(TOPIC, 1, 1).unwrap());
    flush(&log).await;
    eventually("there", || !log.status().is_away).await;
    assert_eq!(numbers(&options).await, (1..=10).collect::<Vec<_>>());
}
