//! The command line of `chat bench`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

const AFTER_HELP: &str = "\
--server takes several addresses, separated by commas: connections go to them in turn.
With --json the result is printed as one JSON object; docs/bench.md has its fields.

Exit codes:
  0  everything that was acknowledged came once and in order
  1  anything else went wrong
  2  the command line is wrong
  3  the server refused something
  4  the server could not be reached, or was lost
  5  messages were lost, repeated, misdirected or out of order";

#[derive(Clone, Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct BenchArguments {
    #[command(flatten)]
    pub(crate) common: CommonArguments,
    #[command(subcommand)]
    pub(crate) scenario: Scenario,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Scenario {
    /// Pairs of users: one writes, the other receives
    Direct(DirectArguments),
    /// Groups of users: some write, all others receive
    Group(GroupArguments),
    /// Merge the results of processes that ran at the same time
    Merge {
        /// Results, as --json or --json-file wrote them
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

/// What every scenario takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct CommonArguments {
    /// Chooses the names of the users: runs of one seed use the same users, processes at once need seeds of their own
    #[arg(long, global = true, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u32,
    /// Write the result as JSON to this file too
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) json_file: Option<PathBuf>,
    /// Show no progress on standard error, which is shown on a terminal only
    #[arg(long, global = true)]
    pub(crate) no_progress: bool,
    /// When all is prepared, say `ready` on standard error and begin when a line comes on standard input
    #[arg(long, global = true)]
    pub(crate) wait_for_line: bool,
    /// How long to wait for something that is due, once nothing comes any more: then it counts as lost
    #[arg(long, global = true, value_name = "TIME", default_value = "10s", value_parser = humantime::parse_duration)]
    pub(crate) patience: Duration,
}

/// How messages are sent.
#[derive(Clone, Debug, Args)]
pub(crate) struct LoadArguments {
    /// Closed loop: messages of one sender that may be under way at once
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub(crate) window: u32,
    /// Open loop: messages a second, of all senders together, whatever comes of them; latencies count from the time
    /// at which a message was due
    #[arg(long, value_name = "N", conflicts_with = "window", value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    pub(crate) rate: Option<u32>,
    /// How long to measure
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = humantime::parse_duration)]
    pub(crate) duration: Duration,
    /// How long to send before that; its messages are checked, but neither counted nor timed
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = humantime::parse_duration)]
    pub(crate) warm_up: Duration,
    /// Bytes of a message's text
    #[arg(long, value_name = "BYTES", default_value_t = 100, value_parser = clap::value_parser!(u16).range(48..=8_192))]
    pub(crate) size: u16,
    /// The server does not answer `sent`
    #[arg(long, hide = true)]
    pub(crate) unanswered: bool,
}

impl LoadArguments {
    /// Adds to what a result says of its settings.
    pub(super) fn describe(&self, settings: &mut serde_json::Value) {
        settings["size"] = self.size.into();
        match self.rate {
            Some(rate) => settings["rate"] = rate.into(),
            None => settings["window"] = self.window.into(),
        }
    }
}

#[derive(Clone, Debug, Args)]
pub(crate) struct DirectArguments {
    #[command(flatten)]
    pub(crate) load: LoadArguments,
    /// Connections, each of a user of its own; two make a pair
    #[arg(long, visible_alias = "users", value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(2..=60_000))]
    pub(crate) connections: u32,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct GroupArguments {
    #[command(flatten)]
    pub(crate) load: LoadArguments,
    /// Connections, each of a user of its own, in all groups together
    #[arg(long, visible_alias = "users", value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(2..=60_000))]
    pub(crate) connections: u32,
    /// Groups, all of one size
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) groups: u32,
    /// Members of each group who send
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) senders: u32,
    /// Members of each group who read nothing while messages are sent, and everything after that; nobody waits for
    /// them, and their messages are not timed
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) stalled: u32,
}
