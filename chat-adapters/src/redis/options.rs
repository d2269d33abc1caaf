//! How a Redis is reached, and how its keys and channels are named.

use std::fmt;
use std::time::Duration;

use super::UrlError;
use crate::endpoint::{Address, Tls};

/// One server, or several that share the slots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deployment {
    /// One server, with publish/subscribe as it always was.
    #[default]
    Single,
    /// A Redis Cluster, version 7 or newer, with sharded publish/subscribe. The servers named are
    /// asked for the others.
    Cluster,
}

/// How a Redis is reached, and how its keys and channels are named.
///
/// `Debug` leaves the password out.
///
/// ```
/// use chat_adapters::redis::RedisOptions;
///
/// let options = RedisOptions::parse("rediss://chat:secret@redis.example:6380/2?ca=/etc/chat/ca.pem")?;
/// assert_eq!((options.user.as_deref(), options.database), (Some("chat"), 2));
/// assert!(!format!("{options:?}").contains("secret"));
/// # Ok::<(), chat_adapters::redis::UrlError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct RedisOptions {
    /// The server, or some of a cluster.
    pub servers: Vec<Address>,
    /// Whether the servers are a cluster.
    pub deployment: Deployment,
    /// TLS, where the servers ask for it.
    pub tls: Option<Tls>,
    /// The ACL user; without one the server's user `default`.
    pub user: Option<String>,
    /// The user's password.
    pub password: Option<String>,
    /// The database's number, for keys; channels know none. A cluster has database 0 only.
    pub database: u32,
    /// What the names of all keys and channels begin with: letters, digits, `.`, `_`, `-` and `:`.
    /// Chats that share a Redis have one each.
    pub prefix: String,
    /// The number of channels that topics are spread over, from 1 to 4,096: the same on all nodes of a chat, which hear
    /// nothing of each other otherwise. A message on Redis carries what gathers for one channel, so fewer channels are
    /// fewer and larger messages; a node gets everything on a channel of which it wants one topic, so that many more
    /// channels than topics of a node spare it what is not for it. In a cluster it is a multiple of the servers.
    pub channels: u16,
    /// The time that connecting, and each call, may take. What takes longer counts as failed.
    pub call_timeout: Duration,
    /// The time between two looks at whether a connection still works.
    pub ping_interval: Duration,
    /// The time that a server may take to answer such a look, before the connection counts as lost.
    pub ping_timeout: Duration,
    /// The first wait before a lost connection is tried again; it doubles with each failure.
    pub retry_min: Duration,
    /// The longest wait before a lost connection is tried again.
    pub retry_max: Duration,
}

impl RedisOptions {
    /// The defaults for one server, without TLS and password.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self {
            servers: vec![Address::new(host, port)],
            deployment: Deployment::Single,
            tls: None,
            user: None,
            password: None,
            database: 0,
            prefix: "chat".to_owned(),
            channels: 1,
            call_timeout: Duration::from_millis(1_500),
            ping_interval: Duration::from_secs(1),
            ping_timeout: Duration::from_millis(1_500),
            retry_min: Duration::from_millis(50),
            retry_max: Duration::from_secs(1),
        }
    }

    /// Reads `redis://[user[:password]@]host[:port][/database][?parameters]`.
    ///
    /// - `rediss://` is TLS; the parameter `ca` names a file of certificates to trust instead of
    ///   the system's.
    /// - `redis+cluster://host:port,host:port` and `rediss+cluster://…` are a Redis Cluster. With
    ///   TLS its servers must announce the names that stand in their certificates.
    /// - The parameter `prefix` sets what the names of keys and channels begin with.
    /// - The parameter `channels` sets the number of channels: 1, or 16 in a cluster, unless it is given.
    /// - A password without a user is `redis://:password@host`. Symbols of a URL in a user or a
    ///   password are escaped with `%`.
    ///
    /// # Errors
    /// [`UrlError`] with what is wrong, and never with the URL, which may hold a password.
    pub fn parse(url: &str) -> Result<Self, UrlError> {
        super::url::parse(url)
    }
}

impl fmt::Debug for RedisOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisOptions")
            .field("servers", &self.servers)
            .field("deployment", &self.deployment)
            .field("tls", &self.tls)
            .field("user", &self.user)
            .field("password", &self.password.as_ref().map(|_| "…"))
            .field("database", &self.database)
            .field("prefix", &self.prefix)
            .field("channels", &self.channels)
            .field("call_timeout", &self.call_timeout)
            .field("ping_interval", &self.ping_interval)
            .field("ping_timeout", &self.ping_timeout)
            .field("retry_min", &self.retry_min)
            .field("retry_max", &self.retry_max)
            .finish()
    }
}
