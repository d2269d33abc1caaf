//! Kafka is away for a time, and nobody who chats notices.

use chat_test_services::Kafka;

use super::records::{Records, number};
use super::stage::{NODES, Stage};

/// So few that an outage of seconds reaches it.
const SMALL_BUFFER: [&str; 2] = ["kafka.buffer = 60", "kafka.in_flight = 20"];

pub(super) fn kafka_is_killed() {
    outage(|kafka| kafka.kill().unwrap(), |kafka| kafka.restart().unwrap());
}

pub(super) fn kafka_stands_still() {
    outage(|kafka| kafka.freeze().unwrap(), |kafka| kafka.thaw());
}

/// While Kafka is away more is written than can wait. Exactly so much is missing afterwards as the nodes say.
fn outage(begin: fn(&mut Kafka), end: fn(&mut Kafka)) {
    let mut stage = Stage::start(Kafka::start().unwrap(), &SMALL_BUFFER);
    stage.write();
    stage.log_is_there();
    begin(&mut stage.kafka);
    stage.goes_on("Kafka has just gone");
    stage.come_and_go_until("records are dropped", Records::are_dropped);
    stage.goes_on("records are dropped");
    end(&mut stage.kafka);
    stage.log_is_there();
    stage.goes_on("Kafka has come back");
    stage.nobody_noticed();
    let dropped: Vec<[u64; 2]> = (0..NODES).map(|node| stage.dropped(node)).collect();
    for ((in_file, in_kafka), dropped) in stage.end().into_iter().zip(dropped) {
        in_file.are_whole();
        let missing = in_kafka.missing_of(&in_file);
        assert!(missing > 0);
        assert_eq!(dropped, [missing; 2], "what the metrics count");
        assert_eq!(in_file.now("log_dropped_total"), missing);
        let told: Vec<_> = in_file.of("records_dropped").collect();
        assert_eq!(
            told.iter().map(|record| number(record, "count")).sum::<u64>(),
            missing
        );
        // What is told last is not dropped, nor is the end.
        assert_eq!(in_kafka.of("records_dropped").last(), told.last().copied());
        assert_eq!(told.last().map(|record| number(record, "total")), Some(missing));
        assert_eq!(
            in_kafka.of("log_regained").last(),
            in_file.of("log_regained").last()
        );
        assert_eq!(in_kafka.0.last(), in_file.0.last());
    }
}

/// Kafka is not there when the nodes start: they serve all the same, and when it comes it gets everything.
pub(super) fn nodes_start_without_kafka() {
    let mut kafka = Kafka::start().unwrap();
    kafka.kill().unwrap();
    let mut stage = Stage::start(kafka, &[]);
    stage.write();
    stage.all_record("the log is away", |records| {
        records.log_is_away() && records.of("log_lost").count() == 1
    });
    stage.goes_on("Kafka was never there");
    stage.kafka.restart().unwrap();
    stage.log_is_there();
    stage.goes_on("Kafka has come");
    stage.nobody_noticed();
    for (in_file, in_kafka) in stage.end() {
        in_kafka.are_whole();
        assert_eq!(in_kafka.missing_of(&in_file), 0);
    }
}
