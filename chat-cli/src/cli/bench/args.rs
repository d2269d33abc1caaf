//! The command line of `chat bench`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::accounts::{Acks, Proof};

/// Devices that a user may have.
const DEVICES: u32 = 100;

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
    /// Users who log in, by token or by password, and leave when they are synced
    Logins(LoginsArguments),
    /// Users who lose their connections all at once and resume them by token
    Reconnect(ReconnectArguments),
    /// Users who come back after messages were stored for them
    CatchUp(CatchUpArguments),
    /// Users who page through their conversations, from the newest message to the oldest
    History(HistoryArguments),
    /// Users who are logged in and say nothing
    Idle(IdleArguments),
    /// Everything together
    Mix(MixArguments),
    /// Merge the results of processes that ran at the same time
    Merge {
        /// Results, as --json or --json-file wrote them
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

/// What every scenario takes.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Options of every scenario")]
pub(crate) struct CommonArguments {
    /// Chooses the names of the users: runs of one seed use the same users, processes at once need seeds of their own
    #[arg(long, global = true, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u32,
    /// Keep the tokens of the users in this file, so that further runs on the server need no passwords, which cost
    /// it some 20 ms each
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) tokens: Option<PathBuf>,
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

/// When a load is measured.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct TimeArguments {
    /// How long to measure
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = humantime::parse_duration)]
    pub(crate) duration: Duration,
    /// How long the load lasts before that: what happens then is checked, but neither counted nor timed
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = humantime::parse_duration)]
    pub(crate) warm_up: Duration,
}

impl TimeArguments {
    pub(super) fn total(self) -> Duration {
        self.warm_up + self.duration
    }
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
    #[command(flatten)]
    pub(crate) time: TimeArguments,
    /// Bytes of a message's text
    #[arg(long, value_name = "BYTES", default_value_t = 100, value_parser = clap::value_parser!(u16).range(48..=8_192))]
    pub(crate) size: u16,
    /// Who says that messages have come
    #[arg(long, value_enum, default_value_t = Acks::Auto)]
    pub(crate) ack: Acks,
    /// The server does not answer `sent`
    #[arg(long, hide = true)]
    pub(crate) unanswered: bool,
}

impl LoadArguments {
    /// Adds to what a result says of its settings.
    pub(super) fn describe(&self, settings: &mut serde_json::Value) {
        settings["size"] = self.size.into();
        if self.ack == Acks::Client {
            settings["ack"] = "client".into();
        }
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

#[derive(Clone, Debug, Args)]
pub(crate) struct LoginsArguments {
    #[command(flatten)]
    pub(crate) time: TimeArguments,
    /// How users say who they are
    #[arg(long, value_enum, default_value_t = Proof::Token)]
    pub(crate) by: Proof,
    /// Logins that may be under way at once
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=60_000))]
    pub(crate) connections: u32,
    /// Users, whose devices log in [default: as many as connections]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) users: Option<u32>,
    /// Open loop: logins a second, whatever comes of them; times count from when a login was due
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rate: Option<u32>,
}

/// Many connections of fewer users.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct CrowdArguments {
    /// Connections
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=60_000))]
    pub(crate) connections: u32,
    /// Users, each with as many devices as it takes [default: one for each 100 connections]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) users: Option<u32>,
}

impl CrowdArguments {
    pub(super) fn users(self) -> usize {
        self.users.unwrap_or(self.connections.div_ceil(DEVICES)) as usize
    }
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ReconnectArguments {
    #[command(flatten)]
    pub(crate) crowd: CrowdArguments,
    /// How often all connections are dropped and resumed
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,
    /// Drop nothing, but wait until the server ends all connections, as it does when it is started again, and resume
    /// them then
    #[arg(long, conflicts_with = "rounds")]
    pub(crate) await_restart: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct CatchUpArguments {
    /// Users who come back, all at once
    #[arg(long, visible_alias = "connections", value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=60_000))]
    pub(crate) users: u32,
    /// Messages that wait for each
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) messages: u32,
    /// How often they leave, are written to, and come back
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) rounds: u32,
    /// Bytes of a message's text
    #[arg(long, value_name = "BYTES", default_value_t = 100, value_parser = clap::value_parser!(u16).range(48..=8_192))]
    pub(crate) size: u16,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct HistoryArguments {
    #[command(flatten)]
    pub(crate) time: TimeArguments,
    /// Users who page, each through a conversation of its own
    #[arg(long, visible_alias = "connections", value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=30_000))]
    pub(crate) users: u32,
    /// Messages that each conversation has at least
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) messages: u32,
    /// Messages of a page
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u8).range(1..=200))]
    pub(crate) page: u8,
    /// Open loop: pages a second, whatever comes of them; times count from when a page was due
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rate: Option<u32>,
    /// Bytes of a message's text
    #[arg(long, value_name = "BYTES", default_value_t = 100, value_parser = clap::value_parser!(u16).range(48..=8_192))]
    pub(crate) size: u16,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct IdleArguments {
    #[command(flatten)]
    pub(crate) crowd: CrowdArguments,
    /// How long to stay
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = humantime::parse_duration)]
    pub(crate) duration: Duration,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct MixArguments {
    #[command(flatten)]
    pub(crate) time: TimeArguments,
    /// Messages a second, of pairs and groups together
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rate: u32,
    /// Connections, a third each in pairs, in groups of ten and idle, each of a user of its own
    #[arg(long, visible_alias = "users", value_name = "N", default_value_t = 90, value_parser = clap::value_parser!(u32).range(30..=60_000))]
    pub(crate) connections: u32,
    /// Users a second who come, catch up with ten messages, and leave
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) visits: u32,
    /// Pages of history a second
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) pages: u32,
    /// Logins by password a second
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) logins: u32,
    /// Bytes of a message's text
    #[arg(long, value_name = "BYTES", default_value_t = 100, value_parser = clap::value_parser!(u16).range(48..=8_192))]
    pub(crate) size: u16,
}
