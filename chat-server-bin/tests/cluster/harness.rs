//! A whole cluster on this machine: nodes behind nginx, MariaDB, Redis, and links that can break.
//!
//! ```ignore
//! let mut cluster = Cluster::start(Plan { links: Links::Breakable, ..Plan::default() });
//! let alice = cluster.connect();                  // through nginx, to some node
//! cluster.nodes[0].kill();                        // SIGKILL
//! cluster.nodes[0].restart();                     // same port, same name, ready again
//! cluster.nodes[1].signal_to_end();               // SIGTERM: it drains
//! assert_eq!(cluster.nodes[1].wait().code, Some(0));
//! cluster.store_link().stall().unwrap();          // open connections to MariaDB, and nothing passes
//! cluster.store_link().resume().unwrap();
//! cluster.bus_link().cut().unwrap();              // Redis is unreachable
//! cluster.redis.restart().unwrap();               // with its data lost
//! cluster.mariadb().kill().unwrap();              // SIGKILL, then `restart` recovers
//! ```

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::thread;

use chat_test_services::{MariaDb, Nginx, Redis, TcpProxy, free_port};
use serde_json::Value;
use tempfile::TempDir;

use super::database::Database;
use super::front;
use crate::support::{Server, Wire};

/// How the nodes reach MariaDB and Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Links {
    /// Straight.
    Direct,
    /// Through proxies that cut and stall on command.
    Breakable,
}

/// What a cluster is made of.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// How many nodes.
    pub(crate) nodes: usize,
    /// Further lines of each node's settings file, `limits.max_frame = 256` for example.
    pub(crate) settings: Vec<String>,
    /// How the nodes reach MariaDB and Redis.
    pub(crate) links: Links,
    /// Where the nodes write the event log besides a file each, such as `kafka://127.0.0.1:9092/events`.
    pub(crate) event_logs: Vec<String>,
}

impl Default for Plan {
    /// Three nodes with the default settings and direct links.
    fn default() -> Self {
        Self {
            nodes: 3,
            settings: Vec::new(),
            links: Links::Direct,
            event_logs: Vec::new(),
        }
    }
}

/// A running cluster with an empty store. Dropping it ends everything.
///
/// Its methods panic where a part does not do what is asked.
#[derive(Debug)]
pub(crate) struct Cluster {
    /// The nodes, named `node-1` and so on.
    pub(crate) nodes: Vec<Server>,
    /// What clients connect to.
    pub(crate) nginx: Nginx,
    /// The bus, and who is online.
    pub(crate) redis: Redis,
    /// The nodes' database, for looks into it that go straight to the server.
    pub(crate) database: Database,
    store_link: Option<TcpProxy>,
    bus_link: Option<TcpProxy>,
    mariadb: Option<MariaDb>,
    directory: TempDir,
}

impl Cluster {
    /// Starts a cluster on a MariaDB of its own, and waits until all of it is ready.
    pub(crate) fn start(plan: &Plan) -> Self {
        let mariadb = MariaDb::start().unwrap_or_else(|error| panic!("{error}"));
        let database = Database::create_to_stay(&mariadb.url());
        let address = mariadb.address();
        Self::start_with(plan, database, address, Some(mariadb))
    }

    /// Starts a cluster on a database of its own on a server that others use too, which the test must not harm.
    pub(crate) fn start_on(server: &str, plan: &Plan) -> Self {
        assert_eq!(plan.links, Links::Direct, "the server's address is not known");
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        Self::start_with(plan, Database::create(server), nowhere, None)
    }

