//! Measures the chat and prints its figures: `performance [ROW…]`, which is behind `make bench`.
//!
//! It starts what it needs (the server, a MariaDB, a Redis, nginx) and drives it by `chat bench`, which fails where a message
//! was lost, repeated or out of order. What is compared is measured in turns, on the same machine in the same minutes, and
//! the median counts. `performance cluster`, `log` and `rpc` print the longer tables of clusters; `performance fill`
//! fills a store with what years of use leave.

mod accounts;
mod append;
mod cluster;
mod counted;
mod counters;
mod day;
mod figure;
mod figures;
mod fill;
mod load;
mod processes;
mod programs;
mod report;
mod rows;
mod samples;
mod server;
mod wire;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Instant;

use clap::{Parser, Subcommand};

use figures::table::Table;
use fill::Amounts;
use programs::Programs;
use rows::{Context, Row};

/// Measures the chat and prints a table of its figures beside their targets.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true, subcommand_precedence_over_arg = true)]
struct Arguments {
    #[command(subcommand)]
    part: Option<Part>,
    /// The rows to measure; all that take less than some minutes where none is named
    #[arg(value_enum)]
    rows: Vec<Row>,
    /// Runs of ours and of the reference, in turns
    #[arg(long, default_value = "3")]
    runs: NonZeroUsize,
    /// Print each figure as a JSON object with the figures of all runs
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// Three nodes behind nginx, on a MariaDB and a Redis
    Cluster { runs: Option<NonZeroUsize> },
    /// What the event log costs, and an outage of its Kafka
    Log { runs: Option<NonZeroUsize> },
    /// What it costs to reach the store through backends
    Rpc { runs: Option<NonZeroUsize> },
    /// Fill a new store with messages, users and groups
    Fill {
        #[command(subcommand)]
        store: FilledStore,
    },
}

#[derive(Debug, Subcommand)]
enum FilledStore {
    /// A new file
    Sqlite {
        file: PathBuf,
        #[command(flatten)]
        amounts: Amounts,
    },
    /// An empty database of MariaDB, by its URL
    Mysql {
        url: String,
        #[command(flatten)]
        amounts: Amounts,
    },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    match &arguments.part {
        None => measure_rows(&arguments).await,
        Some(Part::Fill { store }) => match store {
            FilledStore::Sqlite { file, amounts } => fill::sqlite(file, *amounts).await,
            FilledStore::Mysql { url, amounts } => fill::mysql(url, *amounts).await,
        },
        Some(part) => measure_cluster(part).await,
    }
}

async fn measure_rows(arguments: &Arguments) -> anyhow::Result<()> {
    let programs = Programs::find()?;
    let context = Context {
        programs: &programs,
        runs: arguments.runs.get(),
    };
    let rows = if arguments.rows.is_empty() {
        Row::usual()
    } else {
        arguments.rows.clone()
    };
    if !arguments.json {
        println!("{}", figure::TITLES);
    }
    let mut failed = 0;
    for row in rows {
        let begun = Instant::now();
        match row.measure(context).await {
            Ok(figures) => figures
                .iter()
                .try_for_each(|figure| show(figure, arguments.json))?,
            Err(error) => {
                failed += 1;
                eprintln!("{row:?}: {error:#}");
            }
        }
        eprintln!("{row:?} took {:.0} s", begun.elapsed().as_secs_f64());
    }
    anyhow::ensure!(
        failed == 0,
        "{failed} row(s) could not be measured; what is above says why"
    );
    Ok(())
}

/// Shows a figure as soon as it is there.
fn show(figure: &figure::Figure, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        println!("{}", serde_json::to_string(&figure.for_machines())?);
    } else {
        println!("{}", figure.line());
    }
    Ok(())
}

async fn measure_cluster(part: &Part) -> anyhow::Result<()> {
    let programs = Programs::find()?;
    let mut table = Table::default();
    let times = |runs: &Option<NonZeroUsize>| runs.map_or(1, NonZeroUsize::get);
    match part {
        Part::Cluster { runs } => figures::nodes::measure(&programs, times(runs), &mut table).await?,
        Part::Log { runs } => figures::log::measure(&programs, times(runs), &mut table).await?,
        Part::Rpc { runs } => figures::rpc::measure(&programs, times(runs), &mut table).await?,
        Part::Fill { .. } => {}
    }
    table.print();
    Ok(())
}
