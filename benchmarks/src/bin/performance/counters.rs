//! What MariaDB, Redis and Linux have counted.

use std::collections::BTreeMap;
use std::iter;

use sqlx::{Connection as _, MySqlConnection, Row as _};

use crate::cluster::Cluster;
use crate::processes::busy;

/// Counters at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counters {
    /// Statements that clients ran, those that begin and end transactions included.
    pub(crate) statements: f64,
    /// Transactions that were ended by a `COMMIT`.
    pub(crate) commits: f64,
    /// Messages that were published on Redis.
    pub(crate) published: f64,
    /// Seconds of processor time that the nodes have taken.
    pub(crate) nodes_busy: f64,
    /// The same of the backends.
    pub(crate) backends_busy: f64,
    /// The same of MariaDB.
    pub(crate) mariadb_busy: f64,
}

impl Counters {
    pub(crate) async fn read(cluster: &Cluster) -> anyhow::Result<Self> {
        let mariadb = mariadb(cluster).await?;
        let count = |name: &str| mariadb.get(name).copied().unwrap_or_default();
        Ok(Self {
            statements: count("Questions"),
            commits: count("Com_commit"),
            published: published(cluster).await?,
            nodes_busy: busy(cluster.ids())?,
            backends_busy: busy(cluster.backend_ids())?,
            mariadb_busy: busy(iter::once(cluster.mariadb.id()))?,
        })
    }

    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            statements: self.statements - earlier.statements,
            commits: self.commits - earlier.commits,
            published: self.published - earlier.published,
            nodes_busy: self.nodes_busy - earlier.nodes_busy,
            backends_busy: self.backends_busy - earlier.backends_busy,
            mariadb_busy: self.mariadb_busy - earlier.mariadb_busy,
        }
    }
}

async fn mariadb(cluster: &Cluster) -> anyhow::Result<BTreeMap<String, f64>> {
    let mut connection = MySqlConnection::connect(&cluster.mariadb.url()).await?;
    let status = "SHOW GLOBAL STATUS WHERE Variable_name IN ('Questions', 'Com_commit')";
    let rows = sqlx::raw_sql(status).fetch_all(&mut connection).await?;
    let counts = rows.iter().map(|row| {
        let count: String = row.try_get(1)?;
        anyhow::Ok((row.try_get(0)?, count.parse()?))
    });
    counts.collect()
}

async fn published(cluster: &Cluster) -> anyhow::Result<f64> {
    let mut connection = redis(cluster).await?;
    let statistics: String = redis::cmd("INFO")
        .arg("commandstats")
        .query_async(&mut connection)
        .await?;
    // As in `cmdstat_publish:calls=12,usec=…`.
    let calls = statistics
        .lines()
        .find_map(|line| line.strip_prefix("cmdstat_publish:calls="))
        .and_then(|rest| rest.split(',').next());
    Ok(calls.unwrap_or("0").parse()?)
}

/// How many nodes listen to a channel: the mean of all channels, and the most of one.
pub(crate) async fn listeners(cluster: &Cluster) -> anyhow::Result<(f64, f64)> {
    let mut connection = redis(cluster).await?;
    let channels: Vec<String> = redis::cmd("PUBSUB")
        .arg("CHANNELS")
        .query_async(&mut connection)
        .await?;
    let counts: BTreeMap<String, u32> = redis::cmd("PUBSUB")
        .arg("NUMSUB")
        .arg(&channels)
        .query_async(&mut connection)
        .await?;
    let counts = || counts.values().copied().map(f64::from);
    let mean = counts().sum::<f64>() / (channels.len() as f64).max(1.0);
    Ok((mean, counts().fold(0.0, f64::max)))
}

async fn redis(cluster: &Cluster) -> anyhow::Result<redis::aio::MultiplexedConnection> {
    let client = redis::Client::open(cluster.redis.url())?;
    Ok(client.get_multiplexed_async_connection().await?)
}
