//! Multi-row inserts and nothing else: what a database on this machine takes of messages, made durable.
//!
//! `reference-append sqlite [DIRECTORY]` and `reference-append mysql URL` store the rows that the chat stores, under the
//! same tables and indexes and with the same durability, each conversation numbered in the transaction that stores. They check
//! nothing: no member, no repeated id, no foreign key.
//!
//! Two loops drive them. `in-flight` has 1,000 senders, each of whom waits until its message is durable, and puts all that
//! gathered meanwhile, up to 500, into the next transaction: what the server is measured against. `batches` stores full batches one
//! after the other, with nobody waiting: what the database takes at most. `--store` has the chat's own `MessageStore`
//! stand in for the inserts.

mod loops;
mod mysql;
mod rows;
mod sqlite;
mod store;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use serde::Serialize;

use loops::Measured;
use rows::Append;

/// The one that the server has too.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Stores messages by multi-row inserts, and does nothing else.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    database: Database,
}

#[derive(Debug, Subcommand)]
enum Database {
    /// A file in WAL mode that is synced at each commit
    Sqlite {
        /// The folder for the file, which is removed at the end
        #[arg(default_value = ".")]
        directory: PathBuf,
        #[command(flatten)]
        load: Load,
    },
    /// A server of MySQL or MariaDB, durable as it is set up
    Mysql {
        /// The server's URL, as a user who may make databases
        url: String,
        #[command(flatten)]
        load: Load,
    },
}

#[derive(Clone, Copy, Debug, Args)]
struct Load {
    /// How messages come
    #[arg(long = "loop", value_enum, default_value_t = Kind::InFlight)]
    kind: Kind,
    /// Senders, each of whom waits for its message
    #[arg(long, default_value_t = 1_000)]
    in_flight: usize,
    /// Conversations that the messages belong to
    #[arg(long, default_value_t = 1_000)]
    conversations: u64,
    /// Messages in one transaction at most
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    rows: u16,
    /// How long to measure
    #[arg(long, default_value_t = 4)]
    seconds: u64,
    /// Store through the chat's `MessageStore`, to compare
    #[arg(long)]
    store: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    /// Senders wait for their messages, and what gathers is stored together
    InFlight,
    /// Full batches, one after the other
    Batches,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse().database {
        Database::Sqlite { directory, load } => {
            let directory = tempfile::tempdir_in(directory)?;
            let file = directory.path().join("append.db");
            if load.store {
                run(store::on_sqlite(&file, load.conversations).await?, load).await
            } else {
                run(sqlite::Bare::open(&file).await?, load).await
            }
        }
        Database::Mysql { url, load } => {
            let database = mysql::Database::create(&url).await?;
            if load.store {
                run(store::on_mysql(database.url(), load.conversations).await?, load).await?;
            } else {
                run(mysql::Bare::open(database.url()).await?, load).await?;
            }
            database.remove().await
        }
    }
}

async fn run(append: impl Append, load: Load) -> anyhow::Result<()> {
    let time = Duration::from_secs(load.seconds);
    let rows = usize::from(load.rows);
    let measured = match load.kind {
        Kind::InFlight => loops::in_flight(append, load.conversations, load.in_flight, rows, time).await?,
        Kind::Batches => loops::batches(append, load.conversations, rows, time).await?,
    };
    print(load, &measured)
}

fn print(load: Load, measured: &Measured) -> anyhow::Result<()> {
    if load.json {
        println!("{}", serde_json::to_string(measured)?);
        return Ok(());
    }
    let Measured {
        rows_per_second,
        rows_per_transaction,
        p50_ms,
        p99_ms,
    } = measured;
    let what = match load.kind {
        Kind::InFlight => "from a sender's message to its commit",
        Kind::Batches => "a transaction",
    };
    println!(
        "{rows_per_second:.0} rows/s, {rows_per_transaction:.0} rows a transaction; {what}: p50 {p50_ms:.1} ms, p99 {p99_ms:.1} ms"
    );
    Ok(())
}
