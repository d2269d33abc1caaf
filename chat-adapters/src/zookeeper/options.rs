//! How a ZooKeeper is reached, and where the announcements are in it.

use std::fmt;
use std::time::Duration;

use super::UrlError;
use crate::endpoint::Address;

/// Who announces. `Debug` leaves the password out.
#[derive(Clone, PartialEq, Eq)]
pub struct Digest {
    /// The user.
    pub user: String,
    /// The user's password.
    pub password: String,
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Digest")
            .field("user", &self.user)
            .field("password", &"…")
            .finish()
    }
}

/// How a ZooKeeper is reached, and where the announcements are in it.
///
/// `Debug` leaves the password out.
///
/// ```
/// use chat_adapters::zookeeper::ZooKeeperOptions;
///
/// let options = ZooKeeperOptions::parse("zookeeper://chat:secret@one:2181,two:2181/chat/backends")?;
/// assert_eq!((options.servers.len(), options.path.as_str()), (2, "/chat/backends"));
/// assert!(!format!("{options:?}").contains("secret"));
/// # Ok::<(), chat_adapters::zookeeper::UrlError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZooKeeperOptions {
    /// The servers of the ensemble.
    pub servers: Vec<Address>,
    /// The folder of the announcements. Who announces creates it where it is missing; who only looks does not.
    pub path: String,
    /// Whose the announcements are: everybody may read them, and only this user may replace or withdraw them. Without
    /// one everybody may do everything. ZooKeeper's scheme `digest` sends the password as it is.
    pub digest: Option<Digest>,
    /// How long ZooKeeper keeps the announcements of a process of which it hears nothing. The server has limits of its
    /// own, by default 4–40 s, and takes the nearest.
    pub session_timeout: Duration,
    /// The time that an announcement or a withdrawal, and each request for it, may take.
    pub call_timeout: Duration,
    /// The first wait before ZooKeeper is tried again after a failure; it doubles with each.
    pub retry_min: Duration,
    /// The longest wait before ZooKeeper is tried again after a failure.
    pub retry_max: Duration,
}

impl ZooKeeperOptions {
    /// The defaults for one server, without a user. `path` is absolute and not the root.
    pub fn new(host: impl Into<String>, port: u16, path: impl Into<String>) -> Self {
        Self {
            servers: vec![Address::new(host, port)],
            path: path.into(),
            digest: None,
            session_timeout: Duration::from_secs(6),
            call_timeout: Duration::from_secs(3),
            retry_min: Duration::from_millis(50),
            retry_max: Duration::from_secs(1),
        }
    }

    /// Reads `zookeeper://[user:password@]host[:port][,host[:port]…]/path`.
    ///
    /// Symbols of a URL in the user or the password are escaped with `%`. The path's segments take letters, digits, `.`,
    /// `_` and `-`.
    ///
    /// # Errors
    /// [`UrlError`] with what is wrong, and never with the URL, which may hold a password.
    pub fn parse(url: &str) -> Result<Self, UrlError> {
        super::url::parse(url)
    }

    /// The servers as ZooKeeper's clients take them.
    pub(super) fn connect_string(&self) -> String {
        let servers: Vec<_> = self.servers.iter().map(Address::to_string).collect();
        servers.join(",")
    }
}
