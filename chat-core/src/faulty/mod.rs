//! Ports that fail on command, for tests of what stands on them.
//!
//! ```
//! use std::sync::Arc;
//!
//! use chat_core::BackendErrorKind;
//! use chat_core::faulty::{Fault, Faults, Faulty};
//! use chat_core::memory::MemoryStore;
//! use chat_core::ports::UserStore;
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let faults = Faults::default();
//! let store = Faulty::new(Arc::new(MemoryStore::default()), faults.clone());
//! faults.next_calls("users", 1, Fault::FailBefore);
//! let failure = store.users(&[]).await.map_err(|error| error.kind());
//! assert_eq!(failure, Err(BackendErrorKind::NotDone));
//! assert!(store.users(&[]).await.is_ok());
//! # });
//! # Ok::<(), std::io::Error>(())
//! ```

mod bus;
mod nodes;
mod script;
mod stores;

use std::future::Future;
use std::sync::Arc;

pub use script::{Fault, Faults};

use crate::error::BackendError;

/// A port that fails as its [`Faults`] say, and otherwise does what it wraps.
#[derive(Debug)]
pub struct Faulty<P: ?Sized> {
    inner: Arc<P>,
    faults: Faults,
}

impl<P: ?Sized> Faulty<P> {
    /// Wraps a port. Several wrappers can share one script.
    pub const fn new(inner: Arc<P>, faults: Faults) -> Self {
        Self { inner, faults }
    }

    /// Makes a call of this method as the script says.
    async fn call<T>(
        &self,
        method: &'static str,
        call: impl Future<Output = Result<T, BackendError>> + Send,
    ) -> Result<T, BackendError> {
        self.faults.apply(method, call).await
    }
}
