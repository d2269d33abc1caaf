//! Tokens that are taken.

use std::time::Duration;

use chat_adapters::jwt::{JwtIdentity, JwtKey, JwtRules, JwtVerifier, UserClaim};
use chat_core::types::{UserId, UserName};
use serde_json::{Value, json};

use crate::fixture::{P256_1, RSA_1, SECRET, claims, es256, hs256, now, rs256, rules, verifier};

fn named(name: &str) -> JwtIdentity {
    JwtIdentity::Name(UserName::parse(name).unwrap())
}

/// The rules of a verifier that has one secret.
fn with_rules(rules: JwtRules) -> JwtVerifier {
    JwtVerifier::new(vec![JwtKey::hs256(SECRET).unwrap()], rules).unwrap()
}

fn signed(change: &Value) -> String {
    hs256(SECRET).sign(None, &claims(change))
}

#[test]
fn a_token_of_each_algorithm_names_its_user_and_its_end() {
    let end = now() + 600;
    let claims = claims(&json!({"exp": end}));
    let tokens = [
        hs256(SECRET).sign(Some("hs"), &claims),
        rs256(RSA_1).sign(Some("rs"), &claims),
        es256(P256_1).sign(Some("es"), &claims),
    ];
    for token in tokens {
        let verified = verifier().verify(&token).unwrap();
        assert_eq!(verified.identity, named("alice"));
        assert_eq!(verified.expires_at.as_millis(), end * 1_000);
    }
}

#[test]
fn a_token_without_an_id_of_a_key_is_verified_by_the_only_key_of_its_algorithm() {
    for signer in [hs256(SECRET), rs256(RSA_1), es256(P256_1)] {
        verifier()
            .verify(&signer.sign(None, &claims(&json!({}))))
            .unwrap();
    }
}

#[test]
fn an_id_that_only_the_issuer_uses_does_not_matter_where_the_key_has_none() {
    let token = hs256(SECRET).sign(Some("of the issuer"), &claims(&json!({})));
    with_rules(rules()).verify(&token).unwrap();
}

#[test]
fn one_of_several_audiences_and_issuers_is_enough() {
    let rules = JwtRules {
        audiences: vec!["chat".to_owned(), "chat-2".to_owned()],
        issuers: vec!["login".to_owned(), "login-2".to_owned()],
        ..rules()
    };
    let token = signed(&json!({"aud": ["shop", "chat-2"], "iss": "login-2"}));
    with_rules(rules).verify(&token).unwrap();
}

#[test]
fn clocks_may_differ_by_the_leeway() {
    let rules = |leeway| JwtRules {
        leeway: Duration::from_secs(leeway),
        ..rules()
    };
    for change in [json!({"exp": now() - 60}), json!({"nbf": now() + 60})] {
        let token = signed(&change);
        with_rules(rules(300)).verify(&token).unwrap();
        with_rules(rules(5)).verify(&token).unwrap_err();
    }
}

#[test]
fn the_claim_that_names_the_user_is_the_applications_choice() {
    let by = |user| with_rules(JwtRules { user, ..rules() });
    let by_mail = by(UserClaim::Name("email".to_owned()));
    let token = signed(&json!({"email": "alice@example.org"}));
    let verified = by_mail.verify(&token).unwrap();
    assert_eq!(verified.identity, named("alice@example.org"));

    let by_id = by(UserClaim::Id("chat_id".to_owned()));
    for id in [json!(7), json!("7")] {
        let verified = by_id.verify(&signed(&json!({"chat_id": id}))).unwrap();
        assert_eq!(verified.identity, JwtIdentity::Id(UserId::new(7).unwrap()));
    }
}
