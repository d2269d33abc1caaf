//! Finds where in the files of a log a moment is, without reading all of them.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::time::Duration;

use chat_core::Timestamp;

use super::entry::Entry;
use super::files::LogFiles;
use super::lines::{LONGEST_LINE, Line, Lines};

/// How far the times in one file may go back.
const DISORDER: Duration = Duration::from_secs(60);
/// A part of a file that is not worth dividing, in bytes.
const SMALL: u64 = 64 << 10;

/// Where reading begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Start {
    /// In the file that was rotated so many times.
    pub(super) rotations: u64,
    /// At this byte of it, where a line begins.
    pub(super) position: u64,
}

/// Finds a place before the first record at `since` or later, and not long before it, provided that the times in
/// the files go back by less than a minute; the beginning where there is no `since`. `None` where there is no file.
pub(super) fn find_start(files: &LogFiles, since: Option<Timestamp>) -> io::Result<Option<Start>> {
    let rotations = files.rotations()?;
    let Some(oldest) = rotations.last().copied() else {
        return Ok(None);
    };
    if let Some(wanted) = since.map(|since| since.before(DISORDER)) {
        for rotations in rotations {
            let Some(mut file) = files.open(rotations)? else {
                continue;
            };
            if first_time(&mut file, 0)?.is_some_and(|(_, at)| at < wanted) {
                let position = divide(&mut file, wanted)?;
                return Ok(Some(Start { rotations, position }));
            }
        }
    }
    Ok(Some(Start {
        rotations: oldest,
        position: 0,
    }))
}

/// The start of a line such that all records before it come before `wanted`.
fn divide(file: &mut File, wanted: Timestamp) -> io::Result<u64> {
    let (mut before, mut after) = (0, file.metadata()?.len());
    while after - before > SMALL {
        let middle = before + (after - before) / 2;
        match first_time(file, middle)? {
            Some((line, at)) if at < wanted && line < after => before = line,
            _ => after = middle,
        }
    }
    Ok(before)
}

/// The first record that begins at `position` or later, within what a longest line can take: where, and its time.
fn first_time(file: &mut File, position: u64) -> io::Result<Option<(u64, Timestamp)>> {
    // A line that begins right here is seen by the end of the one before it.
    let mut line_start = position.saturating_sub(1);
    file.seek(SeekFrom::Start(line_start))?;
    let mut reader = file.take(2 * LONGEST_LINE as u64);
    let (mut lines, mut buffer) = (Lines::default(), vec![0; 16 << 10]);
    let mut is_whole = position == 0;
    loop {
        let count = reader.read(&mut buffer)?;
        if count == 0 {
            return Ok(None);
        }
        lines.push(buffer.get(..count).unwrap_or_default());
        while let Some(line) = lines.next() {
            let Line::Whole(line) = line else { return Ok(None) };
            if is_whole && let Some(entry) = Entry::parse(line) {
                return Ok(Some((line_start, entry.record.at)));
            }
            is_whole = true;
            line_start += line.len() as u64 + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::cli::logs::testing::entry;

    /// One record a second, from these seconds on.
    fn write(path: std::path::PathBuf, seconds: std::ops::Range<u64>) {
        let lines: String = seconds
            .map(|second| format!("{}\n", entry("n1", second * 1_000, second).json()))
            .collect();
        fs::write(path, lines).unwrap();
    }

    #[test]
    fn reading_since_a_moment_begins_shortly_before_it() {
        let folder = tempfile::tempdir().unwrap();
        let files = LogFiles::new(folder.path().join("events.jsonl"));
        assert_eq!(find_start(&files, None).unwrap(), None);
        write(files.path(2), 0..5_000);
        write(files.path(1), 5_000..10_000);
        write(files.path(0), 10_000..15_000);
        let oldest = Start {
            rotations: 2,
            position: 0,
        };
        assert_eq!(find_start(&files, None).unwrap(), Some(oldest));
        for since in [0, 30, 61, 4_999, 5_000, 5_061, 7_777, 12_000, 14_999, 99_999] {
            let start = find_start(&files, Some(Timestamp::from_millis(since * 1_000)))
                .unwrap()
                .unwrap();
            let mut file = files.open(start.rotations).unwrap().unwrap();
            let (position, at) = first_time(&mut file, start.position).unwrap().unwrap();
            assert_eq!(position, start.position, "since {since}: the start of a line");
            let second = at.as_millis() / 1_000;
            assert!(second == 0 || second + 60 < since, "since {since}: {second}");
            let size_of_a_record = entry("n1", 7_000_000, 7_000).json().len() as u64;
            let most = 60 + SMALL / size_of_a_record + 1;
            let last = since.min(14_999);
            assert!(second + most >= last, "since {since}: {second} is long before");
        }
    }
}
