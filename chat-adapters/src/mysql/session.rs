//! One connection while a call uses it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::MySqlConnection;

use super::error::{CallError, failed};

/// How far a call has come, which decides what its failure means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing was changed.
    Free,
    /// A transaction is open: its end would undo it.
    Open,
    /// A change is under way that is a transaction of its own and may be made twice.
    Repeatable,
    /// The commit is under way.
    Committing,
}

/// One connection while a call uses it.
pub(super) struct Session {
    connection: MySqlConnection,
    stage: Stage,
    committing: Arc<AtomicBool>,
}

/// Tells whether a call was at its commit, also where the call was given up.
pub(super) struct Progress(Arc<AtomicBool>);

impl Progress {
    pub(super) fn is_committing(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl Session {
    pub(super) fn new(connection: MySqlConnection) -> Self {
        Self {
            connection,
            stage: Stage::Free,
            committing: Arc::default(),
        }
    }

    pub(super) fn progress(&self) -> Progress {
        Progress(Arc::clone(&self.committing))
    }

    /// The connection, to run statements on.
    pub(super) const fn connection(&mut self) -> &mut MySqlConnection {
        &mut self.connection
    }

    pub(super) const fn stage(&self) -> Stage {
        self.stage
    }

    /// Begins a transaction. Everything that changes something is in one, so that a failure before the
    /// commit has changed nothing, except for single statements that may be done twice.
    pub(super) async fn begin(&mut self) -> Result<(), CallError> {
        self.stage = Stage::Open;
        self.run("START TRANSACTION", "could not begin to write").await
    }

    /// Says that one statement follows that changes something by itself, and that may do so twice.
    pub(super) fn begin_repeatable(&mut self) {
        self.stage = Stage::Repeatable;
        self.committing.store(true, Ordering::Release);
    }

    /// Says that it has.
    pub(super) fn end_repeatable(&mut self) {
        self.stage = Stage::Free;
        self.committing.store(false, Ordering::Release);
    }

    /// Makes the changes durable.
    pub(super) async fn commit(&mut self) -> Result<(), CallError> {
        self.stage = Stage::Committing;
        self.committing.store(true, Ordering::Release);
        self.run("COMMIT", "could not tell whether the change was stored")
            .await?;
        self.stage = Stage::Free;
        Ok(())
    }

    /// Undoes an open transaction.
    pub(super) async fn roll_back(&mut self) -> Result<(), CallError> {
        self.run("ROLLBACK", "could not undo a change").await?;
        self.stage = Stage::Free;
        Ok(())
    }

    async fn run(&mut self, statement: &'static str, what: &'static str) -> Result<(), CallError> {
        let done = sqlx::raw_sql(statement).execute(&mut self.connection).await;
        done.map(drop).map_err(failed(what))
    }

    /// Gives the connection back, for the next call.
    pub(super) fn into_connection(self) -> MySqlConnection {
        self.connection
    }
}
