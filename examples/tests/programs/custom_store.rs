//! The store of one's own keeps the contract of stores, case by case.

#[path = "../../custom_store.rs"]
mod program;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chat_core::BackendError;
use chat_core::contract::{self, Capabilities, Fixture, Outcome};
use chat_core::memory::MemoryStore;
use chat_core::ports::Stores;
use libtest_mimic::{Completion, Trial};
use program::Searchable;
use tokio::runtime::Runtime;

/// An empty store, of which each handle is a further reference.
struct Shared(Stores);

impl Default for Shared {
    fn default() -> Self {
        let mut stores = Stores::of(Arc::<MemoryStore>::default());
        stores.messages = Arc::new(Searchable {
            inner: stores.messages,
            words: Mutex::default(),
        });
        Self(stores)
    }
}

#[async_trait]
impl Fixture for Shared {
    type Port = Stores;
    async fn open(&self) -> Result<Stores, BackendError> {
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

pub(crate) fn trials() -> Vec<Trial> {
    let runtime = Arc::new(Runtime::new().expect("a runtime"));
    let cases = contract::stores("searchable", Shared::default)
        .into_iter()
        .map(move |case| {
            let runtime = Arc::clone(&runtime);
            Trial::ignorable_test(case.name().to_owned(), move || {
                Ok(match runtime.block_on(case.run())? {
                    Outcome::Passed => Completion::Completed,
                    Outcome::Ignored(reason) => Completion::ignored_with(reason),
                })
            })
        });
    let program = Trial::test("custom_store", || {
        program::main().expect("the program runs to its end");
        Ok(())
    });
    cases.chain([program]).collect()
}
