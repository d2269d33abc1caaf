//! One key, which is made for one algorithm.

use std::fmt;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};

use super::JwtKeyError;

/// As many bytes as the hash of HS256 has: a shorter secret is weaker than the algorithm (RFC 7518, 3.2).
const SHORTEST_SECRET: usize = 32;
/// 2,048 bits (RFC 7518, 3.3).
const SHORTEST_MODULUS: usize = 256;
/// Such a modulus with an exponent of one byte, and the marks of DER.
const SHORTEST_RSA_DER: usize = SHORTEST_MODULUS + 12;

/// How a token is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JwtAlgorithm {
    /// By a secret that both sides have.
    Hs256,
    /// By an RSA key.
    Rs256,
    /// By a key on the curve P-256.
    Es256,
}

impl JwtAlgorithm {
    pub(super) const fn of_crate(self) -> Algorithm {
        match self {
            Self::Hs256 => Algorithm::HS256,
            Self::Rs256 => Algorithm::RS256,
            Self::Es256 => Algorithm::ES256,
        }
    }
}

impl fmt::Display for JwtAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hs256 => "HS256",
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        })
    }
}

/// A key that verifies tokens of one algorithm. `Debug` shows its id and algorithm, and nothing of the key itself.
#[derive(Clone)]
pub struct JwtKey {
    pub(super) id: Option<String>,
    pub(super) algorithm: JwtAlgorithm,
    pub(super) key: DecodingKey,
}

impl fmt::Debug for JwtKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtKey")
            .field("id", &self.id)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

impl JwtKey {
    /// A secret for HS256, of 32 bytes at least.
    ///
    /// # Errors
    /// [`JwtKeyError::TooShort`], and [`JwtKeyError::Unfit`] for a key in PEM: what is public is no secret.
    pub fn hs256(secret: &[u8]) -> Result<Self, JwtKeyError> {
        let algorithm = JwtAlgorithm::Hs256;
        if secret.trim_ascii_start().starts_with(b"-----BEGIN ") {
            return Err(JwtKeyError::Unfit(algorithm));
        }
        Self::checked(algorithm, DecodingKey::from_secret(secret))
    }

    /// A public RSA key in PEM, of 2,048 bits at least.
    ///
    /// # Errors
    /// [`JwtKeyError::Unfit`] for anything else.
    pub fn rs256_pem(pem: &[u8]) -> Result<Self, JwtKeyError> {
        Self::checked(JwtAlgorithm::Rs256, DecodingKey::from_rsa_pem(pem))
    }

    /// A public key on the curve P-256 in PEM.
    ///
    /// # Errors
    /// [`JwtKeyError::Unfit`] for anything else.
    pub fn es256_pem(pem: &[u8]) -> Result<Self, JwtKeyError> {
        Self::checked(JwtAlgorithm::Es256, DecodingKey::from_ec_pem(pem))
    }

    /// Gives the key the id (`kid`) by which tokens name it.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// A key of a set; `None` for one that is for something else than tokens of these algorithms, as sets may have.
    pub(super) fn from_jwk(jwk: &Jwk) -> Result<Option<Self>, JwtKeyError> {
        let Some(algorithm) = algorithm_of(jwk).filter(|_| is_for_verifying(jwk)) else {
            return Ok(None);
        };
        let key = Self::checked(algorithm, DecodingKey::from_jwk(jwk))?;
        Ok(Some(Self {
            id: jwk.common.key_id.clone(),
            ..key
        }))
    }

    fn checked(
        algorithm: JwtAlgorithm,
        key: Result<DecodingKey, jsonwebtoken::errors::Error>,
    ) -> Result<Self, JwtKeyError> {
        let unfit = || JwtKeyError::Unfit(algorithm);
        let key = key.map_err(|_| unfit())?;
        let is_long_enough = match (algorithm, key.kind()) {
            (_, DecodingKeyKind::RsaModulusExponent { n, .. }) => n.len() >= SHORTEST_MODULUS,
            (JwtAlgorithm::Hs256, DecodingKeyKind::SecretOrDer(secret)) => secret.len() >= SHORTEST_SECRET,
            (JwtAlgorithm::Rs256, DecodingKeyKind::SecretOrDer(der)) => der.len() >= SHORTEST_RSA_DER,
            // The mark of an uncompressed point and two coordinates: any other length is another curve.
            (JwtAlgorithm::Es256, DecodingKeyKind::SecretOrDer(point)) if point.len() != 65 => {
                return Err(unfit());
            }
            (JwtAlgorithm::Es256, DecodingKeyKind::SecretOrDer(_)) => true,
        };
        if !is_long_enough {
            return Err(JwtKeyError::TooShort(algorithm));
        }
        Ok(Self {
            id: None,
            algorithm,
            key,
        })
    }
}

/// The one algorithm that a key of a set is for: the one it names, or the one that its type leaves.
fn algorithm_of(jwk: &Jwk) -> Option<JwtAlgorithm> {
    let (algorithm, name) = match &jwk.algorithm {
        AlgorithmParameters::OctetKey(_) => (JwtAlgorithm::Hs256, KeyAlgorithm::HS256),
        AlgorithmParameters::RSA(_) => (JwtAlgorithm::Rs256, KeyAlgorithm::RS256),
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            (JwtAlgorithm::Es256, KeyAlgorithm::ES256)
        }
        _ => return None,
    };
    let named = jwk.common.key_algorithm;
    named.is_none_or(|named| named == name).then_some(algorithm)
}

fn is_for_verifying(jwk: &Jwk) -> bool {
    let is_for_signatures = match &jwk.common.public_key_use {
        Some(purpose) => *purpose == PublicKeyUse::Signature,
        None => true,
    };
    let operations = jwk.common.key_operations.as_ref();
    is_for_signatures && operations.is_none_or(|operations| operations.contains(&KeyOperations::Verify))
}
