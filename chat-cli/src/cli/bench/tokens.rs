//! The tokens of users, kept in a file from run to run, so that the next needs no passwords.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::cli::Failure;

/// Tokens by the names of their users.
#[derive(Debug, Default)]
pub(super) struct Tokens(BTreeMap<String, String>);

impl Tokens {
    /// Reads the file, which need not be there.
    pub(super) fn read(file: &Path) -> Result<Self, Failure> {
        let unusable = |why: String| {
            let file = file.display();
            Failure::Usage(format!(
                "the file of tokens {file} cannot be used ({why}); remove it"
            ))
        };
        match fs::read_to_string(file) {
            Ok(text) => serde_json::from_str(&text)
                .map(Self)
                .map_err(|error| unusable(error.to_string())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(unusable(error.to_string())),
        }
    }

    /// Writes the file, readable by its owner only.
    pub(super) fn write(&self, file: &Path) -> anyhow::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        Ok(options.open(file)?.write_all(&serde_json::to_vec(&self.0)?)?)
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(super) fn keep(&mut self, name: &str, token: &str) {
        self.0.insert(name.to_owned(), token.to_owned());
    }

    /// Forgets all of them, as a server does that is a new one.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
