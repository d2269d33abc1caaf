//! How a Kafka is reached, and how its topic is written.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::UrlError;
use crate::endpoint::{Address, Tls};

/// How a password is proven.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mechanism {
    /// The password itself is sent: for TLS only.
    Plain,
    /// By SCRAM with SHA-256, without sending the password.
    ScramSha256,
    /// By SCRAM with SHA-512, without sending the password.
    #[default]
    ScramSha512,
}

impl Mechanism {
    /// Its name, as Kafka has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

/// Who the client is. `Debug` leaves the password out.
#[derive(Clone, PartialEq, Eq)]
pub struct Sasl {
    /// How the password is proven.
    pub mechanism: Mechanism,
    /// The user.
    pub user: String,
    /// The user's password.
    pub password: String,
}

impl fmt::Debug for Sasl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sasl")
            .field("mechanism", &self.mechanism)
            .field("user", &self.user)
            .field("password", &"…")
            .finish()
    }
}

/// How batches of records are made smaller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// Slower and smaller than LZ4.
    Gzip,
    /// Fast, and small enough.
    #[default]
    Lz4,
    /// As fast as LZ4.
    Snappy,
}

impl Compression {
    /// Its name, as Kafka has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Lz4 => "lz4",
            Self::Snappy => "snappy",
        }
    }
}

/// The name is of no compression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("compression is `lz4`, `snappy`, `gzip` or `none`: choose one of them")]
pub struct UnknownCompression;

impl FromStr for Compression {
    type Err = UnknownCompression;

    fn from_str(name: &str) -> Result<Self, UnknownCompression> {
        let all = [Self::None, Self::Gzip, Self::Lz4, Self::Snappy];
        let found = all.into_iter().find(|compression| compression.name() == name);
        found.ok_or(UnknownCompression)
    }
}

/// How a Kafka is reached, and how its topic is written.
///
/// `Debug` leaves the password out, and `Display` is the servers and the topic only.
///
/// ```
/// use chat_adapters::kafka::KafkaOptions;
///
/// let options = KafkaOptions::parse(
///     "kafka://chat:secret@kafka-1.example:9093,kafka-2.example:9093/chat-events?security=sasl_ssl&ca=/etc/chat/ca.pem",
/// )?;
/// assert_eq!(options.topic, "chat-events");
/// assert!(!format!("{options:?} {options}").contains("secret"));
/// # Ok::<(), chat_adapters::kafka::UrlError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KafkaOptions {
    /// Some of the cluster's servers, which are asked for the others.
    pub servers: Vec<Address>,
    /// The topic of the log.
    pub topic: String,
    /// TLS, where the servers ask for it.
    pub tls: Option<Tls>,
    /// A user and a password, where the servers ask for them.
    pub sasl: Option<Sasl>,
    /// What the servers call this client in their logs and quotas.
    pub client: String,
    /// Whether the topic is created where it is missing. Servers are never made to create it by themselves.
    pub create_topic: bool,
    /// How many partitions the topic gets when it is created.
    pub partitions: u16,
    /// How many copies of each partition there are when it is created; `None` is the servers' default.
    pub replication: Option<u16>,
    /// How many records may wait to be sent, before the oldest of them are dropped.
    pub buffer: usize,
    /// How many records may be sent and not yet acknowledged, besides those that wait: 1 to 16,384. None of them is
    /// dropped while the log lives.
    pub in_flight: usize,
    /// How long a record may wait for others to be sent with it, a second at most.
    pub linger: Duration,
    /// How batches are made smaller.
    pub compression: Compression,
    /// How long dropping the log waits until everything taken is in Kafka.
    pub flush_time: Duration,
}

impl KafkaOptions {
    /// The defaults for one server, without TLS and password.
    pub fn new(host: impl Into<String>, port: u16, topic: impl Into<String>) -> Self {
        Self {
            servers: vec![Address::new(host, port)],
            topic: topic.into(),
            tls: None,
            sasl: None,
            client: "chat".to_owned(),
            create_topic: true,
            partitions: 8,
            replication: None,
            buffer: 65_536,
            in_flight: 8_192,
            linger: Duration::from_millis(5),
            compression: Compression::Lz4,
            flush_time: Duration::from_secs(2),
        }
    }

    /// Reads `kafka://[user:password@]host[:port][,host[:port]…]/topic[?parameters]`.
    ///
    /// - The parameter `security` is `plaintext` (which is the default), `ssl`, `sasl_plaintext` or `sasl_ssl`, as in
    ///   the settings of Kafka's own clients. The two with `sasl` need a user and a password, and the others take none.
    /// - The parameter `mechanism` is `PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`, which is the default.
    /// - The parameter `ca` names a file of certificates to trust instead of the system's, with TLS.
    /// - A port that is left out is 9092. Symbols of a URL in a user or a password are escaped with `%`.
    ///
    /// # Errors
    /// [`UrlError`] with what is wrong, and never with the URL, which may hold a password.
    pub fn parse(url: &str) -> Result<Self, UrlError> {
        super::url::parse(url)
    }
}

impl fmt::Display for KafkaOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let servers: Vec<_> = self.servers.iter().map(Address::to_string).collect();
        write!(f, "kafka://{}/{}", servers.join(","), self.topic)
    }
}
