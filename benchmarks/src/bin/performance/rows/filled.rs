//! Durable sends with ten million messages stored, beside an empty store.

use chat_test_services::MariaDb;

use super::sends::{database, rate};
use super::{Context, in_turns};
use crate::figure::{Figure, Target};
use crate::fill::{self, Amounts};
use crate::server::{Server, Store};

const AMOUNTS: Amounts = Amounts {
    messages: 10_000_000,
    users: 1_000_000,
    groups: 100_000,
};

pub(super) async fn sqlite(context: Context<'_>) -> anyhow::Result<Vec<Figure>> {
    let directory = context.programs.scratch()?;
    let file = directory.path().join("filled.db");
    eprintln!("filling {}, which takes minutes", file.display());
    fill::sqlite(&file, AMOUNTS).await?;
    let url = format!("sqlite:{}", file.display());
    let filled = Server::start(context.programs, Store::Url(&url))?;
    let empty = Server::start(context.programs, Store::Sqlite)?;
    compare(context, "SQLite", &filled, &empty).await
}

/// On a MariaDB as it is by default, which keeps far less in memory than is stored.
pub(super) async fn mariadb(context: Context<'_>) -> anyhow::Result<Vec<Figure>> {
    let mariadb = MariaDb::start()?;
    let url = database(&mariadb, "filled").await?;
    eprintln!("filling a MariaDB, which takes minutes");
    fill::mysql(&url, AMOUNTS).await?;
    let filled = Server::start(context.programs, Store::Url(&url))?;
    let empty = database(&mariadb, "empty").await?;
    let empty = Server::start(context.programs, Store::Url(&empty))?;
    compare(context, "MariaDB", &filled, &empty).await
}

async fn compare(
    context: Context<'_>,
    store: &str,
    filled: &Server,
    empty: &Server,
) -> anyhow::Result<Vec<Figure>> {
    let (ours, reference) = in_turns(
        context.runs,
        async || rate(context, filled).await,
        async || rate(context, empty).await,
    )
    .await?;
    let what = format!(
        "durable sends, {store}, 1,000 in flight, 10 million messages, 1 million users, 100,000 groups stored, beside an empty store"
    );
    Ok(vec![Figure::compared(
        &what,
        "/s",
        ours,
        reference,
        Target::AtLeast(0.8),
    )])
}
