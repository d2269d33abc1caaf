//! What goes wrong with Kafka.

use rdkafka::error::{KafkaError as ClientError, RDKafkaErrorCode as Code};

/// Why an event log in Kafka cannot be opened or read. None of the texts holds a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KafkaError {
    /// An option has a value that makes no sense.
    #[error("the options of Kafka are wrong: {what}")]
    Options {
        /// Which, and what it takes.
        what: &'static str,
    },
    /// The client cannot be made of these options, such as where the file of certificates cannot be read.
    #[error("cannot make a client of Kafka with these options: {why}")]
    Client {
        /// What the client says.
        why: String,
    },
    /// The operating system gives no thread.
    #[error("cannot start a thread for the event log")]
    Thread(#[source] std::io::Error),
    /// There is no such topic.
    #[error(
        "Kafka at {servers} has no topic {topic}: check its name, or start a server that writes its events there"
    )]
    TopicMissing {
        /// Where it was looked for.
        servers: String,
        /// Its name.
        topic: String,
    },
    /// Kafka cannot be reached.
    #[error("cannot reach Kafka at {servers}: {why}")]
    Away {
        /// The servers that were asked.
        servers: String,
        /// What the last attempt came to.
        why: String,
    },
    /// Kafka refuses the user or the password, or what the user wants.
    #[error("Kafka at {servers} refuses: {why}: check the user, the password and the rights to the topic")]
    Refused {
        /// The servers that were asked.
        servers: String,
        /// What Kafka says.
        why: String,
    },
}

impl KafkaError {
    /// Why no client could be made. The value of a setting may be a password, so it is left out.
    pub(super) fn making(error: ClientError) -> Self {
        let why = match error {
            ClientError::ClientConfig(_, _, setting, _) => format!("it takes no such value of {setting}"),
            ClientError::ClientCreation(why) => why,
            other => other.to_string(),
        };
        Self::Client { why }
    }
}

/// What kind of failure keeps a record out of Kafka.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// Kafka takes no such record, however often it is asked.
    Record,
    /// The user may not write there.
    Rights,
    /// The topic or its partition is not there.
    Topic,
    /// The producer has lost count of what Kafka has.
    Producer,
    /// Anything else.
    Other,
}

impl Failure {
    pub(super) fn of(error: &ClientError) -> Self {
        match error.rdkafka_error_code() {
            Some(
                Code::MessageSizeTooLarge
                | Code::InvalidMessage
                | Code::InvalidMessageSize
                | Code::InvalidRecord
                | Code::InvalidTimestamp
                | Code::MessageBatchTooLarge,
            ) => Self::Record,
            Some(
                Code::TopicAuthorizationFailed
                | Code::ClusterAuthorizationFailed
                | Code::SaslAuthenticationFailed
                | Code::Authentication,
            ) => Self::Rights,
            Some(
                Code::UnknownTopic
                | Code::UnknownPartition
                | Code::UnknownTopicOrPartition
                | Code::InvalidTopic,
            ) => Self::Topic,
            Some(
                Code::Fatal
                | Code::GaplessGuarantee
                | Code::OutOfOrderSequenceNumber
                | Code::DuplicateSequenceNumber
                | Code::UnknownProducerId
                | Code::InvalidProducerEpoch
                | Code::ProducerFenced,
            ) => Self::Producer,
            _ => Self::Other,
        }
    }

    /// Its name in metrics.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::Rights => "rights",
            Self::Topic => "topic",
            Self::Producer => "producer",
            Self::Other => "other",
        }
    }
}

/// Whether the record only comes back because its producer was ended.
pub(super) fn is_purged(error: &ClientError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(Code::PurgeQueue | Code::PurgeInflight)
    )
}
