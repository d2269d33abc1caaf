//! Two nodes over Redis, on one MariaDB.

use std::sync::Arc;

use chat_test_services::MariaDb;

use super::direct::delivered;
use super::sends::{IN_FLIGHT, database};
use super::{Context, in_turns};
use crate::cluster::{Cluster, NO_LOG, Size};
use crate::counted::Counted;
use crate::figure::{Figure, Target};
use crate::samples::Samples;
use crate::server::{Server, Store};

const TWO: Size = Size {
    nodes: 2,
    backends: 0,
};

/// Pairs whose two users are on different nodes, beside pairs on a single node that needs no Redis.
pub(super) async fn two(context: Context<'_>) -> anyhow::Result<Vec<Figure>> {
    let mariadb = Arc::new(MariaDb::start()?);
    let cluster = Cluster::start_on(context.programs, &mariadb, TWO, |_| NO_LOG.to_owned()).await?;
    let url = database(&mariadb, "one").await?;
    let server = Server::start(context.programs, Store::Url(&url))?;
    let (ours, reference) = in_turns(
        context.runs,
        async || delivered(context, &cluster.each_node(), IN_FLIGHT).await,
        async || delivered(context, &server.address, IN_FLIGHT).await,
    )
    .await?;
    let what = "direct pairs, delivered, two nodes over Redis, beside one node, both on MariaDB";
    let target = Target::AtLeast(0.6);
    Ok(vec![Figure::compared(what, "/s", ours, reference, target)])
}

/// What Redis and MariaDB are asked for a message.
pub(super) async fn per_message(context: Context<'_>) -> anyhow::Result<Vec<Figure>> {
    let mariadb = Arc::new(MariaDb::start()?);
    let cluster = Cluster::start_on(context.programs, &mariadb, TWO, |_| NO_LOG.to_owned()).await?;
    let (mut published, mut statements) = <(Samples, Samples)>::default();
    // Counts differ by little, so fewer runs tell as much.
    for _ in 0..context.runs.div_ceil(2) {
        let counted = Counted::run(context.programs, &cluster, &cluster.each_node(), IN_FLIGHT).await?;
        published.add(counted.published()?);
        statements.add(counted.statements()?);
    }
    let figure = |what: &str, samples, most| {
        let what = format!("{what} a chat message, 1,000 in flight, two nodes");
        Figure::alone(&what, "", samples, Target::AtMost(most))
    };
    Ok(vec![
        figure("Redis messages", published, 0.2),
        figure("SQL statements", statements, 0.1),
    ])
}
