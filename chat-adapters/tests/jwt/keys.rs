//! Keys that can be used, and those that cannot.

use chat_adapters::jwt::{JwtAlgorithm, JwtKey, JwtKeyError, JwtVerifier};

use crate::fixture::{P256_1_PUBLIC, RSA_1_PUBLIC, SECRET, rules, verifier};

#[test]
fn a_key_that_is_unfit_or_too_short_is_refused() {
    use JwtAlgorithm::{Es256, Hs256, Rs256};
    let short_rsa = include_bytes!("keys/rsa-short.pub.pem");
    let other_curve = include_bytes!("keys/p384.pub.pem");
    let too_short = [
        (JwtKey::hs256(&[7; 31]), Hs256),
        (JwtKey::rs256_pem(short_rsa), Rs256),
    ];
    for (key, algorithm) in too_short {
        assert!(
            matches!(key, Err(JwtKeyError::TooShort(of)) if of == algorithm),
            "{key:?}"
        );
    }
    let unfit = [
        (JwtKey::hs256(b""), Hs256),
        (JwtKey::hs256(RSA_1_PUBLIC), Hs256),
        (JwtKey::rs256_pem(P256_1_PUBLIC), Rs256),
        (JwtKey::rs256_pem(SECRET), Rs256),
        (JwtKey::es256_pem(RSA_1_PUBLIC), Es256),
        (JwtKey::es256_pem(other_curve), Es256),
    ];
    for (key, algorithm) in unfit {
        assert!(
            matches!(key, Err(JwtKeyError::Unfit(of)) if of == algorithm),
            "{key:?}"
        );
    }
}

#[test]
fn keys_that_cannot_be_told_apart_are_refused_and_so_are_none_and_too_many() {
    let secret = || JwtKey::hs256(SECRET).unwrap();
    let public = || JwtKey::rs256_pem(RSA_1_PUBLIC).unwrap();
    let refused = |keys| JwtVerifier::new(keys, rules()).unwrap_err();
    assert!(matches!(refused(vec![]), JwtKeyError::NoKey));
    for keys in [
        vec![secret(), secret()],
        vec![secret().with_id("a"), public().with_id("a")],
    ] {
        assert!(matches!(refused(keys), JwtKeyError::Ambiguous));
    }
    let many = (0..101).map(|number| secret().with_id(number.to_string()));
    assert!(matches!(refused(many.collect()), JwtKeyError::TooManyKeys));
    JwtVerifier::new(vec![secret(), public(), secret().with_id("a")], rules()).unwrap();
}

#[test]
fn no_key_shows_in_debug() {
    let shown = format!("{:?}", verifier());
    assert!(shown.contains("Hs256") && shown.contains("\"rs\""), "{shown}");
    for secret in ["a secret", "97, 32, 115", "BEGIN"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
