//! A process has a file open for each connection, and may have fewer than a load needs.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::cli::Failure;

/// Files beside connections.
const OTHERS: u64 = 64;

/// Raises the limit so far that there can be this many connections.
pub(super) fn allow_connections(count: u64) -> Result<(), Failure> {
    let needed = count + OTHERS;
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).map_err(anyhow::Error::new)?;
    if needed <= soft {
        return Ok(());
    }
    if needed > hard {
        return Err(Failure::Usage(format!(
            "{count} connections need {needed} open files, and this process may have {hard}; run several processes, or raise the limit"
        )));
    }
    setrlimit(Resource::RLIMIT_NOFILE, needed, hard).map_err(anyhow::Error::new)?;
    Ok(())
}
