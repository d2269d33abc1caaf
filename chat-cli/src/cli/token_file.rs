//! The file in which `login` keeps its token.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use chat_core::Timestamp;
use chat_core::protocol::Welcome;
use chat_core::types::{Token, User};
use serde::{Deserialize, Serialize};

use super::failure::Failure;

/// A stored login.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StoredLogin {
    /// The server that gave the token; it is shown to no other.
    pub(crate) server: String,
    pub(crate) user: User,
    pub(crate) token: Token,
    pub(crate) token_expires_at: Option<Timestamp>,
}

impl StoredLogin {
    /// What a login gave; `None` where the server gave no token.
    pub(crate) fn new(server: &str, welcome: &Welcome) -> Option<Self> {
        Some(Self {
            server: server.to_owned(),
            user: welcome.user.clone(),
            token: welcome.token.clone()?,
            token_expires_at: welcome.token_expires_at,
        })
    }

    /// Reads the file; `None` where there is none, or where it is another server's.
    pub(crate) fn read(path: &Path, server: &str) -> Result<Option<Self>, Failure> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(broken(path, &error.to_string())),
        };
        refuse_if_others_can_read(path)?;
        let stored: Self = serde_json::from_str(&text).map_err(|_| broken(path, "it holds no login"))?;
        Ok((stored.server == server).then_some(stored))
    }

    /// Writes the file anew, readable by its owner only, whole or not at all.
    pub(crate) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let directory = path.parent().unwrap_or(Path::new("."));
        create_private_directory(directory)
            .with_context(|| format!("cannot make the directory {}", directory.display()))?;
        let mut unfinished = path.as_os_str().to_owned();
        unfinished.push(format!(".{}", std::process::id()));
        let unfinished = PathBuf::from(unfinished);
        let written = write_private(&unfinished, &serde_json::to_vec(self)?)
            .and_then(|()| fs::rename(&unfinished, path));
        written.with_context(|| format!("cannot write the token file {}", path.display()))
    }

    /// Removes the file; that there is none is fine.
    pub(crate) fn remove(path: &Path) -> anyhow::Result<()> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove the token file {}", path.display()))
            }
            _ => Ok(()),
        }
    }
}

fn broken(path: &Path, why: &str) -> Failure {
    Failure::Usage(format!(
        "the token file {} cannot be used ({why}); remove it and log in again with `chat login`",
        path.display()
    ))
}

/// The default place of a server's token.
pub(crate) fn default_path(server: &str) -> Result<PathBuf, Failure> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    let server: String = server
        .chars()
        .map(|c| if is_plain(c) { c } else { '_' })
        .collect();
    let directory = directory("XDG_CONFIG_HOME", ".config").ok_or_else(|| {
        Failure::Usage(
            "neither HOME nor XDG_CONFIG_HOME is set; say with --token-file where the token is".to_owned(),
        )
    })?;
    Ok(directory.join(format!("token-{server}.json")))
}

/// The program's own directory, as the XDG Base Directory Specification places it.
pub(crate) fn directory(variable: &str, under_home: &str) -> Option<PathBuf> {
    let given = std::env::var_os(variable)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    let base = given.or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(under_home)))?;
    Some(base.join("chat"))
}

#[cfg(unix)]
fn refuse_if_others_can_read(path: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(Failure::Usage(format!(
            "the token file {path} can be used by others on this machine; run `chmod 600 {path}`, \
             or remove it and log in again with `chat login`",
            path = path.display()
        )));
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_if_others_can_read(_path: &Path) -> Result<(), Failure> {
    Ok(())
}

/// Makes a directory, and those above it, for its owner only.
pub(crate) fn create_private_directory(path: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn write_private(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(content)?;
    file.sync_all()
}
