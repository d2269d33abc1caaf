//! A private cluster: MariaDB, Redis, nodes, perhaps backends and a ZooKeeper, and nginx in front of them.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use chat_test_services::{MariaDb, Nginx, Nodes, Pid, Process, Redis, ZooKeeper};
use sqlx::{Connection as _, MySqlConnection};
use tempfile::TempDir;

use crate::programs::{Programs, address, command};

/// Nodes of a cluster that is like one of an operator.
pub(crate) const NODES: usize = 3;
/// The setting of nodes that write no event log.
pub(crate) const NO_LOG: &str = "event_log = []";
const DATABASE: &str = "chat";
const NGINX: &str = include_str!("../../../../deploy/nginx.conf");
/// Where nginx' connections to the nodes come from. Whoever connects from another address needs no PROXY header.
const NGINX_ADDRESS: &str = "127.0.0.2";

/// Of how many a cluster consists.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) nodes: usize,
    pub(crate) backends: usize,
}

impl Default for Size {
    fn default() -> Self {
        Self {
            nodes: NODES,
            backends: 0,
        }
    }
}

/// A running cluster with an empty store. Dropping it ends everything but a MariaDB that others use too.
pub(crate) struct Cluster {
    pub(crate) nginx: Nginx,
    pub(crate) nodes: Vec<SocketAddr>,
    pub(crate) mariadb: Arc<MariaDb>,
    pub(crate) redis: Redis,
    processes: Vec<Process>,
    backends: Vec<Process>,
    _zookeeper: Option<ZooKeeper>,
    _directory: TempDir,
}

impl Cluster {
    /// Starts a cluster whose nodes, by their number, write the event log where a line of their settings says.
    pub(crate) async fn start(
        programs: &Programs,
        event_log: impl Fn(usize) -> String,
    ) -> anyhow::Result<Self> {
        let mariadb = Arc::new(MariaDb::start()?);
        Self::start_on(programs, &mariadb, Size::default(), event_log).await
    }

    /// The same of any size on a MariaDB that is there, in place of whatever was on it before. With backends, the nodes
    /// reach it through them.
    pub(crate) async fn start_on(
        programs: &Programs,
        mariadb: &Arc<MariaDb>,
        size: Size,
        event_log: impl Fn(usize) -> String,
    ) -> anyhow::Result<Self> {
        let mut connection = MySqlConnection::connect(&mariadb.url()).await?;
        let empty = format!("DROP DATABASE IF EXISTS {DATABASE}; CREATE DATABASE {DATABASE}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(empty))
            .execute(&mut connection)
            .await?;
        let redis = Redis::start()?;
        let directory = programs.scratch()?;
        let start = |name: &str, arguments: &[&str], settings: &str| {
            let common = format!("listen = \"127.0.0.1:0\"\nhttp = \"none\"\nnode = {name:?}\n{settings}");
            let file = directory.path().join(format!("{name}.toml"));
            fs::write(&file, common)?;
            start(programs, arguments, &file)
        };

        let mut store = MariaDb::url_at(mariadb.address(), DATABASE);
        let zookeeper = (size.backends > 0).then(ZooKeeper::start).transpose()?;
        let mut services = Vec::new();
        if let Some(zookeeper) = &zookeeper {
            let registry = format!("zookeeper://{}/chat", zookeeper.connect_string());
            let settings = format!("event_log = []\nstore = {store:?}\nregistry = {registry:?}\n");
            for number in 1..=size.backends {
                let process = start(&format!("backend-{number}"), &["backend"], &settings)?;
                address(&process)?;
                services.push(process);
            }
            store = format!("grpc+{registry}");
        }
        let mut processes = Vec::new();
        let mut nodes = Vec::new();
        for number in 1..=size.nodes {
            let settings = settings(&event_log(number), &store, &redis);
            let process = start(&format!("node-{number}"), &[], &settings)?;
            nodes.push(address(&process)?.parse()?);
            processes.push(process);
        }
        Ok(Self {
            nginx: Nginx::before(
                Nodes {
                    tcp: &nodes,
                    ..Nodes::default()
                },
                &nginx(),
            )?,
            nodes,
            mariadb: Arc::clone(mariadb),
            redis,
            processes,
            backends: services,
            _zookeeper: zookeeper,
            _directory: directory,
        })
    }

    /// Where the cluster's clients connect.
    pub(crate) fn front(&self) -> String {
        self.nginx.address().to_string()
    }

    /// The nodes themselves, for connections whose place matters.
    pub(crate) fn each_node(&self) -> String {
        let nodes: Vec<_> = self.nodes.iter().map(SocketAddr::to_string).collect();
        nodes.join(",")
    }

    /// The nodes' processes.
    pub(crate) fn ids(&self) -> impl Iterator<Item = Pid> {
        self.processes.iter().map(Process::id)
    }

    /// The backends' processes.
    pub(crate) fn backend_ids(&self) -> impl Iterator<Item = Pid> {
        self.backends.iter().map(Process::id)
    }
}

fn start(programs: &Programs, arguments: &[&str], settings: &Path) -> anyhow::Result<Process> {
    let mut command = command(programs.server()?);
    Ok(Process::start(
        command.args(arguments).arg("--config").arg(settings),
    )?)
}

/// The defaults, but for what a load from one address needs.
fn settings(event_log: &str, store: &str, redis: &Redis) -> String {
    format!(
        "{event_log}\nstore = {store:?}\nbus = {:?}\n\
         proxy_protocol_from = [\"{NGINX_ADDRESS}/32\"]\n\
         [limits]\nregistrations_per_minute = 1000000\nrequests_per_second = 1000000\nrequests_burst = 1000000\n",
        redis.url()
    )
}

/// The deployed configuration, with an address of nginx' own.
fn nginx() -> String {
    let bound = format!("proxy_protocol on; proxy_bind {NGINX_ADDRESS};");
    NGINX.replace("proxy_protocol on;", &bound)
}
