//! Reads the files of a log, the oldest first, and what is appended to them.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;

use chat_core::Timestamp;

use super::entry::Entry;
use super::files::{Identity, LogFiles};
use super::lines::{Line, Lines};
use super::seek::{Start, find_start};

/// Bytes read at once.
const CHUNK: usize = 64 << 10;

/// A reader of one log that goes on where it was rotated.
#[derive(Debug)]
pub(super) struct Tail {
    files: LogFiles,
    since: Option<Timestamp>,
    current: Option<Current>,
    lines: Lines,
    /// So many bytes of the line that has no end yet are the end of the file before. A log that is rotated at a
    /// number of bytes is cut within a line.
    carried: usize,
    /// Whether the next line can be the end of one whose beginning was left out.
    is_amid: bool,
    buffer: Vec<u8>,
}

#[derive(Debug)]
struct Current {
    file: File,
    position: u64,
}

/// What was read at once.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Batch {
    pub(super) entries: Vec<Entry>,
    /// How many lines were no records.
    pub(super) no_records: u64,
    /// Whether there is no more for now.
    pub(super) is_last: bool,
}

impl Tail {
    /// A reader that begins shortly before `since`, or with the oldest file. Where there is no file yet, it begins
    /// with the first that comes.
    pub(super) fn new(files: LogFiles, since: Option<Timestamp>) -> Self {
        Self {
            files,
            since,
            current: None,
            lines: Lines::default(),
            carried: 0,
            is_amid: false,
            buffer: vec![0; CHUNK],
        }
    }

    /// Reads a part of what is there.
    pub(super) fn read(&mut self) -> io::Result<Batch> {
        let mut batch = Batch::default();
        if self.current.is_none() && !self.begin()? {
            batch.is_last = true;
            return Ok(batch);
        }
        if !self.read_chunk(&mut batch)? {
            batch.is_last = !self.move_on(&mut batch)?;
        }
        Ok(batch)
    }

    /// A whole record in a last line without an end.
    pub(super) fn last_line(&self) -> Option<Entry> {
        Entry::parse(self.lines.rest())
    }

    fn begin(&mut self) -> io::Result<bool> {
        let Some(Start { rotations, position }) = find_start(&self.files, self.since)? else {
            return Ok(false);
        };
        let Some(mut file) = self.files.open(rotations)? else {
            return Ok(false);
        };
        file.seek(SeekFrom::Start(position))?;
        self.is_amid = position == 0 && (rotations > 0 || self.since.is_some());
        self.current = Some(Current { file, position });
        Ok(true)
    }

    /// Whether there was something to read in the current file.
    fn read_chunk(&mut self, batch: &mut Batch) -> io::Result<bool> {
        let Some(current) = &mut self.current else {
            return Ok(false);
        };
        let count = current.file.read(&mut self.buffer)?;
        current.position += count as u64;
        self.lines.push(self.buffer.get(..count).unwrap_or_default());
        while let Some(line) = self.lines.next() {
            let carried = std::mem::take(&mut self.carried);
            let is_amid = std::mem::take(&mut self.is_amid);
            let Line::Whole(line) = line else {
                batch.no_records += 1;
                continue;
            };
            if let Some(entry) = Entry::parse(line) {
                batch.entries.push(entry);
                continue;
            }
            let own = line.get(carried..).filter(|_| carried > 0).and_then(Entry::parse);
            let is_counted = own.is_some() || !is_amid && !line.trim_ascii().is_empty();
            batch.no_records += u64::from(is_counted);
            batch.entries.extend(own);
        }
        Ok(count > 0)
    }

