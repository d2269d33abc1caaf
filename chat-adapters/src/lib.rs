#![doc = include_str!("../README.md")]

#[cfg(any(feature = "grpc", feature = "tcp"))]
mod acceptor;
#[cfg(any(feature = "grpc", feature = "kafka", feature = "redis", feature = "zookeeper"))]
#[cfg_attr(
    not(any(feature = "kafka", feature = "redis", feature = "zookeeper")),
    expect(unreachable_pub, reason = "the options of `grpc` show no address")
)]
mod endpoint;
#[cfg(feature = "grpc")]
pub mod grpc;
#[cfg(feature = "jwt")]
pub mod jwt;
#[cfg(feature = "kafka")]
pub mod kafka;
#[cfg(any(feature = "tcp", feature = "websocket"))]
mod link;
#[cfg(feature = "mysql")]
pub mod mysql;
#[cfg(feature = "mysql")]
pub mod original;
#[cfg(any(feature = "grpc", feature = "tls"))]
mod pem;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(any(feature = "grpc", all(feature = "tcp", feature = "tls")))]
mod replayed;
#[cfg(any(feature = "grpc", feature = "redis", feature = "zookeeper"))]
mod retry;
#[cfg(any(feature = "mysql", feature = "sqlite"))]
mod sql;
#[cfg(feature = "sqlite")]
pub mod sqlite;
#[cfg(feature = "tcp")]
pub mod tcp;
#[cfg(feature = "tls")]
pub mod tls;
#[cfg(feature = "websocket")]
pub mod websocket;
#[cfg(feature = "zookeeper")]
pub mod zookeeper;
