//! The files of one log: the one that is written, and those it became when it was rotated.
//!
//! The newest is `chat-events.jsonl`; `chat-events.jsonl.1` was written before it, `chat-events.jsonl.2` before
//! that. With each rotation every file takes the next number.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// How a file is known, whatever its name; no other has the same while it is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }
}

/// Names the files of a log.
#[derive(Clone, Debug)]
pub(super) struct LogFiles {
    newest: PathBuf,
}

impl LogFiles {
    pub(super) const fn new(newest: PathBuf) -> Self {
        Self { newest }
    }

    /// The file that was rotated so many times.
    pub(super) fn path(&self, rotations: u64) -> PathBuf {
        if rotations == 0 {
            return self.newest.clone();
        }
        let mut name = self.newest.clone().into_os_string();
        name.push(format!(".{rotations}"));
        name.into()
    }

    /// Opens one; `None` where there is no such file.
    pub(super) fn open(&self, rotations: u64) -> io::Result<Option<File>> {
        match File::open(self.path(rotations)) {
            Ok(file) if file.metadata()?.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// How often the files that are there were rotated, the newest first.
    pub(super) fn rotations(&self) -> io::Result<Vec<u64>> {
        let mut found = Vec::new();
        if self.newest.exists() {
            found.push(0);
        }
        for entry in entries(&self.folder())? {
            if let Some((base, rotations)) = split_rotation(&entry)
                && base == self.newest.file_name().unwrap_or_default().to_string_lossy()
            {
                found.push(rotations);
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    /// How often this file has been rotated; `None` where it is no file of the log any more.
    pub(super) fn find(&self, identity: Identity) -> io::Result<Option<u64>> {
        for rotations in self.rotations()? {
            match fs::metadata(self.path(rotations)) {
                Ok(metadata) if Identity::of(&metadata) == identity => return Ok(Some(rotations)),
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(None)
    }

    fn folder(&self) -> PathBuf {
        match self.newest.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        }
    }
}

/// The logs in a folder: `*.jsonl`, also where only rotated files are there.
pub(super) fn logs_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found: Vec<PathBuf> = entries(folder)?
        .into_iter()
        .map(|name| match split_rotation(&name) {
            Some((base, _)) => base.to_owned(),
            None => name,
        })
        .filter(|name| name.ends_with(".jsonl"))
        .map(|name| folder.join(name))
        .collect();
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// The log that a rotated file belongs to.
pub(super) fn newest_of(path: &Path) -> Option<PathBuf> {
    let (base, _) = split_rotation(path.file_name()?.to_str()?)?;
    Some(path.with_file_name(base))
}

/// The names of the files in a folder; none where there is no such folder.
fn entries(folder: &Path) -> io::Result<Vec<String>> {
    let listing = match fs::read_dir(folder) {
        Ok(listing) => listing,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in listing {
        let entry = entry?;
        if !entry.path().is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    Ok(names)
}

/// Takes `NAME.3` apart.
fn split_rotation(name: &str) -> Option<(&str, u64)> {
    let (base, rotations) = name.rsplit_once('.')?;
    let is_number = !base.is_empty() && rotations.bytes().all(|byte| byte.is_ascii_digit());
    let rotations = rotations.parse().ok().filter(|rotations| *rotations > 0)?;
    is_number.then_some((base, rotations))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_shows_its_logs_and_a_log_its_rotations() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "n1.jsonl",
            "n1.jsonl.1",
            "n1.jsonl.12",
            "n1.jsonl.2",
            "n1.jsonl.x",
            "n1.jsonl.0",
            "n2.jsonl.3",
            "chat.db",
        ] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        fs::create_dir(folder.path().join("n3.jsonl")).unwrap();
        let [n1, n2] = ["n1.jsonl", "n2.jsonl"].map(|name| folder.path().join(name));
        assert_eq!(logs_in(folder.path()).unwrap(), [n1.clone(), n2.clone()]);
        assert_eq!(LogFiles::new(n1).rotations().unwrap(), [0, 1, 2, 12]);
        assert_eq!(LogFiles::new(n2.clone()).rotations().unwrap(), [3]);
        assert_eq!(newest_of(&folder.path().join("n2.jsonl.3")), Some(n2));
        assert_eq!(newest_of(Path::new("n2.jsonl")), None);
    }
}
