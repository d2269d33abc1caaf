//! Options as the settings of librdkafka.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;

use super::url::is_topic;
use super::{KafkaError, KafkaOptions};

/// The most records that may be sent and not yet acknowledged: as far back do readers know repeats.
pub(super) const MOST_IN_FLIGHT: usize = 16_384;
/// What lingers longer looks as if nobody answered.
const LONGEST_LINGER: Duration = Duration::from_secs(1);
/// How much of what is not yet acknowledged librdkafka holds, in KiB.
const MOST_HELD: &str = "65536";

/// Whether the options make sense.
pub(super) fn check(options: &KafkaOptions) -> Result<(), KafkaError> {
    let is_host = |host: &str| !host.is_empty() && !host.contains([',', '/', '\0']);
    let what = if options.servers.is_empty() || !options.servers.iter().all(|server| is_host(&server.host)) {
        "`servers` names at least one host"
    } else if !is_topic(&options.topic) {
        "`topic` has 1 to 249 letters, digits, `.`, `_` and `-`"
    } else if options.partitions == 0 {
        "`partitions` is at least 1"
    } else if options.replication == Some(0) {
        "`replication` is at least 1, or left to Kafka"
    } else if options.buffer == 0 {
        "`buffer` is at least 1 record"
    } else if !(1..=MOST_IN_FLIGHT).contains(&options.in_flight) {
        "`in_flight` is 1 to 16,384 records"
    } else if options.linger > LONGEST_LINGER {
        "`linger` is a second at most"
    } else {
        return Ok(());
    };
    Err(KafkaError::Options { what })
}

/// The names of the servers, as errors and log lines show them.
pub(super) fn servers(options: &KafkaOptions) -> String {
    let servers: Vec<_> = options.servers.iter().map(ToString::to_string).collect();
    servers.join(",")
}

/// What every client of this Kafka is set to.
pub(super) fn client(options: &KafkaOptions) -> ClientConfig {
    let mut settings = ClientConfig::new();
    settings
        .set_log_level(RDKafkaLogLevel::Info)
        .set("bootstrap.servers", servers(options))
        .set("client.id", options.client.as_str())
        .set("allow.auto.create.topics", "false")
        .set("socket.keepalive.enable", "true")
        // A connection that stalls looks open.
        .set("socket.timeout.ms", "10000")
        .set("socket.connection.setup.timeout.ms", "5000")
        // Kafka is back when it is back: not as much later again.
        .set("reconnect.backoff.max.ms", "1000")
        .set("security.protocol", security(options));
    if let Some(authority) = options.tls.as_ref().and_then(|tls| tls.authority.as_ref()) {
        settings.set("ssl.ca.location", authority.to_string_lossy());
    }
    if let Some(sasl) = &options.sasl {
        settings
            .set("sasl.mechanism", sasl.mechanism.name())
            .set("sasl.username", sasl.user.as_str())
            .set("sasl.password", sasl.password.as_str());
    }
    settings
}

const fn security(options: &KafkaOptions) -> &'static str {
    match (&options.tls, &options.sasl) {
        (None, None) => "plaintext",
        (Some(_), None) => "ssl",
        (None, Some(_)) => "sasl_plaintext",
        (Some(_), Some(_)) => "sasl_ssl",
    }
}

/// A producer that neither loses nor repeats nor reorders while it lives, and says so where it no longer can.
pub(super) fn producer(options: &KafkaOptions) -> ClientConfig {
    let mut settings = client(options);
    settings
        .set("acks", "all")
        .set("enable.idempotence", "true")
        // A partition that is only just made refuses what comes too early, and takes the batch behind it without asking
        // for the one before: that one is then neither there nor missed. One at a time, there is none behind.
        .set("max.in.flight.requests.per.connection", "1")
        // A record that fails for good ends the producer, instead of letting the ones behind it pass.
        .set("enable.gapless.guarantee", "true")
        .set("message.timeout.ms", "0")
        .set("request.timeout.ms", "10000")
        .set("retry.backoff.max.ms", "1000")
        // A topic that was deleted is found to be missing after this time.
        .set("topic.metadata.propagation.max.ms", "5000")
        .set("queue.buffering.max.messages", options.in_flight.to_string())
        .set("queue.buffering.max.kbytes", MOST_HELD)
        .set("linger.ms", options.linger.as_millis().to_string())
        .set("compression.type", options.compression.name())
        // The partition of a key that Kafka's own clients choose.
        .set("partitioner", "murmur2_random");
    settings
}

