//! Keys, tokens and rules.

use chat_adapters::jwt::{JwtError, JwtKey, JwtRules, JwtVerifier};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

pub(crate) const SECRET: &[u8] = b"a secret of thirty-two bytes or more";
pub(crate) const RSA_1: &[u8] = include_bytes!("keys/rsa-1.pem");
pub(crate) const RSA_1_PUBLIC: &[u8] = include_bytes!("keys/rsa-1.pub.pem");
pub(crate) const RSA_2: &[u8] = include_bytes!("keys/rsa-2.pem");
pub(crate) const P256_1: &[u8] = include_bytes!("keys/p256-1.pem");
pub(crate) const P256_1_PUBLIC: &[u8] = include_bytes!("keys/p256-1.pub.pem");
pub(crate) const P256_2: &[u8] = include_bytes!("keys/p256-2.pem");

pub(crate) fn now() -> u64 {
    jsonwebtoken::get_current_timestamp()
}

/// What a token says that is taken: `change` is laid over it, and null takes a claim out.
pub(crate) fn claims(change: &Value) -> Value {
    let mut claims = json!({"sub": "alice", "aud": "chat", "iss": "login", "exp": now() + 600});
    for (name, value) in change.as_object().unwrap() {
        match value {
            Value::Null => claims.as_object_mut().unwrap().remove(name),
            value => claims
                .as_object_mut()
                .unwrap()
                .insert(name.clone(), value.clone()),
        };
    }
    claims
}

/// Who signs, and how.
#[derive(Clone)]
pub(crate) struct Signer {
    algorithm: Algorithm,
    key: EncodingKey,
}

pub(crate) fn hs256(secret: &[u8]) -> Signer {
    Signer {
        algorithm: Algorithm::HS256,
        key: EncodingKey::from_secret(secret).unwrap(),
    }
}

pub(crate) fn rs256(pem: &[u8]) -> Signer {
    Signer {
        algorithm: Algorithm::RS256,
        key: EncodingKey::from_rsa_pem(pem).unwrap(),
    }
}

pub(crate) fn es256(pem: &[u8]) -> Signer {
    Signer {
        algorithm: Algorithm::ES256,
        key: EncodingKey::from_ec_pem(pem).unwrap(),
    }
}

impl Signer {
    pub(crate) fn sign(&self, kid: Option<&str>, claims: &Value) -> String {
        let header = Header {
            kid: kid.map(str::to_owned),
            ..Header::new(self.algorithm)
        };
        encode(&header, claims, &self.key).unwrap()
    }

    /// The same key signs by another algorithm of its kind.
    pub(crate) fn by(self, algorithm: Algorithm) -> Self {
        Self { algorithm, ..self }
    }

    /// Its key as a set has it, with this id.
    pub(crate) fn jwk(&self, kid: &str) -> Value {
        let mut jwk =
            serde_json::to_value(Jwk::from_encoding_key(&self.key, self.algorithm).unwrap()).unwrap();
        jwk["kid"] = kid.into();
        jwk
    }
}

pub(crate) fn rules() -> JwtRules {
    JwtRules {
        audiences: vec!["chat".to_owned()],
        issuers: vec!["login".to_owned()],
        ..JwtRules::default()
    }
}

/// Verifies by a secret, an RSA key and a key on P-256, each with an id.
pub(crate) fn verifier() -> JwtVerifier {
    let keys = vec![
        JwtKey::hs256(SECRET).unwrap().with_id("hs"),
        JwtKey::rs256_pem(RSA_1_PUBLIC).unwrap().with_id("rs"),
        JwtKey::es256_pem(P256_1_PUBLIC).unwrap().with_id("es"),
    ];
    JwtVerifier::new(keys, rules()).unwrap()
}

/// Why a token with these changes, signed as it should be, is refused.
pub(crate) fn refusal(change: &Value) -> JwtError {
    let token = hs256(SECRET).sign(Some("hs"), &claims(change));
    verifier().verify(&token).unwrap_err()
}