    /// At the end of the current file: goes on with the next one, or with the beginning of one that was truncated.
    /// Whether there can be more to read now.
    fn move_on(&mut self, batch: &mut Batch) -> io::Result<bool> {
        let Some(current) = &mut self.current else {
            return Ok(false);
        };
        let metadata = current.file.metadata()?;
        let identity = Identity::of(&metadata);
        let found = self.files.find(identity)?;
        if found == Some(0) {
            if metadata.len() >= current.position {
                return Ok(false);
            }
            current.file.seek(SeekFrom::Start(0))?;
            current.position = 0;
            batch.no_records += u64::from(self.lines.has_rest());
            self.lines.forget();
            self.carried = 0;
            return Ok(true);
        }
        let written = (metadata.mtime(), metadata.mtime_nsec());
        let Some(rotations) = self.next_after(found, written)? else {
            return Ok(false);
        };
        let Some(file) = self.files.open(rotations)? else {
            return Ok(false);
        };
        // Where files were renamed meanwhile, the one that was opened may not be the next.
        if found.is_some() && self.files.find(identity)? != found {
            return Ok(true);
        }
        // Whoever renames a file has written its last byte before.
        if self.read_chunk(batch)? {
            return Ok(true);
        }
        self.carried = self.lines.rest().len();
        self.current = Some(Current { file, position: 0 });
        Ok(true)
    }

    /// How often the file was rotated that follows the current one: the next by number or, where the current one was
    /// removed, the oldest of those written after it.
    fn next_after(&self, found: Option<u64>, written: (i64, i64)) -> io::Result<Option<u64>> {
        let mut next = None;
        for rotations in self.files.rotations()? {
            let follows = match found {
                Some(current) => rotations < current,
                None => match std::fs::metadata(self.files.path(rotations)) {
                    Ok(metadata) => (metadata.mtime(), metadata.mtime_nsec()) > written,
                    Err(_) => false,
                },
            };
            if follows {
                next = Some(rotations);
            }
        }
        Ok(next)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, OpenOptions};
    use std::io::Write;

    use super::*;
    use crate::cli::logs::testing::entry;

    struct Log {
        folder: tempfile::TempDir,
        written: u64,
    }

    impl Log {
        fn new() -> Self {
            Self {
                folder: tempfile::tempdir().unwrap(),
                written: 0,
            }
        }

        fn files(&self) -> LogFiles {
            LogFiles::new(self.folder.path().join("events.jsonl"))
        }

        fn append(&self, text: &str) {
            let mut file = OpenOptions::new()
                .append(true)
                .create(true)
                .open(self.files().path(0))
                .unwrap();
            file.write_all(text.as_bytes()).unwrap();
        }

        /// Appends so many records, numbered on and on.
        fn write(&mut self, count: u64) {
            for _ in 0..count {
                self.written += 1;
                self.append(&line(self.written));
            }
        }

        /// Renames as file-rotate does it, the oldest first, and removes what there is no room for.
        fn rotate(&self, most: u64) {
            self.rename_all(most);
            fs::write(self.files().path(0), "").unwrap();
        }

        fn rename_all(&self, most: u64) {
            let files = self.files();
            for rotations in files.rotations().unwrap().into_iter().rev() {
                if rotations == most {
                    fs::remove_file(files.path(rotations)).unwrap();
                } else {
                    fs::rename(files.path(rotations), files.path(rotations + 1)).unwrap();
                }
            }
        }
    }

    fn line(number: u64) -> String {
        format!("{}\n", entry("n1", number, number).json())
    }

    /// The numbers of everything that is there now, and how many lines were no records.
    fn read(tail: &mut Tail) -> (Vec<u64>, u64) {
        let (mut numbers, mut no_records) = (Vec::new(), 0);
        loop {
            let batch = tail.read().unwrap();
            numbers.extend(batch.entries.iter().map(|entry| entry.record.number));
            no_records += batch.no_records;
            if batch.is_last {
                return (numbers, no_records);
            }
        }
    }

    fn up_to(first: u64, last: u64) -> (Vec<u64>, u64) {
        ((first..=last).collect(), 0)
    }

    #[test]
    fn rotated_files_are_read_from_the_oldest_on() {
        let mut log = Log::new();
        for _ in 0..12 {
            log.write(3);
            log.rotate(20);
        }
        log.write(3);
        assert_eq!(read(&mut Tail::new(log.files(), None)), up_to(1, 39));
    }

