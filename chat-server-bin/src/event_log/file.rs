//! A file of lines that is renamed when it has grown, and made anew when it has gone.
//!
//! The crates for this go on without a word where a file cannot be opened, or panic where it was renamed by
//! somebody else; here either is an error, which the log counts and tells, and the next write tries again.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::settings::EventLogFileSettings;

/// Writes to `PATH`; where that would grow beyond its bound it becomes `PATH.1`, which becomes `PATH.2`, and so on,
/// and the oldest is removed.
#[derive(Debug)]
pub(super) struct RotatingFile {
    path: PathBuf,
    max_bytes: u64,
    max_files: u16,
    file: Option<File>,
}

impl RotatingFile {
    /// Opens the file, or makes it, readable and writable by its owner only.
    pub(super) fn open(path: PathBuf, bounds: &EventLogFileSettings) -> io::Result<Self> {
        let file = Some(open(&path)?);
        Ok(Self {
            path,
            max_bytes: bounds.max_bytes.get(),
            max_files: bounds.max_files,
            file,
        })
    }

    /// The file that the path names now: it may have been renamed or removed since the last write.
    fn current(&mut self) -> io::Result<&mut File> {
        let file = match self.file.take() {
            Some(file) if is_at(&file, &self.path)? => file,
            _ => open(&self.path)?,
        };
        Ok(self.file.insert(file))
    }

    /// Makes room: the file becomes the newest of the old ones.
    fn rotate(&mut self) -> io::Result<()> {
        self.file = None;
        if self.max_files == 0 {
            return fs::remove_file(&self.path);
        }
        for number in (1..self.max_files).rev() {
            rename_if_there(&numbered(&self.path, number), &numbered(&self.path, number + 1))?;
        }
        fs::rename(&self.path, numbered(&self.path, 1))
    }
}

impl Write for RotatingFile {
    /// Writes all of it to one file, or nothing: half a line would spoil the next one.
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        let max_bytes = self.max_bytes;
        let mut file = self.current()?;
        let mut size = file.metadata()?.len();
        if size > 0 && size + lines.len() as u64 > max_bytes {
            self.rotate()?;
            file = self.current()?;
            size = 0;
        }
        match file.write_all(lines) {
            Ok(()) => Ok(lines.len()),
            Err(error) => {
                // Where this fails too, opening the file anew ends the line.
                if file.set_len(size).is_err() {
                    self.file = None;
                }
                Err(error)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)?;
    end_line(&mut file)?;
    Ok(file)
}

/// Ends the line that a crash may have left half written.
fn end_line(file: &mut File) -> io::Result<()> {
    let metadata = file.metadata()?;
    let mut last = [b'\n'];
    if metadata.is_file() && metadata.len() > 0 {
        file.read_exact_at(&mut last, metadata.len() - 1)?;
    }
    if last == [b'\n'] {
        Ok(())
    } else {
        file.write_all(b"\n")
    }
}

fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let open = file.metadata()?;
    match fs::metadata(path) {
        Ok(named) => Ok((open.dev(), open.ino()) == (named.dev(), named.ino())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn numbered(path: &Path, number: u16) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    PathBuf::from(name)
}

fn rename_if_there(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        renamed => renamed,
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;
    use std::os::unix::fs::PermissionsExt as _;

    use tempfile::TempDir;

    use super::*;

    fn file_of(directory: &TempDir, max_bytes: u64, max_files: u16) -> RotatingFile {
        let bounds = EventLogFileSettings {
            max_bytes: NonZeroU64::new(max_bytes).unwrap(),
            max_files,
        };
        RotatingFile::open(directory.path().join("log"), &bounds).unwrap()
    }

    fn content(directory: &TempDir, name: &str) -> Option<String> {
        fs::read_to_string(directory.path().join(name)).ok()
    }

    #[test]
    fn a_file_that_would_grow_too_large_becomes_the_newest_old_one() {
        let directory = tempfile::tempdir().unwrap();
        let mut file = file_of(&directory, 8, 2);
        for line in [
            "one\n",
            "two\n",
            "three\n",
            "longer than the bound\n",
            "four\n",
            "five\n",
        ] {
            file.write_all(line.as_bytes()).unwrap();
        }
        let contents = ["log", "log.1", "log.2", "log.3"].map(|name| content(&directory, name));
        let expected = [
            Some("five\n"),
            Some("four\n"),
            Some("longer than the bound\n"),
            None,
        ];
        assert_eq!(contents, expected.map(|text| text.map(str::to_owned)));
    }

    #[test]
    fn without_old_files_only_the_newest_lines_are_kept() {
        let directory = tempfile::tempdir().unwrap();
        let mut file = file_of(&directory, 8, 0);
        for line in ["one\n", "two\n", "three\n"] {
            file.write_all(line.as_bytes()).unwrap();
        }
        assert_eq!(content(&directory, "log").unwrap(), "three\n");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_was_there_counts_and_a_half_line_is_ended() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("log"), "half").unwrap();
        file_of(&directory, 12, 1).write_all(b"whole\n").unwrap();
        assert_eq!(content(&directory, "log").unwrap(), "half\nwhole\n");
        file_of(&directory, 12, 1).write_all(b"more\n").unwrap();
        assert_eq!(content(&directory, "log").unwrap(), "more\n");
        assert_eq!(content(&directory, "log.1").unwrap(), "half\nwhole\n");
    }

    #[test]
    fn every_file_is_its_owners_alone() {
        let directory = tempfile::tempdir().unwrap();
        let mut file = file_of(&directory, 4, 1);
        for line in ["one\n", "two\n"] {
            file.write_all(line.as_bytes()).unwrap();
        }
        for name in ["log", "log.1"] {
            let mode = fs::metadata(directory.path().join(name))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn a_renamed_or_removed_file_is_made_anew() {
        let directory = tempfile::tempdir().unwrap();
        let mut file = file_of(&directory, 1_000, 1);
        let log = directory.path().join("log");
        file.write_all(b"one\n").unwrap();
        fs::rename(&log, directory.path().join("taken")).unwrap();
        file.write_all(b"two\n").unwrap();
        fs::remove_file(&log).unwrap();
        file.write_all(b"three\n").unwrap();
        assert_eq!(content(&directory, "taken").unwrap(), "one\n");
        assert_eq!(content(&directory, "log").unwrap(), "three\n");
    }

    #[test]
    fn a_removed_folder_is_an_error_until_it_is_back() {
        let directory = tempfile::tempdir().unwrap();
        let folder = directory.path().join("folder");
        fs::create_dir(&folder).unwrap();
        let mut file = RotatingFile::open(folder.join("log"), &EventLogFileSettings::default()).unwrap();
        file.write_all(b"one\n").unwrap();
        fs::remove_dir_all(&folder).unwrap();
        for _ in 0..2 {
            assert_eq!(file.write_all(b"two\n").unwrap_err().kind(), ErrorKind::NotFound);
        }
        fs::create_dir(&folder).unwrap();
        file.write_all(b"three\n").unwrap();
        assert_eq!(fs::read_to_string(folder.join("log")).unwrap(), "three\n");
    }

    #[test]
    fn a_full_disk_is_an_error() {
        let bounds = EventLogFileSettings::default();
        let mut file = RotatingFile::open(PathBuf::from("/dev/full"), &bounds).unwrap();
        assert_eq!(
            file.write_all(b"one\n").unwrap_err().kind(),
            ErrorKind::StorageFull
        );
    }
}
