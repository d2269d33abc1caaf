//! Where records are read from.

use std::convert::Infallible;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::Context;

use super::feed::Follow;
use super::files::{LogFiles, newest_of};
#[cfg(feature = "kafka")]
use super::kafka::Topic;
use crate::cli::Failure;

/// A source as it stands on the command line. It can hold a password, so that it is never shown.
#[derive(Clone)]
pub(crate) struct SourceText(String);

impl FromStr for SourceText {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for SourceText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SourceText(..)")
    }
}

/// A source.
#[derive(Debug)]
pub(super) enum Source {
    /// A file, and those it became when it was rotated.
    File(PathBuf),
    /// All logs in a folder.
    Folder(PathBuf),
    /// Standard input.
    Input,
    #[cfg(feature = "kafka")]
    Kafka(Topic),
}

impl Source {
    /// Whether its records come about in the order of their times.
    pub(super) const fn is_in_order(&self) -> bool {
        match self {
            Self::File(_) | Self::Folder(_) | Self::Input => true,
            #[cfg(feature = "kafka")]
            Self::Kafka(topic) => topic.is_in_order(),
        }
    }
}

/// Understands what the command line names, and leaves out what it names twice.
pub(super) fn parse_all(texts: &[SourceText]) -> Result<Vec<Source>, Failure> {
    let paths: Vec<&Path> = texts.iter().map(|text| Path::new(&text.0)).collect();
    let is_repeated = |index: usize, path: &Path| {
        let newest = newest_of(path);
        paths.iter().take(index).any(|other| *other == path)
            || newest.is_some_and(|newest| paths.contains(&newest.as_path()))
    };
    let mut sources = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        if !is_repeated(index, Path::new(&text.0)) {
            sources.push(parse(&text.0)?);
        }
    }
    Ok(sources)
}

/// Sees that there is something to read, or that somebody waits for it.
pub(super) fn check(sources: &[Source], follow: Follow) -> Result<(), Failure> {
    let is_missing = |path: &PathBuf| -> Result<bool, Failure> {
        let rotations = LogFiles::new(path.clone()).rotations();
        Ok(rotations
            .with_context(|| format!("cannot read {}", path.display()))?
            .is_empty())
    };
    for source in sources {
        let Source::File(path) = source else { continue };
        if follow == Follow::No && is_missing(path)? {
            return Err(Failure::Usage(format!(
                "there is no {}; name the event log's file or folder, or wait for it with --follow",
                path.display()
            )));
        }
    }
    Ok(())
}

/// Takes topics apart into their partitions, each of which is a source in the order of time.
#[cfg(feature = "kafka")]
pub(super) async fn in_parts(sources: Vec<Source>) -> Result<Vec<Source>, Failure> {
    let mut parts = Vec::new();
    for source in sources {
        match source {
            Source::Kafka(topic) => parts.extend(topic.parts().await?.into_iter().map(Source::Kafka)),
            other @ (Source::File(_) | Source::Folder(_) | Source::Input) => parts.push(other),
        }
    }
    Ok(parts)
}

fn parse(text: &str) -> Result<Source, Failure> {
    if text.starts_with("kafka://") {
        return kafka(text);
    }
    let path = PathBuf::from(text);
    Ok(match text {
        "-" => Source::Input,
        "" => {
            return Err(Failure::Usage(
                "a source without a name; give a file, a folder, `-` or a kafka:// URL".to_owned(),
            ));
        }
        _ if path.is_dir() => Source::Folder(path),
        _ => Source::File(path),
    })
}

#[cfg(feature = "kafka")]
fn kafka(text: &str) -> Result<Source, Failure> {
    match chat_adapters::kafka::KafkaOptions::parse(text) {
        Ok(options) => Ok(Source::Kafka(Topic::open(options)?)),
        Err(error) => Err(Failure::Usage(format!("{error}; write kafka://HOST:PORT/TOPIC"))),
    }
}

#[cfg(not(feature = "kafka"))]
fn kafka(_: &str) -> Result<Source, Failure> {
    Err(Failure::Usage(
        "this chat was built without Kafka; build it with `cargo build --release -p chat-cli --features kafka`"
            .to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(texts: &[&str]) -> Vec<String> {
        let texts: Vec<_> = texts.iter().map(|text| text.parse().unwrap()).collect();
        parse_all(&texts)
            .unwrap()
            .iter()
            .map(|source| format!("{source:?}"))
            .collect()
    }

    #[test]
    fn a_shell_that_lists_the_rotated_files_too_repeats_nothing() {
        assert_eq!(
            parsed(&[
                "a.jsonl.1",
                "a.jsonl",
                "a.jsonl.2",
                "a.jsonl",
                "b.jsonl.1",
                "-",
                "/"
            ]),
            [
                "File(\"a.jsonl\")",
                "File(\"b.jsonl.1\")",
                "Input",
                "Folder(\"/\")"
            ]
        );
    }

    #[test]
    fn a_source_does_not_show_its_password() {
        let text: SourceText = "kafka://chat:secret@127.0.0.1:9092/events".parse().unwrap();
        assert_eq!(format!("{text:?}"), "SourceText(..)");
    }
}
