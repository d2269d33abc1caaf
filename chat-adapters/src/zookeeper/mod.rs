//! `ZooKeeperRegistry`: which backend services are alive, by ephemeral nodes.