/// A consumer that is told where to begin, and remembers nothing in Kafka.
pub(super) fn consumer(options: &KafkaOptions) -> ClientConfig {
    let mut settings = client(options);
    settings
        // No group is joined, but librdkafka assigns no partitions without a name of one.
        .set("group.id", format!("{}-logs", options.client))
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("enable.partition.eof", "true")
        .set("auto.offset.reset", "earliest")
        .set("fetch.wait.max.ms", "50")
        .set("fetch.error.backoff.ms", "100")
        .set("fetch.queue.backoff.ms", "50")
        .set("queued.max.messages.kbytes", "16384");
    settings
}

#[cfg(test)]
mod tests {
    use rdkafka::consumer::BaseConsumer;
    use rdkafka::producer::BaseProducer;

    use super::super::Compression;
    use super::*;

    fn options(url: &str) -> KafkaOptions {
        KafkaOptions::parse(url).unwrap()
    }

    fn set(settings: &ClientConfig, names: &[&str]) -> Vec<Option<String>> {
        let one = |name: &&str| settings.get(name).map(str::to_owned);
        names.iter().map(one).collect()
    }

    #[test]
    fn security_is_set_as_the_url_says() {
        let names = [
            "bootstrap.servers",
            "security.protocol",
            "ssl.ca.location",
            "sasl.mechanism",
            "sasl.username",
            "sasl.password",
        ];
        let cases = [
            (
                "kafka://a,[::1]:9093/t",
                ["a:9092,[::1]:9093", "plaintext", "", "", "", ""],
            ),
            (
                "kafka://a/t?security=ssl&ca=/etc/ca.pem",
                ["a:9092", "ssl", "/etc/ca.pem", "", "", ""],
            ),
            (
                "kafka://u:p%40s@a/t?security=sasl_plaintext",
                ["a:9092", "sasl_plaintext", "", "SCRAM-SHA-512", "u", "p@s"],
            ),
            (
                "kafka://u:p@a/t?security=sasl_ssl&mechanism=PLAIN&ca=/etc/ca.pem",
                ["a:9092", "sasl_ssl", "/etc/ca.pem", "PLAIN", "u", "p"],
            ),
        ];
        for (url, expected) in cases {
            let expected = expected.map(|value| (!value.is_empty()).then(|| value.to_owned()));
            assert_eq!(set(&client(&options(url)), &names), expected, "{url}");
        }
    }

    #[test]
    fn a_producer_is_idempotent_and_waits_as_long_as_it_takes() {
        let options = KafkaOptions {
            in_flight: 7,
            linger: Duration::from_millis(3),
            compression: Compression::Gzip,
            ..options("kafka://a/t")
        };
        let expected = [
            ("acks", "all"),
            ("enable.idempotence", "true"),
            ("enable.gapless.guarantee", "true"),
            ("max.in.flight.requests.per.connection", "1"),
            ("message.timeout.ms", "0"),
            ("queue.buffering.max.messages", "7"),
            ("linger.ms", "3"),
            ("compression.type", "gzip"),
            ("allow.auto.create.topics", "false"),
        ];
        let settings = producer(&options);
        for (name, value) in expected {
            assert_eq!(settings.get(name), Some(value), "{name}");
        }
    }

    #[test]
    fn librdkafka_takes_the_settings() {
        let urls = [
            "kafka://127.0.0.1:1/t",
            "kafka://127.0.0.1:1/t?security=ssl",
            "kafka://u:p@127.0.0.1:1/t?security=sasl_ssl&mechanism=SCRAM-SHA-256",
            "kafka://u:p@127.0.0.1:1/t?security=sasl_plaintext&mechanism=PLAIN",
        ];
        for url in urls {
            for compression in ["none", "gzip", "lz4", "snappy"] {
                let options = KafkaOptions {
                    compression: compression.parse().unwrap(),
                    ..options(url)
                };
                producer(&options).create::<BaseProducer>().unwrap();
            }
            consumer(&options(url)).create::<BaseConsumer>().unwrap();
        }
    }

    #[test]
    fn options_that_make_no_sense_are_refused() {
        let good = options("kafka://a/t");
        assert!(check(&good).is_ok());
        let wrong: [fn(&mut KafkaOptions); 9] = [
            |options| options.servers.clear(),
            |options| options.servers[0].host.clear(),
            |options| options.topic = "a/b".to_owned(),
            |options| options.partitions = 0,
            |options| options.replication = Some(0),
            |options| options.buffer = 0,
            |options| options.in_flight = 0,
            |options| options.in_flight = 16_385,
            |options| options.linger = Duration::from_millis(1_001),
        ];
        for (number, spoil) in wrong.into_iter().enumerate() {
            let mut options = good.clone();
            spoil(&mut options);
            assert!(
                matches!(check(&options), Err(KafkaError::Options { .. })),
                "{number}"
            );
        }
    }
}
