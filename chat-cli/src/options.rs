//! What a client needs to know before it connects.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use chat_core::protocol::{AckMode, Login, LoginProof, UserSelector};
use chat_core::types::{Device, InvalidValue, Password, Token, UserName};

use crate::limits::Limits;

/// What proves who one is.
#[derive(Clone, Debug)]
pub struct Credentials(pub(crate) LoginProof);

impl Credentials {
    /// A name with its password.
    ///
    /// # Errors
    /// [`InvalidValue`] where one of them cannot be right.
    pub fn password(name: &str, password: &str) -> Result<Self, InvalidValue> {
        Ok(Self(LoginProof::Password {
            user: UserSelector::Name(UserName::parse(name)?),
            password: Password::given(password)?,
        }))
    }

    /// A token that an earlier login gave.
    pub const fn token(token: Token) -> Self {
        Self(LoginProof::Token(token))
    }

    /// The request that logs in with them, with acknowledgement by the client.
    pub fn login(self, device: Device) -> Login {
        Login {
            proof: self.0,
            device,
            ack: AckMode::Client,
        }
    }
}

impl From<LoginProof> for Credentials {
    fn from(proof: LoginProof) -> Self {
        Self(proof)
    }
}

/// Who acknowledges the messages that a client hands out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Acknowledge {
    /// The client, for each message once the application asks for the next event: what it was
    /// given before is then done.
    #[default]
    Taken,
    /// The application, by `ack`.
    Manually,
    /// The server, once it has written a message: a client that dies can miss messages.
    Server,
}

/// How long a client waits between attempts to connect again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reconnect {
    /// The first wait; each is up to twice as long by chance, so that clients do not come all at once.
    pub first_delay: Duration,
    /// No wait is longer before chance is added; each is twice the one before until then.
    pub longest_delay: Duration,
    /// A session that lasted this long makes the waits start from the first again.
    pub stable_after: Duration,
}

impl Default for Reconnect {
    fn default() -> Self {
        Self {
            first_delay: Duration::from_millis(200),
            longest_delay: Duration::from_secs(20),
            stable_after: Duration::from_secs(10),
        }
    }
}

impl Reconnect {
    pub(crate) fn delays(&self) -> ExponentialBackoff {
        ExponentialBuilder::new()
            .with_min_delay(self.first_delay)
            .with_max_delay(self.longest_delay)
            .with_jitter()
            .without_max_times()
            .build()
    }
}

/// How to connect, who to be and how to behave.
///
/// ```
/// use chat_client::{ClientOptions, Credentials, Limits};
///
/// let mut options = ClientOptions::new("127.0.0.1:6000", Credentials::password("alice", "correct horse")?);
/// options.device = "laptop".parse()?;
/// options.limits = Limits { events: 64, ..Limits::default() };
/// # Ok::<(), chat_core::types::InvalidValue>(())
/// ```
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// The server's `host:port`.
    pub server: String,
    /// Who to be.
    pub credentials: Credentials,
    /// Which of the user's devices this is; delivery resumes where it stopped acknowledging.
    pub device: Device,
    /// Who acknowledges.
    pub acknowledge: Acknowledge,
    /// How to come back after a loss.
    pub reconnect: Reconnect,
    /// The bounds and time-outs.
    pub limits: Limits,
}

impl ClientOptions {
    /// The defaults, for the server at `host:port`.
    pub fn new(server: impl Into<String>, credentials: Credentials) -> Self {
        Self {
            server: server.into(),
            credentials,
            device: Device::default(),
            acknowledge: Acknowledge::default(),
            reconnect: Reconnect::default(),
            limits: Limits::default(),
        }
    }

    pub(crate) fn login(&self, proof: LoginProof) -> Login {
        let ack = match self.acknowledge {
            Acknowledge::Server => AckMode::Auto,
            Acknowledge::Taken | Acknowledge::Manually => AckMode::Client,
        };
        Login {
            proof,
            device: self.device.clone(),
            ack,
        }
    }
}
