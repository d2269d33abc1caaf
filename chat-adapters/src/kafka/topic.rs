//! The topic, which is looked for and created where it is missing.

use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::{Client, ClientContext};
use rdkafka::error::RDKafkaErrorCode as Code;

use super::callbacks::Lines;
use super::{KafkaOptions, settings};

/// How long one look may take.
pub(super) const LOOK: Duration = Duration::from_secs(1);
/// How long creating it may take, before it is looked for again.
const CREATION: Duration = Duration::from_secs(5);

/// What a look at the topic came to.
pub(super) enum Look {
    /// It is there, with so many partitions, each numbered from 0.
    Found { partitions: i32 },
    /// Kafka answers that it is not there.
    Missing,
    /// Kafka answers that the user may not see it.
    Refused { why: String },
    /// Nobody answers, or none who knows.
    Unanswered { why: String },
}

/// Asks Kafka for the topic, without making it create it.
pub(super) fn look<C: ClientContext>(client: &Client<C>, topic: &str, timeout: Duration) -> Look {
    let unanswered = |why: String| Look::Unanswered { why };
    let metadata = match client.fetch_metadata(Some(topic), timeout) {
        Ok(metadata) => metadata,
        Err(error) => {
            return unanswered(
                error
                    .rdkafka_error_code()
                    .map_or_else(|| error.to_string(), |code| code.to_string()),
            );
        }
    };
    let Some(found) = metadata.topics().iter().find(|found| found.name() == topic) else {
        return unanswered("the answer is about other topics".to_owned());
    };
    match found.error().map(Code::from) {
        None if found.partitions().is_empty() => unanswered("the topic has no partitions yet".to_owned()),
        None => Look::Found {
            partitions: i32::try_from(found.partitions().len()).unwrap_or(i32::MAX),
        },
        Some(Code::UnknownTopicOrPartition | Code::UnknownTopic) => Look::Missing,
        Some(code @ Code::TopicAuthorizationFailed) => Look::Refused {
            why: code.to_string(),
        },
        Some(code) => unanswered(code.to_string()),
    }
}

/// Creates the topic; that it exists already is as good.
///
/// # Errors
/// Why it could not be created, or may not be.
pub(super) fn create(options: &KafkaOptions) -> Result<(), String> {
    let replication = match options.replication {
        Some(copies) => TopicReplication::Fixed(copies.into()),
        None => TopicReplication::Fixed(-1),
    };
    let topic = NewTopic::new(&options.topic, options.partitions.into(), replication);
    let how = AdminOptions::new()
        .request_timeout(Some(CREATION))
        .operation_timeout(Some(CREATION));
    let client: AdminClient<Lines> = settings::client(options)
        .create_with_context(Lines)
        .map_err(|error| super::KafkaError::making(error).to_string())?;
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let created = runtime.block_on(client.create_topics([&topic], &how));
    for result in created.map_err(|error| error.to_string())? {
        match result {
            Ok(_) | Err((_, Code::TopicAlreadyExists)) => {}
            Err((_, code)) => return Err(format!("the topic {} cannot be created: {code}", options.topic)),
        }
    }
    Ok(())
}
