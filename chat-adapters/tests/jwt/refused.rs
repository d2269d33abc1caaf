//! Tokens that are refused, and why.

use chat_adapters::jwt::{JwtError, JwtKey, JwtRules, JwtVerifier, UserClaim};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use crate::fixture::{
    P256_1, P256_2, RSA_1, RSA_1_PUBLIC, RSA_2, SECRET, claims, es256, hs256, now, refusal, rs256, rules,
    verifier,
};

fn missing(claim: &str) -> JwtError {
    JwtError::MissingClaim(claim.to_owned())
}

fn bad_user(claim: &str) -> JwtError {
    JwtError::BadUser(claim.to_owned())
}

/// A token whose parts are these, with a signature that is none.
fn unsigned(header: &Value, signature: &str) -> String {
    let encoded = hs256(SECRET).sign(None, header);
    let header = encoded.split('.').nth(1).unwrap();
    let encoded = hs256(SECRET).sign(None, &claims(&json!({})));
    let payload = encoded.split('.').nth(1).unwrap();
    format!("{header}.{payload}.{signature}")
}

#[test]
fn a_time_that_is_over_or_has_not_come() {
    assert_eq!(refusal(&json!({"exp": now() - 31})), JwtError::Expired);
    assert_eq!(refusal(&json!({"nbf": now() + 90})), JwtError::NotYetValid);
    assert_eq!(refusal(&json!({"exp": null})), missing("exp"));
    assert_eq!(refusal(&json!({"exp": "tomorrow"})), missing("exp"));
    assert_eq!(refusal(&json!({"nbf": "tomorrow"})), JwtError::Malformed);
}

#[test]
fn another_audience_or_issuer_or_none() {
    assert_eq!(refusal(&json!({"aud": "shop"})), JwtError::WrongAudience);
    assert_eq!(
        refusal(&json!({"aud": ["shop", "mail"]})),
        JwtError::WrongAudience
    );
    assert_eq!(refusal(&json!({"aud": null})), missing("aud"));
    assert_eq!(refusal(&json!({"iss": "somebody"})), JwtError::WrongIssuer);
    assert_eq!(refusal(&json!({"iss": null})), missing("iss"));
}

#[test]
fn an_audience_where_the_application_names_none() {
    let key = JwtKey::hs256(SECRET).unwrap();
    let verifier = JwtVerifier::new(vec![key], JwtRules::default()).unwrap();
    let token = |change| hs256(SECRET).sign(None, &claims(&change));
    let refused = verifier.verify(&token(json!({}))).unwrap_err();
    assert_eq!(refused, JwtError::WrongAudience);
    verifier.verify(&token(json!({"aud": null}))).unwrap();
}

#[test]
fn what_names_no_user() {
    assert_eq!(refusal(&json!({"sub": null})), missing("sub"));
    for name in [json!(""), json!(7), json!("a\u{7}"), json!("x".repeat(51))] {
        assert_eq!(refusal(&json!({"sub": name})), bad_user("sub"));
    }
    let key = JwtKey::hs256(SECRET).unwrap();
    let user = UserClaim::Id("sub".to_owned());
    let by_id = JwtVerifier::new(vec![key], JwtRules { user, ..rules() }).unwrap();
    for id in [json!(0), json!(-1), json!(1.5), json!("07"), json!(1_u64 << 53)] {
        let token = hs256(SECRET).sign(None, &claims(&json!({"sub": id})));
        assert_eq!(by_id.verify(&token), Err(bad_user("sub")));
    }
}

#[test]
fn no_signature_at_all() {
    for header in [json!({"alg": "none"}), json!({"alg": "None", "kid": "hs"})] {
        for signature in ["", "AAAA"] {
            let refused = verifier().verify(&unsigned(&header, signature)).unwrap_err();
            assert_eq!(refused, JwtError::Malformed);
        }
    }
    let header = json!({"alg": "HS256", "kid": "hs"});
    let refused = verifier().verify(&unsigned(&header, "")).unwrap_err();
    assert_eq!(refused, JwtError::BadSignature);
}

#[test]
fn a_public_key_taken_for_a_secret() {
    let text = std::str::from_utf8(RSA_1_PUBLIC).unwrap();
    let secrets = [text.to_owned(), text.trim_end().to_owned()];
    let verifier = JwtVerifier::new(vec![JwtKey::rs256_pem(RSA_1_PUBLIC).unwrap()], rules()).unwrap();
    for secret in secrets {
        for kid in [None, Some("rs")] {
            let token = hs256(secret.as_bytes()).sign(kid, &claims(&json!({})));
            assert_eq!(verifier.verify(&token), Err(JwtError::WrongAlgorithm));
            assert!(crate::fixture::verifier().verify(&token).is_err());
        }
    }
}

#[test]
fn another_algorithm_than_that_of_the_key() {
    let others = [
        (hs256(SECRET).by(Algorithm::HS512), "hs"),
        (rs256(RSA_1).by(Algorithm::RS512), "rs"),
        (rs256(RSA_1).by(Algorithm::PS256), "rs"),
        (hs256(SECRET), "rs"),
        (rs256(RSA_1), "es"),
        (es256(P256_1), "hs"),
    ];
    for (signer, kid) in others {
        let token = signer.sign(Some(kid), &claims(&json!({})));
        assert_eq!(verifier().verify(&token), Err(JwtError::WrongAlgorithm));
    }
}

#[test]
fn somebody_elses_key() {
    let others = [
        (hs256(b"another secret of thirty-two bytes"), "hs"),
        (rs256(RSA_2), "rs"),
        (es256(P256_2), "es"),
    ];
    for (signer, kid) in others {
        let token = signer.sign(Some(kid), &claims(&json!({})));
        assert_eq!(verifier().verify(&token), Err(JwtError::BadSignature));
    }
}

#[test]
fn a_key_that_nobody_knows() {
    let token = hs256(SECRET).sign(Some("other"), &claims(&json!({})));
    assert_eq!(verifier().verify(&token), Err(JwtError::UnknownKey));
}

#[test]
fn claims_that_were_changed_after_signing() {
    let token = hs256(SECRET).sign(Some("hs"), &claims(&json!({})));
    let other = hs256(SECRET).sign(Some("hs"), &claims(&json!({"sub": "bob"})));
    let (mut parts, others): (Vec<_>, Vec<_>) = (token.split('.').collect(), other.split('.').collect());
    parts[1] = others[1];
    assert_eq!(verifier().verify(&parts.join(".")), Err(JwtError::BadSignature));
}

#[test]
fn what_is_no_token() {
    for text in ["", "a.b", "a.b.c", "a.b.c.d", "no token", "é.é.é"] {
        assert_eq!(verifier().verify(text), Err(JwtError::Malformed));
    }
    let long = hs256(SECRET).sign(Some("hs"), &claims(&json!({"pad": "x".repeat(8_192)})));
    assert_eq!(verifier().verify(&long), Err(JwtError::TooLong));
}
