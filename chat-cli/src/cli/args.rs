//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use chat_core::protocol::Conversations;
use chat_core::types::{Data, Description, Device, GroupName, MessageId, Seq, Token, UserName};
use clap::{Args, Parser, Subcommand};

use super::bench::BenchArguments;
use super::logs::LogsArguments;
use super::target::{GroupTarget, Target, UserTarget};
use super::top::TopArguments;

const AFTER_HELP: &str = "\
Without a subcommand, chat is interactive; /help there lists its commands.

Who you are, the first that is given counts:
  --name                a password from --password-stdin, CHAT_PASSWORD or a prompt,
                        or the token that `chat login` stored for this name
  --token, CHAT_TOKEN   a token of an earlier login
  the token file        which `chat login` writes, readable by its owner only

Exit codes:
  0  done
  1  anything else went wrong
  2  the command line is wrong, or says not who you are
  3  the server refused
  4  the server could not be reached, or was lost before it answered";

/// Chat with people and groups.
#[derive(Debug, Parser)]
#[command(name = "chat", version, after_help = AFTER_HELP, arg_required_else_help = false)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: GlobalArguments,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Args)]
pub(crate) struct GlobalArguments {
    /// The server's host and port, as in chat.example.com:6000, or `tls://chat.example.com:6000` for TLS
    #[arg(
        long,
        global = true,
        value_name = "ADDR",
        env = "CHAT_SERVER",
        default_value = "127.0.0.1:6000"
    )]
    pub(crate) server: String,
    /// Speak TLS, as with a server named by `tls://`: its certificate has to be for that host, and signed by an authority that
    /// this system trusts
    #[arg(long, global = true)]
    pub(crate) tls: bool,
    /// Trust the authorities in this file, in PEM, instead of those that this system trusts
    #[arg(long, global = true, value_name = "FILE", env = "CHAT_CA")]
    pub(crate) ca: Option<PathBuf>,
    /// Your name
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) name: Option<UserName>,
    /// Read the password from the first line of standard input
    #[arg(long, global = true)]
    pub(crate) password_stdin: bool,
    /// A token of an earlier login; others on this machine can see it here, so prefer the variable
    #[arg(long, global = true, env = "CHAT_TOKEN", hide_env_values = true, value_parser = parse_token)]
    pub(crate) token: Option<Token>,
    /// Where `login` stores the token [default: chat/token-SERVER.json under `$XDG_CONFIG_HOME` or `~/.config`]
    #[arg(long, global = true, value_name = "FILE", env = "CHAT_TOKEN_FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Which of your devices this is: delivery resumes where it stopped, and a second login of one
    /// device ends the first [default: `default` for listen and interactive use, others for the rest]
    #[arg(long, global = true, env = "CHAT_DEVICE")]
    pub(crate) device: Option<Device>,
    /// Print one JSON object a line, as docs/protocol.md (for `logs`, docs/log.md; for `bench`, docs/bench.md) describes it
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make an account
    Register {
        /// The name to take, if --name does not say it
        #[arg(value_name = "NAME")]
        new_name: Option<UserName>,
    },
    /// Log in and store the token, so that further commands need no password
    Login {
        /// Your name, if --name does not say it
        #[arg(value_name = "NAME")]
        own_name: Option<UserName>,
    },
    /// Log out and forget the stored token
    Logout,
    /// Send a message
    Send(SendArguments),
    /// Print what arrives, until interrupted, and acknowledge the messages printed
    Listen(ListenArguments),
    /// Print older messages of a conversation
    History(HistoryArguments),
    /// List your conversations, newest first
    Conversations {
        /// At most this many
        #[arg(long, default_value_t = Conversations::default().limit, value_parser = clap::value_parser!(u16).range(1..=1_000))]
        limit: u16,
    },
    /// List your friends
    Friends,
    /// Befriend a user
    AddFriend {
        /// @NAME or user id
        user: UserTarget,
    },
    /// End a friendship
    RemoveFriend {
        /// @NAME or user id
        user: UserTarget,
    },
    /// List your groups
    Groups,
    /// Make a group
    CreateGroup {
        /// Its name
        #[arg(value_name = "NAME")]
        group_name: GroupName,
        /// What it is for
        #[arg(long, default_value = "")]
        description: Description,
    },
    /// Join a group
    Join {
        /// The group's id
        group: GroupTarget,
    },
    /// Leave a group
    Leave {
        /// #NAME or id of one of your groups
        group: GroupTarget,
    },
    /// List a group's members
    Members {
        /// #NAME or id
        group: GroupTarget,
        /// Only members with a higher user id
        #[arg(long, value_name = "USER_ID")]
        after: Option<chat_core::types::UserId>,
        /// At most this many
        #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(1..=1_000))]
        limit: u16,
    },
    /// Find a user by name
    Find {
        /// The user's name, with or without @
        #[arg(value_name = "NAME")]
        user: UserTarget,
    },
    /// Ask the server for a sign of life
    Ping,
    /// Show what the servers of a cluster log, in the order of time
    Logs(Box<LogsArguments>),
    /// Watch the nodes of a cluster in a table
    Top(TopArguments),
    /// Put a load on a server, measure it, and check every message
    Bench(Box<BenchArguments>),
}

#[derive(Debug, Args)]
pub(crate) struct SendArguments {
    /// @NAME or user id, or #NAME or #ID of a group
    pub(crate) to: Target,
    /// The text; from standard input where it is missing or `-`
    pub(crate) body: Option<String>,
    /// Your own id for the message: repeating it stores nothing twice
    #[arg(long)]
    pub(crate) id: Option<MessageId>,
    /// A JSON object for the receiving clients
    #[arg(long, value_name = "JSON", value_parser = parse_data)]
    pub(crate) data: Option<Data>,
}

#[derive(Debug, Args)]
pub(crate) struct ListenArguments {
    /// Stop after this many messages
    #[arg(long)]
    pub(crate) count: Option<u64>,
    /// Stop after this time, such as 10s or 5m
    #[arg(long = "for", value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub(crate) duration: Option<Duration>,
}

#[derive(Debug, Args)]
pub(crate) struct HistoryArguments {
    /// @NAME or user id, #NAME or #ID of a group, or a conversation's id such as d:1:2
    pub(crate) conversation: Target,
    /// Only messages before this number
    #[arg(long, value_name = "SEQ")]
    pub(crate) before: Option<Seq>,
    /// At most this many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=200))]
    pub(crate) limit: u16,
}

fn parse_token(text: &str) -> Result<Token, chat_core::types::InvalidValue> {
    Token::parse(text)
}

fn parse_data(text: &str) -> Result<Data, chat_core::types::InvalidValue> {
    Data::parse(text)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_has_no_contradictions() {
        Arguments::command().debug_assert();
        for line in [
            &["chat", "create-group", "rust", "--name", "alice"][..],
            &["chat", "find", "bob", "--name", "alice"],
            &["chat", "login", "bob"],
        ] {
            assert!(Arguments::try_parse_from(line).is_ok(), "{line:?}");
        }
        let bob = Arguments::try_parse_from(["chat", "login", "bob", "--name", "alice"]).unwrap();
        assert_eq!(bob.global.name.unwrap().as_str(), "alice");
    }
}
