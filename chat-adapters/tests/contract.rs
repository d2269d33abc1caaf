//! The contract of the ports, on every backend of this crate.
#![cfg_attr(
    feature = "sqlite",
    expect(clippy::expect_used, reason = "a test binary without a harness of its own")
)]

use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(feature = "sqlite")]
    let trials = sqlite::trials();
    #[cfg(not(feature = "sqlite"))]
    let trials = Vec::new();
    libtest_mimic::run(&libtest_mimic::Arguments::from_args(), trials).exit_code()
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use std::sync::Arc;

    use async_trait::async_trait;
    use chat_adapters::sqlite::SqliteStore;
    use chat_core::BackendError;
    use chat_core::contract::{self, Capabilities, Fixture, Outcome};
    use chat_core::ports::Stores;
    use libtest_mimic::{Completion, Trial};
    use tempfile::TempDir;
    use tokio::runtime::Runtime;

    /// A file in a directory of its own; every handle opens it anew.
    struct File(TempDir);

    impl Default for File {
        fn default() -> Self {
            Self(tempfile::tempdir().expect("a temporary directory"))
        }
    }

    #[async_trait]
    impl Fixture for File {
        type Port = Stores;

        async fn open(&self) -> Result<Stores, BackendError> {
            let opened = SqliteStore::open(self.0.path().join("chat.db")).await;
            let store = opened.map_err(|error| BackendError::not_done("cannot open").because(error))?;
            Ok(Stores::of(Arc::new(store)))
        }

        /// The directory goes with the fixture.
        async fn close(&self) {}

        fn unavailable(&self) -> Option<String> {
            None
        }

        fn capabilities(&self) -> Capabilities {
            Capabilities {
                survives_restart: true,
                crosses_processes: true,
            }
        }
    }

    pub(super) fn trials() -> Vec<Trial> {
        let runtime = Arc::new(Runtime::new().expect("a runtime"));
        let to_mimic = |trial: contract::Trial| {
            let runtime = Arc::clone(&runtime);
            Trial::ignorable_test(trial.name().to_owned(), move || {
                Ok(match runtime.block_on(trial.run())? {
                    Outcome::Passed => Completion::Completed,
                    Outcome::Ignored(reason) => Completion::ignored_with(reason),
                })
            })
        };
        contract::stores("sqlite", File::default)
            .into_iter()
            .map(to_mimic)
            .collect()
    }
}
