use std::io;

use crate::service::Missing;

/// Why a service does not run.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// This machine lacks it.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// It ended, or did not answer in time. Holds what it wrote.
    #[error("{program} {what}; it wrote:\n{log}")]
    Failed {
        /// The program.
        program: String,
        /// What it did instead of answering.
        what: String,
        /// The last of its output.
        log: String,
    },
    /// The system refused something.
    #[error(transparent)]
    Io(#[from] io::Error),
}
