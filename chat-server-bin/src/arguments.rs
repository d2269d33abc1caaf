//! The command line: its commands, and a flag with its variable for every setting.

use chat_core::NodeRole;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use crate::failure::EXIT_CODES;
#[cfg(feature = "cluster")]
use crate::import::Source;
use crate::reference::{Explained, reference};

/// What the program is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// Run the server.
    Serve,
    /// Serve the store to other nodes.
    Backend,
    /// Bring the store to this version's tables.
    Migrate,
    /// Print the settings in effect.
    CheckConfig,
    /// Take over the original system's database.
    #[cfg(feature = "cluster")]
    Import(Source),
}

impl Task {
    /// What a node that does this is there for.
    pub(crate) const fn role(&self) -> NodeRole {
        match self {
            Self::Backend => NodeRole::Backend,
            _ => NodeRole::Clients,
        }
    }
}

/// A setting that was given as a flag or in the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Override {
    /// The key, for example `limits.max_frame`.
    pub(crate) key: String,
    /// What was written.
    pub(crate) text: String,
    /// The flag or the variable, for messages.
    pub(crate) origin: String,
}

/// The command line, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    /// What to do.
    pub(crate) task: Task,
    /// The settings file.
    pub(crate) config: Option<String>,
    /// Settings given as flags or in the environment.
    pub(crate) overrides: Vec<Override>,
}

impl Arguments {
    /// Reads the process's arguments and the variables of its environment.
    ///
    /// # Errors
    /// Where clap wants to print and end: help, the version, or a mistake.
    pub(crate) fn read() -> Result<Self, clap::Error> {
        let matches = command().try_get_matches()?;
        let (task, matches) = match matches.subcommand() {
            Some(("backend", inner)) => (Task::Backend, inner),
            Some(("migrate", inner)) => (Task::Migrate, inner),
            Some(("check-config", inner)) => (Task::CheckConfig, inner),
            #[cfg(feature = "cluster")]
            Some(("import", inner)) => (Task::Import(source_in(inner)), inner),
            Some((_, inner)) => (Task::Serve, inner),
            None => (Task::Serve, &matches),
        };
        Ok(Self {
            task,
            config: matches.get_one::<String>("config").cloned(),
            overrides: reference()
                .iter()
                .filter_map(|setting| given(matches, &setting.key))
                .collect(),
        })
    }
}

/// The flag of a key: `limits.max_frame` is `--limits-max-frame`.
pub(crate) fn flag_of(key: &str) -> String {
    key.replace(['.', '_'], "-")
}

/// The variable of a key: `limits.max_frame` is `CHAT_LIMITS_MAX_FRAME`.
pub(crate) fn variable_of(key: &str) -> String {
    format!("CHAT_{}", key.replace('.', "_").to_uppercase())
}

fn given(matches: &ArgMatches, key: &str) -> Option<Override> {
    let text = matches.get_one::<String>(key)?.clone();
    let origin = match matches.value_source(key)? {
        ValueSource::EnvVariable => format!("the variable {}", variable_of(key)),
        _ => format!("the flag --{}", flag_of(key)),
    };
    Some(Override {
        key: key.to_owned(),
        text,
        origin,
    })
}

fn command() -> Command {
    let command = Command::new("chat-server")
        .version(env!("CARGO_PKG_VERSION"))
        .about("The chat server: clients speak JSON, one object a line by TCP, or one a message by WebSocket at /ws")
        .after_help(format!(
            "Settings come from the file, the environment and the flags; the later wins. Every flag\n\
             --some-thing has the variable CHAT_SOME_THING. `-h` leaves the sections out, `--help` shows all.\n\n\
             {EXIT_CODES}"
        ))
        .arg(config_argument())
        .args(reference().iter().map(setting_argument))
        .subcommand(Command::new("serve").about("Runs the server; the same as no command at all"))
        .subcommand(Command::new("backend").about("Serves the store to other servers, which reach it by `--store grpc://…`"))
        .subcommand(Command::new("migrate").about("Brings the store to this version and says from which"))
        .subcommand(Command::new("check-config").about("Prints the settings in effect, without secrets"));
    #[cfg(feature = "cluster")]
    let command = command.subcommand(import_command());
    command
}

#[cfg(feature = "cluster")]
fn import_command() -> Command {
    Command::new("import")
        .about("Takes over the users, friends, groups and waiting messages of the original system")
        .arg(
            Arg::new("from")
                .long("from")
                .env("CHAT_IMPORT_FROM")
                .hide_env_values(true)
                .value_name("URL")
                .required(true)
                .help("The original database, mysql://USER:PASSWORD@HOST/DATABASE; it is only read"),
        )
        .arg(
            Arg::new("charset")
                .long("charset")
                .value_name("NAME")
                .value_parser(["utf8", "gbk", "latin1"])
                .default_value("utf8")
                .help("The character set that the original server asked its database for (SET NAMES)"),
        )
}

#[cfg(feature = "cluster")]
fn source_in(matches: &ArgMatches) -> Source {
    let value = |name| matches.get_one::<String>(name).map_or("", String::as_str);
    Source::new(value("from"), value("charset"))
}

fn config_argument() -> Arg {
    Arg::new("config")
        .long("config")
        .env("CHAT_CONFIG")
        .hide_env_values(true)
        .value_name("FILE")
        .global(true)
        .help("The settings file, TOML; config.example.toml holds every setting")
}

fn setting_argument(setting: &Explained) -> Arg {
    let is_limit = setting.key.starts_with("limits.");
    let is_rare = setting.key.contains('.');
    let argument = Arg::new(&setting.key)
        .long(flag_of(&setting.key))
        .env(variable_of(&setting.key))
        // A value from the environment may hold a password.
        .hide_env_values(true)
        .value_name(value_name(&setting.key))
        .global(true)
        .help(format!("{} [default: {}]", setting.explanation, setting.default))
        .hide_short_help(is_rare);
    match setting.key.as_str() {
        "friends_only" | "web_client" => argument
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true"),
        key if key.starts_with("mysql.") => argument.help_heading("MySQL"),
        key if key.starts_with("redis.") => argument.help_heading("Redis"),
        key if key.starts_with("backend.") => argument.help_heading("Backends"),
        key if key.starts_with("kafka.") => argument.help_heading("Kafka"),
        key if key.starts_with("tls.") => argument.help_heading("TLS"),
        key if key.starts_with("websocket.") => argument.help_heading("WebSocket"),
        key if key.starts_with("event_log_file.") => argument.help_heading("Files of the event log"),
        _ if is_limit => argument.help_heading("Limits"),
        _ => argument,
    }
}

fn value_name(key: &str) -> &'static str {
    match key {
        "listen" | "http" | "advertise" => "ADDR",
        "store" | "bus" | "presence" | "registry" => "URL",
        "backend.certificate"
        | "backend.key"
        | "backend.client_authority"
        | "tls.certificate"
        | "tls.key" => "FILE",
        "tls.listeners" => "LISTENERS",
        "event_log" => "URLS",
        "proxy_protocol_from" | "websocket.forwarded_from" => "NETWORKS",
        "websocket.origins" => "ORIGINS",
        "node" => "NAME",
        _ => "VALUE",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        command().debug_assert();
    }

    #[test]
    fn every_flag_has_the_variable_of_its_name() {
        for argument in command().get_arguments() {
            let Some(flag) = argument.get_long() else { continue };
            let expected = format!("CHAT_{}", flag.replace('-', "_").to_uppercase());
            assert_eq!(
                argument.get_env().and_then(|name| name.to_str()),
                Some(expected.as_str())
            );
        }
    }
}
