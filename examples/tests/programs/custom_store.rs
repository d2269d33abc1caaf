//! The store of one's own keeps the contract of stores, case by case.

#[path = "../../custom_store.rs"]
mod program;

use std::sync::{Arc, Mutex};

use chat_core::contract::{self, Outcome, Shared};
use chat_core::memory::MemoryStore;
use chat_core::ports::Stores;
use libtest_mimic::{Completion, Trial};
use program::Searchable;
use tokio::runtime::Runtime;

/// An empty store, of which each handle is a further reference.
fn searchable() -> Shared<Stores> {
    let mut stores = Stores::of(Arc::<MemoryStore>::default());
    stores.messages = Arc::new(Searchable {
        inner: stores.messages,
        words: Mutex::default(),
    });
    Shared::new(stores)
}

pub(crate) fn trials() -> Vec<Trial> {
    let runtime = Arc::new(Runtime::new().expect("a runtime"));
    let cases = contract::stores("searchable", searchable)
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
