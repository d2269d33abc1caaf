//! How the server is reached that the command line names.

use std::sync::Arc;

use chat_client::{Connection, Dial, Limits, TcpDialer, TlsDialer};

use super::args::GlobalArguments;
use super::failure::Failure;

/// What an address begins with that is reached by TLS.
const TLS: &str = "tls://";

impl GlobalArguments {
    /// The server under the one name that it has for what is kept of it: a token that was given by TLS is shown to nobody
    /// in the clear.
    pub(crate) fn server_name(&self) -> String {
        if self.tls && !self.server.starts_with(TLS) {
            format!("{TLS}{}", self.server)
        } else {
            self.server.clone()
        }
    }

    /// What opens connections to the server. Blocks on files.
    pub(crate) fn dialer(&self) -> Result<Arc<dyn Dial>, Failure> {
        let name = self.server_name();
        match (name.strip_prefix(TLS), &self.ca) {
            (Some(server), ca) => {
                let dialer = TlsDialer::new(server, ca.as_deref());
                let dialer =
                    dialer.map_err(|error| Failure::Usage(format!("{error}; check --server and --ca")))?;
                Ok(Arc::new(dialer))
            }
            (None, None) => Ok(Arc::new(TcpDialer::new(name))),
            (None, Some(_)) => Err(Failure::Usage(
                "--ca, or CHAT_CA, is for TLS: add --tls, or leave it out".to_owned(),
            )),
        }
    }

    /// A connection to the server.
    pub(crate) async fn connect(&self) -> Result<Connection, Failure> {
        Ok(Connection::dial(&*self.dialer()?, Limits::default()).await?)
    }
}
