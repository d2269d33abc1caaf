//! The command line of `chat logs`.

use std::time::Duration;

use chat_core::ports::Level;
use chat_core::types::NodeId;
use clap::{Args, ValueEnum};

use super::filter::Pattern;
use super::moment::Moment;
use super::source::SourceText;

const AFTER_HELP: &str = "\
A source is
  FILE                    JSON lines, one record a line, with the files it was rotated into
                          (FILE.1, FILE.2, ...), the oldest first
  FOLDER                  every *.jsonl in it, in the same way
  -                       standard input
  kafka://HOST:PORT/TOPIC a topic of Kafka; docs/log.md has the whole form of this URL

Records of several sources are merged by their times. What is being written while it is read is held
back for --window, so that records of other nodes can take their place; what comes later still is
shown when it comes. Lines that are no records are counted, and the count is told at the end.

Examples:
  chat logs -f                           follow chat-events.jsonl here
  chat logs -f --level warn /var/log/chat
  chat logs --since 10m --event 'session_*' --node n1 n1.jsonl n2.jsonl
  chat logs --json -n 100 --event status | jq .fields.sessions";

/// Where the records come from, for every command that reads them.
#[derive(Clone, Debug, Args)]
pub(crate) struct SourceArguments {
    /// Files, folders, `-` or kafka:// URLs
    #[arg(
        value_name = "SOURCE",
        env = "CHAT_EVENT_LOG_SOURCE",
        hide_env_values = true,
        default_value = "chat-events.jsonl"
    )]
    pub(crate) sources: Vec<SourceText>,
    /// How long records are held back to be put in order
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = humantime::parse_duration)]
    pub(crate) window: Duration,
}

#[derive(Clone, Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct LogsArguments {
    #[command(flatten)]
    pub(crate) from: SourceArguments,
    /// Go on with what comes, until interrupted
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// Only records from then on: 10m (ago), or a time such as 2026-11-25T17:00:00Z
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<Moment>,
    /// Only records until then
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<Moment>,
    /// Only records of this node; may be repeated
    #[arg(long = "node", value_name = "NAME")]
    pub(crate) nodes: Vec<NodeId>,
    /// Only records of this level and above
    #[arg(long, default_value = "info")]
    pub(crate) level: LevelChoice,
    /// Only records of this event, with * for anything: `session_*`; may be repeated
    #[arg(long = "event", value_name = "NAME")]
    pub(crate) events: Vec<Pattern>,
    /// Only the last so many records, before those that are followed
    #[arg(long, short = 'n', value_name = "N")]
    pub(crate) limit: Option<usize>,
    /// Colours; `auto` has them on a terminal, unless `NO_COLOR` is set
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColourChoice,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LevelChoice {
    Info,
    Warn,
    Error,
}

impl From<LevelChoice> for Level {
    fn from(choice: LevelChoice) -> Self {
        match choice {
            LevelChoice::Info => Self::Info,
            LevelChoice::Warn => Self::Warn,
            LevelChoice::Error => Self::Error,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ColourChoice {
    Auto,
    Always,
    Never,
}
