//! Cases of [`EventLog`].

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;

use super::check::{Failure, Verdict, equal, holds};
use super::runner::{Case, Scene, cases};
use super::scene::at;
use crate::error::BackendError;
use crate::ports::{EventLog, Level, LogRecord};
use crate::types::NodeId;

/// A log together with a way to read what arrived, which the port itself has not.
#[async_trait]
pub trait ReadableLog: Send + Sync + 'static {
    /// The log.
    fn log(&self) -> &dyn EventLog;

    /// All records that are where they belong, oldest first.
    async fn records(&self) -> Result<Vec<LogRecord>, BackendError>;
}

type LogScene = Scene<Arc<dyn ReadableLog>>;

const DEADLINE: Duration = Duration::from_secs(60);

pub(super) fn cases() -> Vec<Case<Arc<dyn ReadableLog>>> {
    cases! {
        Nothing {
            records_arrive_whole_and_in_order,
            records_of_several_nodes_keep_the_order_of_each,
            what_does_not_arrive_is_counted_and_is_the_oldest,
            a_log_that_has_caught_up_is_there_and_has_nothing_waiting,
            flushing_nothing_is_no_error,
        }
    }
}

fn record(node: &str, number: u64) -> Result<LogRecord, Failure> {
    Ok(LogRecord {
        at: at(number),
        node: NodeId::parse(node)?,
        number,
        level: Level::Info,
        event: "session_opened".to_owned(),
        fields: serde_json::Map::new(),
    })
}

async fn records_arrive_whole_and_in_order(scene: LogScene) -> Verdict {
    let mut expected = Vec::new();
    for (level, number) in [Level::Info, Level::Warn, Level::Error].into_iter().zip(1..) {
        let mut record = record("n1", number)?;
        record.level = level;
        record.event = format!("event_{number}");
        for (name, value) in [
            ("text", json!("a\0b\r\n'\"\\ 李雷 🦀")),
            ("number", json!(9_007_199_254_740_991_u64)),
            ("nested", json!({"list": [1.5, null, true], "empty": {}})),
        ] {
            record.fields.insert(name.to_owned(), value);
        }
        scene.log().append(record.clone());
        expected.push(record);
    }
    scene.log().flush(DEADLINE).await?;
    equal("the records", scene.records().await?, expected)?;
    equal("how many were dropped", scene.log().status().dropped, 0)
}

async fn records_of_several_nodes_keep_the_order_of_each(scene: LogScene) -> Verdict {
    for number in 1..=50 {
        for node in ["n1", "n2", "n3"] {
            scene.log().append(record(node, number)?);
        }
    }
    scene.log().flush(DEADLINE).await?;
    let records = scene.records().await?;
    for node in ["n1", "n2", "n3"] {
        let own = records.iter().filter(|record| record.node.as_str() == node);
        let numbers: Vec<_> = own.map(|record| record.number).collect();
        equal(node, numbers, (1..=50).collect::<Vec<_>>())?;
    }
    Ok(())
}

async fn what_does_not_arrive_is_counted_and_is_the_oldest(scene: LogScene) -> Verdict {
    const ALL: u64 = 20_000;
    for number in 1..=ALL {
        scene.log().append(record("n1", number)?);
    }
    scene.log().flush(DEADLINE).await?;
    let records = scene.records().await?;
    let arrived = records.len() as u64;
    equal(
        "arrived and dropped together",
        arrived + scene.log().status().dropped,
        ALL,
    )?;
    let ascends = records.is_sorted_by(|one, next| one.number < next.number);
    holds("the numbers ascend", ascends)?;
    let last = records.last().map(|record| record.number);
    equal("the last record", last, Some(ALL))
}

async fn a_log_that_has_caught_up_is_there_and_has_nothing_waiting(scene: LogScene) -> Verdict {
    scene.log().append(record("n1", 1)?);
    scene.log().flush(DEADLINE).await?;
    let status = scene.log().status();
    holds("it is there", !status.is_away)?;
    equal("how many wait", status.waiting, 0)
}

async fn flushing_nothing_is_no_error(scene: LogScene) -> Verdict {
    for _ in 0..2 {
        scene.log().flush(DEADLINE).await?;
    }
    equal("the records", scene.records().await?, vec![])
}
