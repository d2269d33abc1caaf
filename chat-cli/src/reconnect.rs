//! Getting a session, for the first time and after a loss.

use std::sync::Arc;
use std::time::Duration;

use backon::ExponentialBackoff;
use chat_core::protocol::{ErrorReply, Goodbye, LoginProof, Welcome};
use chat_core::types::Token;
use chat_core::{ErrorCode, GoodbyeCode};
use tokio::time::Instant;

use crate::connection::Connection;
use crate::error::Error;
use crate::event::End;
use crate::options::{ClientOptions, Reconnect};
use crate::transport::Dial;

/// Makes logged-in connections, one after another.
#[derive(Clone, Debug)]
pub(crate) struct Connector {
    pub(crate) options: Arc<ClientOptions>,
    pub(crate) dialer: Arc<dyn Dial>,
    /// What the last login gave: it spares the server the work of checking a password.
    token: Option<Token>,
}

impl Connector {
    pub(crate) fn new(options: ClientOptions, dialer: Arc<dyn Dial>) -> Self {
        Self {
            options: Arc::new(options),
            dialer,
            token: None,
        }
    }

    /// Connects and logs in: by token where a login gave one, otherwise as the options say.
    pub(crate) async fn connect(&self) -> Result<(Connection, Arc<Welcome>), Error> {
        let mut connection = Connection::dial(&*self.dialer, self.options.limits.clone()).await?;
        let given = self.options.credentials.0.clone();
        let welcome = match self.token.clone() {
            None => self.login(&mut connection, given).await?,
            Some(token) => match self.login(&mut connection, LoginProof::Token(token)).await {
                Err(error) if is_outdated(&error) && matches!(given, LoginProof::Password { .. }) => {
                    self.login(&mut connection, given).await?
                }
                outcome => outcome?,
            },
        };
        Ok((connection, welcome))
    }

    /// Remembers what the next login goes by.
    pub(crate) fn remember(&mut self, welcome: &Welcome) {
        self.token = welcome.token.clone();
    }

    async fn login(&self, connection: &mut Connection, proof: LoginProof) -> Result<Arc<Welcome>, Error> {
        let welcome = connection.login(self.options.login(proof)).await?;
        Ok(Arc::from(welcome))
    }
}

/// Whether the token is not taken any more.
fn is_outdated(error: &Error) -> bool {
    matches!(error, Error::Refused(refusal) if refusal.code == ErrorCode::InvalidCredentials)
}

/// A loss from which the client comes back.
#[derive(Debug)]
pub(crate) struct Loss {
    /// Why, for people.
    pub(crate) reason: String,
    /// What the server asked for.
    pub(crate) retry_after: Option<Duration>,
}

/// Tells losses that another attempt can mend from ends.
pub(crate) fn judge(error: &Error) -> Result<Loss, End> {
    let retry_after = match error {
        Error::Goodbye(goodbye) if is_final(goodbye) => return Err(End::Goodbye(goodbye.clone())),
        Error::Refused(refusal) if !is_passing(refusal) => return Err(End::Refused(refusal.clone())),
        Error::Goodbye(goodbye) => goodbye.retry_after_ms.map(Duration::from_millis),
        Error::Refused(refusal) => refusal.retry_delay(),
        _ => None,
    };
    let reason = chat_core::chain(error);
    Ok(Loss { reason, retry_after })
}

/// Whether coming back would take the session from its new place, go against the server's will,
/// or send the same frame that was too long.
const fn is_final(goodbye: &Goodbye) -> bool {
    matches!(
        goodbye.code,
        GoodbyeCode::Replaced | GoodbyeCode::Expelled | GoodbyeCode::FrameTooLarge
    )
}

/// Whether the same request can succeed later.
pub(crate) const fn is_passing(refusal: &ErrorReply) -> bool {
    matches!(
        refusal.code,
        ErrorCode::RateLimited | ErrorCode::Unavailable | ErrorCode::Internal
    )
}

/// The waits between attempts.
#[derive(Debug)]
pub(crate) struct Delays {
    settings: Reconnect,
    delays: ExponentialBackoff,
    longest_retry_after: Duration,
}

impl Delays {
    pub(crate) fn new(options: &ClientOptions) -> Self {
        Self {
            settings: options.reconnect,
            delays: options.reconnect.delays(),
            longest_retry_after: options.limits.longest_retry_after,
        }
    }

    /// The next wait: the back-off's, or the server's wish where that is longer.
    pub(crate) fn next(&mut self, retry_after: Option<Duration>) -> Duration {
        let delay = self.delays.next().unwrap_or(self.settings.longest_delay);
        let wish = retry_after.unwrap_or_default().min(self.longest_retry_after);
        delay.max(wish)
    }

    /// Starts from the first wait again after a session that lasted.
    pub(crate) fn after_session_since(&mut self, start: Instant) {
        if start.elapsed() >= self.settings.stable_after {
            self.delays = self.settings.delays();
        }
    }
}
