//! What Linux tells of processes.

use std::fs;

use anyhow::Context as _;
use chat_test_services::Pid;

/// Of `/proc/…/stat`: in every Linux that there is.
const TICKS_A_SECOND: f64 = 100.0;

/// Seconds of processor time that these have taken together.
pub(crate) fn busy(ids: impl Iterator<Item = Pid>) -> anyhow::Result<f64> {
    let one = |id: Pid| {
        let statistics = fs::read_to_string(format!("/proc/{id}/stat"))?;
        // The second field, a name, may hold anything and ends at the last parenthesis.
        let (_, fields) = statistics.rsplit_once(')').context("a process without a name")?;
        let ticks = fields.split_whitespace().skip(11).take(2);
        let ticks: Vec<f64> = ticks.map(str::parse).collect::<Result<_, _>>()?;
        anyhow::Ok(ticks.iter().sum::<f64>() / TICKS_A_SECOND)
    };
    ids.map(one).sum()
}

/// The resident memory of the largest of these, in MB.
pub(crate) fn memory(ids: impl Iterator<Item = Pid>) -> anyhow::Result<f64> {
    let one = |id: Pid| {
        let status = fs::read_to_string(format!("/proc/{id}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes: f64 = line
            .and_then(|line| line.trim().strip_suffix(" kB"))
            .context("a process without memory")?
            .parse()?;
        anyhow::Ok(kibibytes * 1_024.0 / 1e6)
    };
    ids.map(one)
        .try_fold(0.0, |most, memory| Ok(f64::max(most, memory?)))
}
