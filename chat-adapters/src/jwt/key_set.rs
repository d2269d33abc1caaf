//! Which key a token is verified by.

use jsonwebtoken::Header;

use super::{JwtError, JwtKey, JwtKeyError};

/// More keys at once are no rotation but a mistake.
pub(super) const MAX_KEYS: usize = 100;

/// Keys that can be told apart.
#[derive(Clone, Debug)]
pub(super) struct KeySet(Vec<JwtKey>);

impl KeySet {
    pub(super) fn new(keys: Vec<JwtKey>) -> Result<Self, JwtKeyError> {
        if keys.is_empty() {
            return Err(JwtKeyError::NoKey);
        }
        if keys.len() > MAX_KEYS {
            return Err(JwtKeyError::TooManyKeys);
        }
        let clash = |(place, key): (usize, &JwtKey)| {
            let mut others = keys.iter().skip(place + 1);
            others.any(|other| other.id == key.id && (key.id.is_some() || other.algorithm == key.algorithm))
        };
        if keys.iter().enumerate().any(clash) {
            return Err(JwtKeyError::Ambiguous);
        }
        Ok(Self(keys))
    }

    /// The key of a token: the one that it names; else the only one for its algorithm, of those without an id where it
    /// names one.
    pub(super) fn key_of(&self, header: &Header) -> Result<&JwtKey, JwtError> {
        let named = |key: &&JwtKey| header.kid.is_some() && key.id == header.kid;
        let key = match self.0.iter().find(named) {
            Some(key) => key,
            None => self.only_one(header)?,
        };
        if key.algorithm.of_crate() == header.alg {
            Ok(key)
        } else {
            Err(JwtError::WrongAlgorithm)
        }
    }

    fn only_one(&self, header: &Header) -> Result<&JwtKey, JwtError> {
        let possible = || {
            self.0
                .iter()
                .filter(|key| header.kid.is_none() || key.id.is_none())
        };
        let mut fitting = possible().filter(|key| key.algorithm.of_crate() == header.alg);
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Ok(key),
            (None, _) if possible().next().is_some() => Err(JwtError::WrongAlgorithm),
            _ => Err(JwtError::UnknownKey),
        }
    }
}