    #[test]
    fn following_goes_on_after_any_number_of_rotations() {
        let mut log = Log::new();
        let mut tail = Tail::new(log.files(), None);
        assert_eq!(read(&mut tail), (vec![], 0), "it does not exist yet");
        log.write(2);
        assert_eq!(read(&mut tail), up_to(1, 2));
        log.write(2);
        log.rotate(5);
        assert_eq!(read(&mut tail), up_to(3, 4));
        for _ in 0..3 {
            log.write(2);
            log.rotate(5);
        }
        log.write(1);
        assert_eq!(read(&mut tail), up_to(5, 11));
        log.rename_all(5);
        assert_eq!(read(&mut tail), (vec![], 0), "the new one is not there yet");
        log.write(1);
        assert_eq!(read(&mut tail), up_to(12, 12));
    }

    #[test]
    fn what_is_written_between_the_end_and_the_rotation_is_read() {
        let mut log = Log::new();
        let mut tail = Tail::new(log.files(), None);
        log.write(1);
        assert_eq!(read(&mut tail), up_to(1, 1));
        let mut batch = Batch::default();
        assert!(!tail.read_chunk(&mut batch).unwrap());
        log.write(1);
        log.rotate(3);
        log.write(1);
        assert!(tail.move_on(&mut batch).unwrap());
        batch.entries.extend(tail.read().unwrap().entries);
        batch.entries.extend(tail.read().unwrap().entries);
        let numbers: Vec<u64> = batch.entries.iter().map(|entry| entry.record.number).collect();
        assert_eq!(numbers, [2, 3]);
    }

    #[test]
    fn where_the_file_was_removed_meanwhile_those_written_after_it_are_read() {
        let mut log = Log::new();
        log.write(2);
        log.rotate(2);
        log.write(2);
        let mut tail = Tail::new(log.files(), None);
        assert_eq!(read(&mut tail), up_to(1, 4));
        for _ in 0..5 {
            log.write(1);
            log.rotate(2);
        }
        log.write(1);
        // 5 was appended to the file that was open, and is read from there although it has no name any more.
        assert_eq!(read(&mut tail), (vec![5, 8, 9, 10], 0));
    }

    #[test]
    fn a_half_line_waits_for_its_end_also_over_a_rotation() {
        let log = Log::new();
        let mut tail = Tail::new(log.files(), None);
        let text = line(1);
        let (first, second) = text.split_at(30);
        log.append(first);
        assert_eq!(read(&mut tail), (vec![], 0));
        log.append(second);
        assert_eq!(read(&mut tail), up_to(1, 1));
        log.append(first);
        log.rotate(3);
        assert_eq!(read(&mut tail), (vec![], 0));
        log.append(second);
        log.append(&line(2));
        assert_eq!(read(&mut tail), up_to(1, 2), "a log that is rotated by bytes");
        log.append(first);
        log.rotate(3);
        log.append(&line(3));
        log.append("not a record\n\n");
        assert_eq!(
            read(&mut tail),
            (vec![3], 2),
            "a node that was killed within a line"
        );
    }

    #[test]
    fn a_truncated_file_is_read_from_its_beginning() {
        let mut log = Log::new();
        let mut tail = Tail::new(log.files(), None);
        log.write(5);
        assert_eq!(read(&mut tail), up_to(1, 5));
        OpenOptions::new()
            .write(true)
            .truncate(true)
            .open(log.files().path(0))
            .unwrap();
        log.write(2);
        assert_eq!(read(&mut tail), up_to(6, 7));
    }

    #[test]
    fn a_last_line_without_an_end_can_be_a_record() {
        let log = Log::new();
        log.append(line(1).trim_end());
        let mut tail = Tail::new(log.files(), None);
        assert_eq!(read(&mut tail), (vec![], 0));
        assert_eq!(tail.last_line().unwrap().record.number, 1);
    }
}
