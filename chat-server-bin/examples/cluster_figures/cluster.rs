//! A private cluster: MariaDB, Redis, three nodes, and nginx in front of them.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use anyhow::Context;
use chat_test_services::{MariaDb, Nginx, Pid, Process, Redis};
use sqlx::{Connection as _, MySqlConnection};
use tempfile::TempDir;

use crate::programs::Programs;

const NODES: usize = 3;
const DATABASE: &str = "chat";
const NGINX: &str = include_str!("../../../deploy/nginx.conf");
/// Where nginx' connections to the nodes come from. Whoever connects from another address needs no PROXY header.
const NGINX_ADDRESS: &str = "127.0.0.2";

/// A running cluster with an empty store. Dropping it ends everything.
pub(crate) struct Cluster {
    pub(crate) nginx: Nginx,
    pub(crate) nodes: Vec<SocketAddr>,
    pub(crate) mariadb: MariaDb,
    pub(crate) redis: Redis,
    processes: Vec<Process>,
    _directory: TempDir,
}

impl Cluster {
    /// Starts a cluster whose nodes, by their number, write the event log where a line of their settings says.
    pub(crate) async fn start(
        programs: &Programs,
        event_log: impl Fn(usize) -> String,
    ) -> anyhow::Result<Self> {
        let mariadb = MariaDb::start()?;
        let redis = Redis::start()?;
        let mut connection = MySqlConnection::connect(&mariadb.url()).await?;
        let create = format!("CREATE DATABASE {DATABASE}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(create))
            .execute(&mut connection)
            .await?;
        let directory = tempfile::tempdir()?;
        let mut processes = Vec::new();
        let mut nodes = Vec::new();
        for number in 1..=NODES {
            let file = directory.path().join(format!("node-{number}.toml"));
            let settings = settings(number, &event_log(number), &mariadb, &redis);
            fs::write(&file, settings)?;
            let mut command = Command::new(&programs.server);
            // The settings of whoever measures are not those of the nodes.
            for (name, _) in
                std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CHAT_"))
            {
                command.env_remove(name);
            }
            let process = Process::start(command.arg("--config").arg(&file))?;
            nodes.push(address(&process)?);
            processes.push(process);
        }
        Ok(Self {
            nginx: Nginx::before(&nodes, &nginx())?,
            nodes,
            mariadb,
            redis,
            processes,
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
}

/// The defaults, but for what a load from one address needs.
fn settings(number: usize, event_log: &str, mariadb: &MariaDb, redis: &Redis) -> String {
    let store = MariaDb::url_at(mariadb.address(), DATABASE);
    format!(
        "listen = \"127.0.0.1:0\"\nhttp = \"none\"\n{event_log}\nnode = \"node-{number}\"\nstore = {store:?}\nbus = {:?}\n\
         proxy_protocol_from = [\"{NGINX_ADDRESS}/32\"]\n\
         [limits]\nregistrations_per_minute = 1000000\n",
        redis.url()
    )
}

/// Where a node listens, once it is ready.
fn address(node: &Process) -> anyhow::Result<SocketAddr> {
    let ready = node.stdout().first_line();
    let ready = ready.with_context(|| format!("a node did not get ready:\n{}", node.stderr().text()))?;
    let address = ready
        .split_once("listening on ")
        .and_then(|(_, rest)| rest.split(',').next());
    Ok(address.context("a node did not say where it listens")?.parse()?)
}

/// The deployed configuration, with an address of nginx' own.
fn nginx() -> String {
    let bound = format!("proxy_protocol on; proxy_bind {NGINX_ADDRESS};");
    NGINX.replace("proxy_protocol on;", &bound)
}
