//! Two nodes over Redis, on one MariaDB.

use std::sync::Arc;

use chat_test_services::MariaDb;

use super::Context;
use super::sends::IN_FLIGHT;
use crate::cluster::{Cluster, NO_LOG, Size};
use crate::counted::Counted;
use crate::figure::{Figure, Target};
use crate::load::Load;
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
    let url = super::sends::database(&mariadb, "one").await?;
    let server = Server::start(context.programs, Store::Url(&url))?;
    let (mut ours, mut reference) = <(Samples, Samples)>::default();
    for _ in 0..context.runs {
        let two = Load::run(context.programs, &cluster.each_node(), &IN_FLIGHT).await?;
        ours.add(two.rate("delivered")?);
        let one = Load::run(context.programs, &server.address, &IN_FLIGHT).await?;
        reference.add(one.rate("delivered")?);
    }
    let what = "direct pairs, delivered, two nodes over Redis, beside one node, both on MariaDB";
    Ok(vec![Figure::compared(
        what,
        "/s",
        ours,
        reference,
        Target::AtLeast(0.6),
    )])
}

/// What Redis and MariaDB are asked for a message.
pub(super) async fn per_message(context: Context<'_>) -> anyhow::Result<Vec<Figure>> {
    let mariadb = Arc::new(MariaDb::start()?);
    let cluster = Cluster::start_on(context.programs, &mariadb, TWO, |_| NO_LOG.to_owned()).await?;
    let (mut published, mut statements) = <(Samples, Samples)>::default();
    // Counts differ by little, so fewer runs tell as much.
    for _ in 0..context.runs.div_ceil(2) {
        let counted = Counted::run(context.programs, &cluster, &cluster.each_node(), &IN_FLIGHT).await?;
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
