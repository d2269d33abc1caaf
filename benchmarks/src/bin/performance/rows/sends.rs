//! Durable sends beside bare inserts.

use chat_test_services::MariaDb;
use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection};

use super::Context;
use crate::append::{self, Append};
use crate::figure::{Figure, Target};
use crate::load::Load;
use crate::samples::Samples;
use crate::server::{Server, Store};

/// A hundred senders with ten messages under way each: 1,000 in flight.
pub(super) const IN_FLIGHT: [&str; 7] = [
    "direct",
    "--connections",
    "200",
    "--window",
    "10",
    "--duration",
    "4s",
];

pub(super) async fn sqlite(context: Context<'_>) -> anyhow::Result<Vec<Figure>> {
    let server = Server::start(context.programs, Store::Sqlite)?;
    let directory = context.programs.scratch()?;
    let (mut ours, mut reference, mut batches) = <(Samples, Samples, Samples)>::default();
    for _ in 0..context.runs {
        ours.add(rate(context, &server).await?);
        reference.add(append::on_sqlite(context.programs, directory.path(), Append::InFlight).await?);
        batches.add(append::on_sqlite(context.programs, directory.path(), Append::Batches).await?);
    }
    Ok(figures("SQLite", ours, reference, batches, Target::AtLeast(0.8)))
}

pub(super) async fn mariadb(context: Context<'_>) -> anyhow::Result<Vec<Figure>> {
    let mariadb = MariaDb::start()?;
    let url = database(&mariadb, "chat").await?;
    let server = Server::start(context.programs, Store::Url(&url))?;
    let (mut ours, mut reference, mut batches) = <(Samples, Samples, Samples)>::default();
    for _ in 0..context.runs {
        ours.add(rate(context, &server).await?);
        reference.add(append::on_mysql(context.programs, &mariadb.url(), Append::InFlight).await?);
        batches.add(append::on_mysql(context.programs, &mariadb.url(), Append::Batches).await?);
    }
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
    Load::run(context.programs, &server.address, &IN_FLIGHT)
        .await?
        .rate("sent")
}

fn figures(store: &str, ours: Samples, reference: Samples, batches: Samples, target: Target) -> Vec<Figure> {
    let what = |reference| format!("durable sends, {store}, 1,000 in flight, beside {reference}");
    vec![
        Figure::compared(
            &what("bare inserts with 1,000 in flight"),
            "/s",
            ours.clone(),
            reference,
            target,
        ),
        Figure::compared(
            &what("bare batches of 500"),
            "/s",
            ours,
            batches,
            Target::Reported,
        ),
    ]
}
