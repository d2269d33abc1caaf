//! Databases, and statements that tests run on them beside the servers.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use chat_test_services::{MariaDb, ZooKeeper};
use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection};

/// Services for many clusters that do them no harm: those that the environment names, or ones that are
/// started when they are first asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct SharedServer {
    mariadb: Arc<OnceLock<MariaDb>>,
    zookeeper: Arc<OnceLock<ZooKeeper>>,
}

impl SharedServer {
    /// The URL of MariaDB, without a database.
    pub(crate) fn url(&self) -> String {
        named("CHAT_TEST_MYSQL_URL").unwrap_or_else(|| {
            let start = || MariaDb::start().unwrap_or_else(|error| panic!("{error}"));
            self.mariadb.get_or_init(start).url()
        })
    }

    /// Where ZooKeeper is.
    pub(crate) fn zookeeper(&self) -> String {
        named("CHAT_TEST_ZOOKEEPER").unwrap_or_else(|| {
            let start = || ZooKeeper::start().unwrap_or_else(|error| panic!("{error}"));
            self.zookeeper.get_or_init(start).connect_string()
        })
    }
}

fn named(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|value| !value.is_empty())
}

/// A database of one cluster. Dropping it drops the database.
#[derive(Debug)]
pub(crate) struct Database {
    server: String,
    name: String,
    drops: bool,
}

impl Database {
    /// Makes an empty database.
    pub(crate) fn create(server: &str) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let (process, number) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let name = format!("chat_cluster_{process}_{number}");
        run(server, &format!("CREATE DATABASE {name}"));
        Self {
            server: server.to_owned(),
            name,
            drops: true,
        }
    }

    /// The same, but its server is not asked to drop it, since that may be down then and goes anyway.
    pub(crate) fn create_to_stay(server: &str) -> Self {
        let mut database = Self::create(server);
        database.drops = false;
        database
    }

    /// Its name, which no other has.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Its URL, straight to the server.
    pub(crate) fn url(&self) -> String {
        let (server, parameters) = match self.server.split_once('?') {
            Some((server, parameters)) => (server, format!("?{parameters}")),
            None => (self.server.as_str(), String::new()),
        };
        format!("{}/{}{parameters}", server.trim_end_matches('/'), self.name)
    }

    /// Its URL through an address that passes connections on.
    pub(crate) fn url_through(&self, address: SocketAddr) -> String {
        MariaDb::url_at(address, &self.name)
    }

    /// The first column of each row, which the query gives as text.
    pub(crate) fn rows(&self, query: &str) -> Vec<String> {
        let rows = blocking(async {
            let mut connection = MySqlConnection::connect(&self.url()).await?;
            sqlx::query_scalar(AssertSqlSafe(query))
                .fetch_all(&mut connection)
                .await
        });
        rows.unwrap_or_else(|error| panic!("{query}: {error}"))
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if self.drops && !std::thread::panicking() {
            run(&self.server, &format!("DROP DATABASE {}", self.name));
        }
    }
}

fn run(url: &str, statement: &str) {
    let done = blocking(async {
        let mut connection = MySqlConnection::connect(url).await?;
        sqlx::raw_sql(AssertSqlSafe(statement))
            .execute(&mut connection)
            .await?;
        connection.close().await
    });
    done.unwrap_or_else(|error: sqlx::Error| panic!("{statement}: {error}"));
}

fn blocking<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(work)
}
