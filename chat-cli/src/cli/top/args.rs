//! The command line of `chat top`.

use clap::Args;

use crate::cli::logs::{Moment, SourceArguments};

const AFTER_HELP: &str = "\
Sources are those of `chat logs`. A node is `silent` when it has told nothing for three of the intervals at
which it tells how it is; rates are those between the last two times.

Keys: the letter of a column sorts by it, the same again the other way round; q, Esc and Ctrl-C quit.";

#[derive(Clone, Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct TopArguments {
    #[command(flatten)]
    pub(crate) from: SourceArguments,
    /// Print the table once and end, as it does where standard output is no terminal; with --json, one object a node
    #[arg(long)]
    pub(crate) once: bool,
    /// Leave out nodes that have told nothing since then: 10m (ago), or a time such as 2026-11-25T17:00:00Z
    #[arg(long, value_name = "TIME", default_value = "10m")]
    pub(crate) since: Moment,
}