    fn start_with(plan: &Plan, database: Database, store: SocketAddr, mariadb: Option<MariaDb>) -> Self {
        let redis = Redis::start().unwrap_or_else(|error| panic!("{error}"));
        let link = |target| match plan.links {
            Links::Direct => None,
            Links::Breakable => Some(TcpProxy::start(target).expect("a free port")),
        };
        let (store_link, bus_link) = (link(store), link(redis.address()));
        let store = store_link
            .as_ref()
            .map_or_else(|| database.url(), |link| database.url_through(link.address()));
        let bus = bus_link
            .as_ref()
            .map_or_else(|| redis.url(), |link| Redis::url_at(link.address()));
        let directory = tempfile::tempdir().expect("a temporary folder");
        let common = format!(
            "store = {store:?}\nbus = {bus:?}\npresence = {bus:?}\n\
             proxy_protocol_from = [\"127.0.0.1/32\"]\n{}\n",
            plan.settings.join("\n")
        );
        let nodes = start_nodes(plan, &directory, &common);
        let addresses: Vec<_> = nodes.iter().map(Server::address).collect();
        Self {
            nginx: front::start(&addresses),
            nodes,
            redis,
            database,
            store_link,
            bus_link,
            mariadb,
            directory,
        }
    }

    /// Where clients connect.
    pub(crate) fn address(&self) -> SocketAddr {
        self.nginx.address()
    }

    /// A new connection through nginx.
    pub(crate) fn connect(&self) -> Wire {
        Wire::connect(self.address())
    }

    /// A new connection to this node, without nginx but with the header that nginx would send.
    pub(crate) fn connect_to(&self, node: usize) -> Wire {
        let mut wire = Wire::connect(self.nodes[node].address());
        wire.send_bytes(b"PROXY TCP4 127.0.0.1 127.0.0.1 50000 6000\r\n")
            .expect("the node takes connections");
        wire
    }

    /// The MariaDB server, where the cluster has one of its own.
    pub(crate) const fn mariadb(&mut self) -> &mut MariaDb {
        self.mariadb
            .as_mut()
            .expect("this cluster has a server of its own")
    }

    /// The nodes' way to MariaDB, where links are [`Breakable`](Links::Breakable).
    pub(crate) const fn store_link(&self) -> &TcpProxy {
        self.store_link.as_ref().expect("the links are breakable")
    }

    /// The nodes' way to Redis, where links are [`Breakable`](Links::Breakable).
    pub(crate) const fn bus_link(&self) -> &TcpProxy {
        self.bus_link.as_ref().expect("the links are breakable")
    }

    /// What a node has recorded in the event log since the cluster began, also before it was restarted.
    pub(crate) fn events(&self, node: usize) -> Vec<Value> {
        let text = fs::read_to_string(event_log(&self.directory, node)).unwrap_or_default();
        let lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        lines
            .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")))
            .collect()
    }

    /// How many nodes have had a session.
    pub(crate) fn nodes_that_served(&self) -> usize {
        let served = |&node: &usize| {
            let mut events = self.events(node).into_iter();
            events.any(|event| event["event"] == "session_opened")
        };
        (0..self.nodes.len()).filter(served).count()
    }

    /// The logs of all nodes since they last started, and nginx'.
    pub(crate) fn logs(&self) -> String {
        let nodes = (1..).zip(&self.nodes);
        let logs = nodes.map(|(number, node)| format!("node-{number}:\n{}\n", node.stderr()));
        logs.collect::<String>() + "nginx:\n" + &self.nginx.log()
    }
}

/// Starts all nodes at once, as after a power cut.
fn start_nodes(plan: &Plan, directory: &TempDir, common: &str) -> Vec<Server> {
    thread::scope(|scope| {
        let starts: Vec<_> = (0..plan.nodes)
            .map(|node| {
                let name = format!("node-{}", node + 1);
                let mut logs = vec![format!("file:{}", event_log(directory, node).display())];
                logs.extend_from_slice(&plan.event_logs);
                let config = directory.path().join(format!("{name}.toml"));
                let own = format!("node = {name:?}\nhttp = \"127.0.0.1:0\"\nevent_log = {logs:?}\n{common}");
                fs::write(&config, own).expect("the folder is there");
                scope.spawn(move || {
                    let listen = free_port().expect("a free port").to_string();
                    Server::start_at(&listen, &["--config", &config.to_string_lossy()])
                })
            })
            .collect();
        let started = starts
            .into_iter()
            .map(|start| start.join().expect("the node starts"));
        started.collect()
    })
}

fn event_log(directory: &TempDir, node: usize) -> PathBuf {
    directory.path().join(format!("node-{}.jsonl", node + 1))
}
