//! What the log says of itself.

use chat_adapters::kafka::{KafkaError, KafkaLog, KafkaOptions};
use chat_test_services::free_port;
use libtest_mimic::Trial;

use crate::lines_of_log::lines_with;
use crate::mock::Mock;
use crate::scene::{TOPIC, append, eventually, flush, log, trials, until};

pub(crate) fn trials() -> Vec<Trial> {
    trials!("lines": &[], {
        kafka_going_and_coming_is_one_line_each,
        no_line_and_no_error_shows_the_password,
    })
}

async fn kafka_going_and_coming_is_one_line_each() {
    let mock = Mock::with_topic(TOPIC, 1);
    let options = mock.options(TOPIC);
    let server = options.servers[0].to_string();
    let log = log(&options);
    append(&log, 1..=10);
    flush(&log).await;
    for times in 1..=2 {
        mock.order(|cluster| cluster.broker_down(1).unwrap());
        append(&log, 11..=20);
        // By then it has tried to connect several times.
        eventually("it says that Kafka is away", || {
            lines_with(&[" WARN chat_adapters::kafka", "is away", &server]).len() == times
        })
        .await;
        mock.order(|cluster| cluster.broker_up(1).unwrap());
        flush(&log).await;
        eventually("it says that Kafka is back", || {
            lines_with(&[" INFO chat_adapters::kafka", "is back", &server]).len() == times
        })
        .await;
        assert_eq!(lines_with(&[" WARN ", &server]).len(), times);
    }
    let others = lines_with(&[" ERROR ", &server]);
    assert!(others.is_empty(), "{others:?}");
}

async fn no_line_and_no_error_shows_the_password() {
    let address = free_port().unwrap();
    let url = format!("kafka://user:m4rk3d@{address}/{TOPIC}");
    for security in ["sasl_plaintext&mechanism=PLAIN", "sasl_ssl"] {
        let options = KafkaOptions::parse(&format!("{url}?security={security}")).unwrap();
        let log = log(&options);
        append(&log, 1..=1);
        until(&log, "away", |status| status.is_away).await;
        eventually("it is told", || {
            !lines_with(&[" WARN ", "is away", &address.to_string()]).is_empty()
        })
        .await;
        assert!(!format!("{log:?}").contains("m4rk3d"));
    }
    let options = KafkaOptions::parse(&format!("{url}?security=sasl_ssl&ca=/nowhere/ca.pem")).unwrap();
    let error = KafkaLog::open(options).unwrap_err();
    assert!(matches!(error, KafkaError::Client { .. }), "{error}");
    assert!(!format!("{error} {error:?}").contains("m4rk3d"));
    assert!(error.to_string().contains("ssl.ca.location"), "{error}");
    assert!(lines_with(&["m4rk3d"]).is_empty());
}
