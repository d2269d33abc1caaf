//! Durable sends beside bare inserts.

use chat_test_services::MariaDb;
use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection};

use super::{Context, in_turns};
use crate::append::{self, Append};
use crate::figure::{Figure, Target};
use crate::load::Load;
use crate::samples::Samples;
use crate::server::{Server, Store};

/// A hundred senders with ten messages under way each: 1,000 in flight.
pub(super) const IN_FLIGHT: &str = "direct --connections 200 --window 10 --duration 3s";

pub(super) async fn sqlite(context: Context<'_>) -> anyhow::Result<Vec<Figure>> {
    let server = Server::start(context.programs, Store::Sqlite)?;
    let directory = context.programs.scratch()?;
    let (ours, reference) = in_turns(
        context.runs,
        async || rate(context, &server).await,
        async || append::on_sqlite(context.programs, directory.path(), Append::InFlight).await,
    )
    .await?;
    // It only says where the limit is, so that one run is enough.
    let batches = append::on_sqlite(context.programs, directory.path(), Append::Batches).await?;
    Ok(figures("SQLite", ours, reference, batches, Target::AtLeast(0.8)))
}

pub(super) async fn mariadb(context: Context<'_>) -> anyhow::Result<Vec<Figure>> {
    let mariadb = MariaDb::start()?;
    let url = database(&mariadb, "chat").await?;
    let server = Server::start(context.programs, Store::Url(&url))?;
    let (ours, reference) = in_turns(
        context.runs,
        async || rate(context, &server).await,
        async || append::on_mysql(context.programs, &mariadb.url(), Append::InFlight).await,
    )
    .await?;
    // It only says where the limit is, so that one run is enough.
    let batches = append::on_mysql(context.programs, &mariadb.url(), Append::Batches).await?;
    Ok(figures("MariaDB", ours, reference, batches, Target::AtLeast(0.7)))
}

/// A new database, by its URL.
pub(super) async fn database(mariadb: &MariaDb, name: &str) -> anyhow::Result<String> {
    let mut connection = MySqlConnection::connect(&mariadb.url()).await?;
    let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
    sqlx::raw_sql(create).execute(&mut connection).await?;
    Ok(MariaDb::url_at(mariadb.address(), name))
}

/// Sends that the server acknowledged a second.
pub(super) async fn rate(context: Context<'_>, server: &Server) -> anyhow::Result<f64> {
    Load::run(context.programs, &server.address, IN_FLIGHT)
        .await?
        .rate("sent")
}

fn figures(store: &str, ours: Samples, reference: Samples, batches: f64, target: Target) -> Vec<Figure> {
    let what = format!("durable sends, {store}, 1,000 in flight, beside bare inserts with 1,000 in flight");
    let most = format!("bare inserts, {store}, batches of 500 with nobody waiting");
    vec![
        Figure::compared(&what, "/s", ours, reference, target),
        Figure::alone(&most, "/s", [batches].into_iter().collect(), Target::Reported),
    ]
}
