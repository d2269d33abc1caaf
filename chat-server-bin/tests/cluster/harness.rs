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
//!
//! With `backends: 2` in the plan the nodes reach their store through two backend services:
//!
//! ```ignore
//! cluster.backends[0].kill();                     // and `restart`, `signal_to_end` as with nodes
//! cluster.backends[1].freeze();                   // SIGSTOP, until `thaw`
//! cluster.zookeeper().kill().unwrap();            // the nodes keep to the backends that they know
//! ```

use std::net::SocketAddr;

use chat_test_services::{MariaDb, Nginx, Redis, TcpProxy, ZooKeeper};
use serde_json::Value;
use tempfile::TempDir;

use super::database::{Database, SharedServer};
use super::front;
use super::launch::{Kind, event_log, start_all};
use crate::support::events::events;
use crate::support::{Server, Wire};
use crate::writers::Fronts;

/// How MariaDB and Redis are reached.
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
    /// How many backend services, which the nodes find in ZooKeeper; with none, nodes open the store themselves.
    pub(crate) backends: usize,
    /// Further lines of the settings files of nodes and backends, `limits.max_frame = 256` for example.
    pub(crate) settings: Vec<String>,
    /// How MariaDB and Redis are reached.
    pub(crate) links: Links,
    /// Where the nodes write the event log besides a file each, such as `kafka://127.0.0.1:9092/events`.
    pub(crate) event_logs: Vec<String>,
}

impl Default for Plan {
    /// Three nodes with the default settings, their own store and direct links.
    fn default() -> Self {
        Self {
            nodes: 3,
            backends: 0,
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
    /// The backend services, named `backend-1` and so on.
    pub(crate) backends: Vec<Server>,
    /// What clients connect to.
    pub(crate) nginx: Nginx,
    /// The bus, and who is online.
    pub(crate) redis: Redis,
    /// The database, for looks into it that go straight to the server.
    pub(crate) database: Database,
    store_link: Option<TcpProxy>,
    bus_link: Option<TcpProxy>,
    mariadb: Option<MariaDb>,
    zookeeper: Option<ZooKeeper>,
    directory: TempDir,
}

impl Cluster {
    /// Starts a cluster on a MariaDB of its own, and a `ZooKeeper` where it needs one, and waits until all of it is ready.
    pub(crate) fn start(plan: &Plan) -> Self {
        let mariadb = MariaDb::start().unwrap_or_else(|error| panic!("{error}"));
        let start = || ZooKeeper::start().unwrap_or_else(|error| panic!("{error}"));
        let zookeeper = (plan.backends > 0).then(start);
        let ground = Ground {
            database: Database::create_to_stay(&mariadb.url()),
            mariadb: mariadb.address(),
            zookeeper: zookeeper.as_ref().map(ZooKeeper::connect_string),
        };
        Self {
            mariadb: Some(mariadb),
            zookeeper,
            ..Self::start_with(plan, ground)
        }
    }

    /// Starts a cluster on a database of its own on a server that others use too, which the test must not harm.
    pub(crate) fn start_on(server: &SharedServer, plan: &Plan) -> Self {
        assert_eq!(plan.links, Links::Direct, "the server's address is not known");
        let ground = Ground {
            database: Database::create(&server.url()),
            mariadb: SocketAddr::from(([127, 0, 0, 1], 0)),
            zookeeper: (plan.backends > 0).then(|| server.zookeeper()),
        };
        Self::start_with(plan, ground)
    }

    fn start_with(plan: &Plan, ground: Ground) -> Self {
        let redis = Redis::start().unwrap_or_else(|error| panic!("{error}"));
        let link = |target| match plan.links {
            Links::Direct => None,
            Links::Breakable => Some(TcpProxy::start(target).expect("a free port")),
        };
        let (store_link, bus_link) = (link(ground.mariadb), link(redis.address()));
        let store = store_link.as_ref().map_or_else(
            || ground.database.url(),
            |link| ground.database.url_through(link.address()),
        );
        let bus = bus_link
            .as_ref()
            .map_or_else(|| redis.url(), |link| Redis::url_at(link.address()));
        let directory = tempfile::tempdir().expect("a temporary folder");
        let registry = ground.registry();
        let settings = format!("store = {store:?}\nregistry = {registry:?}\n");
        let backends = start_all(plan, &directory, Kind::Backend, &settings);
        let store = match backends.len() {
            0 => store,
            _ => format!("grpc+{registry}"),
        };
        let settings = format!(
            "store = {store:?}\nbus = {bus:?}\npresence = {bus:?}\nproxy_protocol_from = [\"127.0.0.1/32\"]\n\
             websocket.forwarded_from = [\"127.0.0.1/32\"]\n"
        );
        let nodes = start_all(plan, &directory, Kind::Node, &settings);
        Self {
            nginx: front::start(&nodes),
            nodes,
            backends,
            redis,
            database: ground.database,
            store_link,
            bus_link,
            mariadb: None,
            zookeeper: None,
            directory,
        }
    }

    /// Where clients connect by TCP and by WebSocket.
    pub(crate) fn fronts(&self) -> Fronts {
        Fronts::both(self.address(), self.nginx_http())
    }

    /// Where browsers find the page, and clients connect by WebSocket.
    pub(crate) const fn nginx_http(&self) -> SocketAddr {
        self.nginx.http()
    }

    /// Where clients connect by TCP.
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

    /// The `ZooKeeper`, where the cluster has backends and one of its own.
    #[cfg(feature = "grpc")]
    pub(crate) const fn zookeeper(&mut self) -> &mut ZooKeeper {
        self.zookeeper
            .as_mut()
            .expect("this cluster has a ZooKeeper of its own")
    }

    /// The way to MariaDB, where links are [`Breakable`](Links::Breakable).
    pub(crate) const fn store_link(&self) -> &TcpProxy {
        self.store_link.as_ref().expect("the links are breakable")
    }

    /// The way to Redis, where links are [`Breakable`](Links::Breakable).
    pub(crate) const fn bus_link(&self) -> &TcpProxy {
        self.bus_link.as_ref().expect("the links are breakable")
    }

    /// What a node has recorded in the event log since the cluster began, also before it was restarted.
    pub(crate) fn events(&self, node: usize) -> Vec<Value> {
        events(&event_log(&self.directory, &Kind::Node.name(node)))
    }

    /// How many nodes have had a session.
    pub(crate) fn nodes_that_served(&self) -> usize {
        let served = |&node: &usize| {
            let mut events = self.events(node).into_iter();
            events.any(|event| event["event"] == "session_opened")
        };
        (0..self.nodes.len()).filter(served).count()
    }

    /// The logs of all nodes and backends since they last started, and nginx'.
    pub(crate) fn logs(&self) -> String {
        let of = |kind: Kind, servers: &[Server]| {
            let logs = servers.iter().enumerate().map(|(number, server)| {
                let name = kind.name(number);
                format!("{name}:\n{}\n", server.stderr())
            });
            logs.collect::<String>()
        };
        of(Kind::Backend, &self.backends) + &of(Kind::Node, &self.nodes) + "nginx:\n" + &self.nginx.log()
    }
}

/// What a cluster stands on.
struct Ground {
    database: Database,
    mariadb: SocketAddr,
    zookeeper: Option<String>,
}

impl Ground {
    /// Where backends announce themselves; nowhere without a `ZooKeeper`. Its path is this cluster's alone.
    fn registry(&self) -> String {
        let at = |zookeeper| format!("zookeeper://{zookeeper}/{}", self.database.name());
        self.zookeeper.as_deref().map_or_else(String::new, at)
    }
}
