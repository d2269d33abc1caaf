//! From the URLs of `event_log` to the logs that they name.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use chat_core::memory::{JsonLinesLog, TeeLog};
use chat_core::ports::EventLog;
use chat_core::types::NodeId;

use super::file::RotatingFile;
use super::kafka;
use crate::backend_url::BackendUrl;
use crate::config::Settings;
use crate::failure::Failure;

/// One place where records go.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Sink {
    /// `stderr:`: among the lines of the program's own log.
    StandardError,
    /// `file:PATH`: a file that is renamed when it has grown.
    File(PathBuf),
    /// `kafka://…`: one topic for all nodes.
    Kafka,
}

/// Refuses URLs that are none of the event log's.
pub(crate) fn check(settings: &Settings) -> Result<(), String> {
    let mut seen = Vec::new();
    for url in settings.event_log.iter() {
        if sink(url)? == Sink::Kafka {
            kafka::check(settings, url).map_err(|error| format!("`event_log`: {error}"))?;
        }
        if seen.contains(&url) {
            return Err(format!("`event_log` names {url} twice: leave one of them out"));
        }
        seen.push(url);
    }
    Ok(())
}

/// Opens everything that `event_log` names, as one log; `None` where it names nothing.
///
/// A file must be writable now. Kafka need not be there: what is made of it connects when it can.
pub(crate) fn open(settings: &Settings, node: &NodeId) -> Result<Option<Arc<dyn EventLog>>, Failure> {
    let mut logs = Vec::new();
    for url in settings.event_log.iter() {
        let log: Arc<dyn EventLog> = match sink(url).map_err(Failure::setting)? {
            Sink::StandardError => Arc::new(JsonLinesLog::new(io::stderr()).map_err(no_thread)?),
            Sink::File(path) => open_file(settings, path)?,
            Sink::Kafka => kafka::open(settings, url, node)?,
        };
        logs.push(log);
    }
    Ok(match logs.len() {
        0 => None,
        1 => logs.pop(),
        _ => Some(Arc::new(TeeLog::new(logs))),
    })
}

fn open_file(settings: &Settings, path: PathBuf) -> Result<Arc<dyn EventLog>, Failure> {
    let shown = path.display().to_string();
    let file = RotatingFile::open(path, &settings.event_log_file).map_err(|error| {
        Failure::setting(format!(
            "cannot write the file {shown} of `event_log`: {error}; make it writable, or name another"
        ))
    })?;
    Ok(Arc::new(JsonLinesLog::new(file).map_err(no_thread)?))
}

fn no_thread(error: io::Error) -> Failure {
    Failure::from(anyhow::Error::new(error).context("cannot start the thread of the event log"))
}

fn sink(url: &BackendUrl) -> Result<Sink, String> {
    let Some((scheme, rest)) = url.parts() else {
        return Err(format!(
            "`event_log` names {url}, which has no scheme: write `file:{url}` for a file"
        ));
    };
    match scheme {
        "stderr" if rest.is_empty() => Ok(Sink::StandardError),
        "stderr" => Err("`event_log`: `stderr:` takes nothing after the colon".to_owned()),
        "file" => file_path(rest).map(Sink::File),
        "kafka" => Ok(Sink::Kafka),
        _ => Err(
            "the scheme of a URL of `event_log` is not known: the known ones are `stderr:`, `file:PATH` and `kafka://…`"
                .to_owned(),
        ),
    }
}

/// Both `file:events.jsonl` and `file:///var/log/chat/events.jsonl`.
fn file_path(rest: &str) -> Result<PathBuf, String> {
    let path = rest.strip_prefix("//").unwrap_or(rest);
    if path.is_empty() || path.ends_with('/') {
        return Err(
            "`event_log`: `file:` names no file: write for example `file:chat-events.jsonl`".to_owned(),
        );
    }
    Ok(PathBuf::from(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(urls: &[&str]) -> Option<String> {
        let settings = Settings {
            event_log: urls.into(),
            ..Settings::default()
        };
        check(&settings).err()
    }

    #[test]
    fn known_sinks_are_told_apart() {
        let sink = |url: &str| sink(&url.into());
        assert_eq!(sink("stderr:"), Ok(Sink::StandardError));
        assert_eq!(sink("file:events.jsonl"), Ok(Sink::File("events.jsonl".into())));
        assert_eq!(
            sink("file:///var/log/e.jsonl"),
            Ok(Sink::File("/var/log/e.jsonl".into()))
        );
        assert_eq!(sink("kafka://kafka:9092/log"), Ok(Sink::Kafka));
        assert_eq!(problem(&["stderr:", "file:a", "file:b"]), None);
        assert_eq!(problem(&[]), None);
    }

    #[test]
    fn what_is_no_sink_is_refused_in_a_sentence_without_secrets() {
        for bad in [
            &["events.jsonl"][..],
            &["stderr:x"],
            &["file:"],
            &["file://"],
            &["file:folder/"],
            &["nats://chat:hunter2@bus/log"],
            &["kafka:chat:hunter2@kafka/log"],
            &["kafka://chat:hunter2@kafka"],
            &["file:a", "file:a"],
        ] {
            let sentence = problem(bad).unwrap_or_else(|| panic!("{bad:?} was accepted"));
            assert!(sentence.contains("`event_log`"), "{sentence}");
            assert!(!sentence.contains("hunter2"), "{sentence}");
        }
    }
}
