//! What the system says of this process. Where it does not say, as outside Linux, there is less to show.

use std::fs;
use std::time::Duration;

use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage};
use nix::sys::time::TimeVal;

/// Gives the process memory in pages of the ordinary size only, where the system would also give huge ones.
///
/// After a busy time the memory that is free lies between what sessions keep: huge pages, of 2 MiB each, could not be
/// given back, and an idle connection would take twice as much.
pub(crate) fn refuse_huge_pages() {
    #[cfg(target_os = "linux")]
    if let Err(error) = nix::sys::prctl::set_thp_disable(true) {
        tracing::debug!(%error, "huge pages cannot be refused");
    }
}

/// Its resident memory, in bytes.
pub(crate) fn resident_memory() -> Option<u64> {
    let kibibytes = status("VmRSS:")?.strip_suffix(" kB")?.parse::<u64>().ok()?;
    Some(kibibytes * 1_024)
}

/// How many threads it has.
pub(crate) fn threads() -> Option<u64> {
    status("Threads:")?.parse().ok()
}

/// The time that it kept cores busy, since its start.
pub(crate) fn cpu_time() -> Option<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_SELF).ok()?;
    Some(duration(usage.user_time())? + duration(usage.system_time())?)
}

/// How many files it has open.
pub(crate) fn open_files() -> Option<usize> {
    let descriptors = fs::read_dir("/proc/self/fd").ok()?;
    // One of them is the folder itself, while it is read.
    Some(descriptors.count().saturating_sub(1))
}

/// How many files it may have open.
pub(crate) fn most_open_files() -> Option<u64> {
    let (soft, _) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
    Some(soft)
}

fn status(key: &str) -> Option<String> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let value = status.lines().find_map(|line| line.strip_prefix(key))?;
    Some(value.trim().to_owned())
}

fn duration(time: TimeVal) -> Option<Duration> {
    let seconds = u64::try_from(time.tv_sec()).ok()?;
    let micros = u64::try_from(time.tv_usec()).ok()?;
    Some(Duration::from_secs(seconds) + Duration::from_micros(micros))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn huge_pages_are_refused() {
        refuse_huge_pages();
        assert!(nix::sys::prctl::get_thp_disable().unwrap());
    }

    #[test]
    fn linux_says_all_of_it() {
        let before = open_files().unwrap();
        let file = fs::File::open("/proc/self/status").unwrap();
        assert!(open_files().unwrap() > 0 && most_open_files().unwrap() >= before as u64);
        drop(file);
        // A process of less than 100 KiB, or more than 100 GiB, would be another unit.
        assert!((100_000..100_000_000_000).contains(&resident_memory().unwrap()));
        assert!(threads().unwrap() >= 1);
        assert!(cpu_time().unwrap() < Duration::from_secs(3_600));
    }
}
