use std::io;
use std::net::SocketAddr;

use tempfile::TempDir;

use crate::daemon::Daemon;
use crate::error::StartError;
use crate::ports::free_port;
use crate::redis::{answers, ask, server};
use crate::service::Service;
use crate::wait::eventually;

/// The slots of the three masters: all that there are.
const SLOTS: [&str; 3] = ["0 5460", "5461 10922", "10923 16383"];

/// A Redis Cluster of three masters without replicas, which keeps no data on disk.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<Daemon>,
    _directories: Vec<TempDir>,
}

impl RedisCluster {
    /// Starts the servers, joins them, and waits until each says that the cluster serves all slots.
    ///
    /// # Errors
    /// [`StartError`]; [`Missing`](crate::Missing) where this machine lacks Redis.
    pub fn start() -> Result<Self, StartError> {
        Service::RedisCluster.check()?;
        let (mut nodes, mut directories, mut joins) = (Vec::new(), Vec::new(), Vec::new());
        for (number, slots) in (1..).zip(SLOTS) {
            let directory = tempfile::Builder::new().prefix("chat-redis-").tempdir()?;
            // The port beside 10,000 that is the default may be taken.
            let gossip = free_port()?.port();
            let command = |address| {
                let mut command = server(address, directory.path())?;
                command
                    .args(["--cluster-enabled", "yes"])
                    .args(["--cluster-port", &gossip.to_string()]);
                Ok(command)
            };
            let node = Daemon::start(command, answers)?;
            let address = node.address();
            tell(address, &format!("CLUSTER SET-CONFIG-EPOCH {number}"))?;
            tell(address, &format!("CLUSTER ADDSLOTSRANGE {slots}"))?;
            joins.push(format!(
                "CLUSTER MEET {} {} {gossip}",
                address.ip(),
                address.port()
            ));
            nodes.push(node);
            directories.push(directory);
        }
        if let [first, others @ ..] = nodes.as_slice() {
            for (join, _) in joins.iter().skip(1).zip(others) {
                tell(first.address(), join)?;
            }
        }
        let cluster = Self {
            nodes,
            _directories: directories,
        };
        cluster.wait_until_whole()?;
        Ok(cluster)
    }

    /// Its URL, with all its nodes: `redis+cluster://127.0.0.1:…,127.0.0.1:…,127.0.0.1:…`.
    pub fn url(&self) -> String {
        let nodes: Vec<_> = self.addresses().map(|address| address.to_string()).collect();
        format!("redis+cluster://{}", nodes.join(","))
    }

    /// Where its nodes listen.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.nodes.iter().map(Daemon::address)
    }

    /// Ends all nodes as a crash would.
    ///
    /// # Errors
    /// Where one does not end.
    pub fn kill(&mut self) -> io::Result<()> {
        self.nodes.iter_mut().try_for_each(Daemon::kill)
    }

    /// Starts all nodes again on the same ports, and waits until they are one cluster; kills those first that run.
    /// All data is lost, and who has which slots is kept.
    ///
    /// # Errors
    /// [`StartError`]
    pub fn restart(&mut self) -> Result<(), StartError> {
        self.nodes.iter_mut().try_for_each(Daemon::launch)?;
        self.nodes
            .iter_mut()
            .try_for_each(Daemon::wait_until_it_answers)?;
        Ok(self.wait_until_whole()?)
    }

    /// Stops all processes where they stand; connections stay open.
    ///
    /// # Errors
    /// Where one does not stop.
    pub fn freeze(&mut self) -> io::Result<()> {
        self.nodes.iter_mut().try_for_each(Daemon::freeze)
    }

    /// Lets all go on after [`freeze`](Self::freeze).
    pub fn thaw(&mut self) {
        self.nodes.iter_mut().for_each(Daemon::thaw);
    }

    fn wait_until_whole(&self) -> io::Result<()> {
        let whole = |address| {
            let info = ask(address, "CLUSTER INFO").unwrap_or_default();
            info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
        };
        eventually("the nodes of Redis are one cluster", || {
            self.addresses().all(whole).then_some(())
        })
    }
}

/// A command that must succeed.
fn tell(address: SocketAddr, command: &str) -> io::Result<()> {
    let answer = ask(address, command)?;
    if answer.starts_with("+OK") {
        return Ok(());
    }
    Err(io::Error::other(format!("{command}: {answer}")))
}
