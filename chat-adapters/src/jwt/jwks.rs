//! Keys in a file: a JSON Web Key Set (RFC 7517).

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use jsonwebtoken::jwk::JwkSet;

use super::key_set::KeySet;
use super::{JwtKey, JwtKeyError};

/// Larger files are no sets of keys.
pub(super) const MAX_FILE: u64 = 1 << 20;

pub(super) async fn read(path: &Path) -> Result<KeySet, JwtKeyError> {
    let path = path.to_owned();
    let text = tokio::task::spawn_blocking(move || read_bounded(&path)).await;
    // The task fails only where the runtime ends.
    let text = text.map_err(|error| JwtKeyError::Unreadable(io::Error::other(error)))?;
    let text = text.map_err(JwtKeyError::Unreadable)?;
    if text.len() as u64 > MAX_FILE {
        return Err(JwtKeyError::TooLarge);
    }
    parse(&text)
}

/// At most one byte more than a file may have.
fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut text)?;
    Ok(text)
}

fn parse(text: &[u8]) -> Result<KeySet, JwtKeyError> {
    // What the parser says might quote a secret.
    let set: JwkSet = serde_json::from_slice(text).map_err(|_| JwtKeyError::NotAKeySet)?;
    let keys = set.keys.iter().map(JwtKey::from_jwk);
    let keys: Vec<_> = keys.filter_map(Result::transpose).collect::<Result<_, _>>()?;
    KeySet::new(keys)
}
