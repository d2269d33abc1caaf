//! The fixture of a backend that lives in this process.

use async_trait::async_trait;

use super::runner::{Capabilities, Fixture};
use crate::error::BackendError;

/// A fixture whose handles are all clones of one, as several nodes in one process share a backend. What is behind it
/// goes with the last of them.
///
/// `P` is what the suite is about: [`Stores`](crate::ports::Stores), or an `Arc` of a port.
#[derive(Clone, Debug)]
pub struct Shared<P>(P);

impl<P> Shared<P> {
    /// Takes the first handle, on a backend that is empty.
    pub const fn new(port: P) -> Self {
        Self(port)
    }
}

#[async_trait]
impl<P: Clone + Send + Sync + 'static> Fixture for Shared<P> {
    type Port = P;

    async fn open(&self) -> Result<P, BackendError> {
        Ok(self.0.clone())
    }

    async fn close(&self) {}

    fn unavailable(&self) -> Option<String> {
        None
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }
}
