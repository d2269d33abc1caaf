//! Runs of `reference-append`.

use std::path::Path;

use anyhow::{Context as _, bail};
use serde::Deserialize;

use crate::programs::{Programs, command};

/// How its messages come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Append {
    /// 1,000 senders wait, and what gathers is stored together.
    InFlight,
    /// Full batches one after the other.
    Batches,
}

/// The conversations of `direct` with 200 connections.
const CONVERSATIONS: &str = "100";

#[derive(Debug, Deserialize)]
struct Measured {
    rows_per_second: f64,
}

/// Rows a second in a file in this folder.
pub(crate) async fn on_sqlite(programs: &Programs, directory: &Path, append: Append) -> anyhow::Result<f64> {
    let directory = directory.to_str().context("the folder's name is no text")?;
    run(programs, &["sqlite", directory], append).await
}

/// Rows a second in a new database of this server.
pub(crate) async fn on_mysql(programs: &Programs, url: &str, append: Append) -> anyhow::Result<f64> {
    run(programs, &["mysql", url], append).await
}

async fn run(programs: &Programs, database: &[&str], append: Append) -> anyhow::Result<f64> {
    let kind = match append {
        Append::InFlight => "in-flight",
        Append::Batches => "batches",
    };
    let output = tokio::process::Command::from(command(programs.append()?))
        .args(database)
        .args([
            "--loop",
            kind,
            "--conversations",
            CONVERSATIONS,
            "--seconds",
            "4",
            "--json",
        ])
        .kill_on_drop(true)
        .output()
        .await?;
    if !output.status.success() {
        bail!(
            "reference-append failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let measured: Measured = serde_json::from_slice(&output.stdout)?;
    Ok(measured.rows_per_second)
}
