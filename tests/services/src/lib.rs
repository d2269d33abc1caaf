//! Real services for tests, each on free loopback ports and in a temporary folder: [`MariaDb`],
//! [`Redis`], [`RedisCluster`], [`Nginx`], [`Kafka`], [`ZooKeeper`] and [`ChromeDriver`], and a [`TcpProxy`] that cuts
//! and stalls connections on command.
//!
//! ```no_run
//! use chat_test_services::{Redis, StartError, TcpProxy};
//!
//! let mut redis = Redis::start()?;
//! let proxy = TcpProxy::start(redis.address())?;
//! println!("redis://{}/", proxy.address());
//! proxy.stall()?; // whoever is connected waits, and sees no end
//! proxy.resume()?;
//! redis.kill()?;
//! redis.restart()?; // on the same port, with its data lost
//! # Ok::<(), StartError>(())
//! ```
//!
//! | type | what |
//! | --- | --- |
//! | [`trial`], [`async_trial`], [`Service`], [`Missing`] | a test that needs services, and is ignored where one is missing |
//! | [`MariaDb`], [`Redis`], [`RedisCluster`], [`Nginx`], [`Kafka`], [`ZooKeeper`], [`ChromeDriver`] | a running service; dropping it stops it |
//! | [`TcpProxy`] | a connection that can break |
//! | [`Authority`], [`SignedCertificate`] | certificates, and a client that trusts them |
//! | [`Process`] | any other program: its signals, its output, its end |
//! | [`connect_from`] | a connection from another address of this machine |
//! | [`axe_script`] | what looks over a page in [`ChromeDriver`]'s browsers |
//! | [`eventually`] | waits for a condition, with a deadline |
//!
//! # How processes end
//! A dropped service gets SIGTERM and, after some seconds, SIGKILL, also where a test panics. Where the test
//! process itself is killed, the kernel kills its services: they are started through `setpriv --pdeathsig`, part
//! of util-linux, since asking the kernel for it within the child needs `unsafe`. The kernel ties that signal to the
//! *thread* that starts the child, so each [`Process`] has a thread of its own that starts it and waits for
//! its end. Where there is no `setpriv`, processes of a killed test stay behind, and its
//! temporary folders do everywhere.
//!
//! Every method blocks until what it says is done. In an asynchronous test, call the slow ones (start, restart)
//! where blocking is allowed.

mod authority;
mod axe;
mod chromedriver;
mod connect;
mod daemon;
mod error;
mod fetched;
mod java;
mod kafka;
mod mariadb;
mod nginx;
mod output;
mod ports;
mod process;
mod programs;
mod proxy;
mod redis;
mod redis_cluster;
mod service;
mod trial;
mod wait;
mod zookeeper;

pub use authority::{Authority, SignedCertificate};
pub use axe::axe_script;
pub use chromedriver::ChromeDriver;
pub use connect::connect_from;
pub use daemon::Daemon;
pub use error::StartError;
pub use kafka::Kafka;
pub use mariadb::MariaDb;
pub use nginx::{Nginx, Nodes};
pub use nix::sys::signal::Signal;
pub use nix::unistd::Pid;
pub use output::Output;
pub use ports::free_port;
pub use process::{Ended, Process};
pub use proxy::TcpProxy;
pub use redis::Redis;
pub use redis_cluster::RedisCluster;
pub use service::{Missing, Service};
pub use trial::{async_trial, trial};
pub use wait::{DEADLINE, eventually};
pub use zookeeper::ZooKeeper;
