//! Keys in a file, which change while they are used.

use std::path::Path;
use std::time::Duration;

use chat_adapters::jwt::{JwtError, JwtKeyError, JwtVerifier};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

use crate::fixture::{P256_1, P256_2, RSA_1, RSA_2, SECRET, Signer, claims, es256, hs256, rs256, rules};

/// Longer than anything in a test may take; it passes in paused time.
const LONG: Duration = Duration::from_secs(600);

fn write(path: &Path, keys: &[Value]) {
    let set = json!({"keys": keys}).to_string();
    std::fs::write(path, set).unwrap();
}

fn token(signer: &Signer, kid: &str) -> String {
    signer.sign(Some(kid), &claims(&json!({})))
}

/// A file of keys, and the verifier that has read it.
async fn opened(keys: &[Value]) -> (TempDir, std::path::PathBuf, JwtVerifier) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jwks.json");
    write(&path, keys);
    let verifier = JwtVerifier::open(&path, rules()).await.unwrap();
    (folder, path, verifier)
}

#[tokio::test]
async fn the_keys_of_a_file_verify_tokens_of_each_algorithm() {
    let signers = [hs256(SECRET), rs256(RSA_1), es256(P256_1)];
    let jwks: Vec<_> = (0..)
        .zip(&signers)
        .map(|(number, signer)| signer.jwk(&format!("{number}")))
        .collect();
    let (_folder, _, verifier) = opened(&jwks).await;
    for (number, signer) in (0..).zip(&signers) {
        verifier.verify(&token(signer, &format!("{number}"))).unwrap();
    }
}

#[tokio::test]
async fn a_key_that_was_added_is_taken_and_one_that_was_removed_is_not() {
    let (old, new) = (rs256(RSA_1), rs256(RSA_2));
    let (_folder, path, verifier) = opened(&[old.jwk("old")]).await;
    assert_eq!(verifier.verify(&token(&new, "new")), Err(JwtError::UnknownKey));

    write(&path, &[old.jwk("old"), new.jwk("new")]);
    verifier.reload().await.unwrap();
    verifier.verify(&token(&old, "old")).unwrap();
    verifier.verify(&token(&new, "new")).unwrap();

    write(&path, &[new.jwk("new")]);
    verifier.reload().await.unwrap();
    assert_eq!(verifier.verify(&token(&old, "old")), Err(JwtError::UnknownKey));
    verifier.verify(&token(&new, "new")).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_file_that_changes_is_read_again_while_it_is_watched_and_rubbish_leaves_the_keys() {
    let (old, new) = (es256(P256_1), es256(P256_2));
    let (_folder, path, verifier) = opened(&[old.jwk("old")]).await;
    let rotate = async {
        std::fs::write(&path, "{").unwrap();
        sleep(Duration::from_secs(30)).await;
        verifier.verify(&token(&old, "old")).unwrap();
        write(&path, &[new.jwk("new")]);
        while verifier.verify(&token(&new, "new")).is_err() {
            sleep(Duration::from_secs(1)).await;
        }
        assert_eq!(verifier.verify(&token(&old, "old")), Err(JwtError::UnknownKey));
    };
    tokio::select! {
        () = verifier.watch(Duration::from_secs(5)) => unreachable!("it goes on for ever"),
        rotated = timeout(LONG, rotate) => rotated.unwrap(),
    }
}

#[tokio::test]
async fn keys_for_something_else_are_passed_over() {
    let mut for_encryption = rs256(RSA_2).jwk("encryption");
    for_encryption["use"] = "enc".into();
    let mut for_another_algorithm = rs256(RSA_2).jwk("rs512");
    for_another_algorithm["alg"] = "RS512".into();
    let of_another_type =
        json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    let unknown = json!({"kty": "future", "value": 7});
    let others = [for_encryption, for_another_algorithm, of_another_type, unknown];
    let mut keys = others.to_vec();
    keys.push(rs256(RSA_1).jwk("rs"));
    let (_folder, path, verifier) = opened(&keys).await;
    verifier.verify(&token(&rs256(RSA_1), "rs")).unwrap();
    for kid in ["encryption", "rs512"] {
        assert_eq!(
            verifier.verify(&token(&rs256(RSA_2), kid)),
            Err(JwtError::UnknownKey)
        );
    }
    write(&path, &others);
    assert!(matches!(verifier.reload().await, Err(JwtKeyError::NoKey)));
}

#[tokio::test]
async fn a_file_that_is_missing_too_large_or_no_set_is_refused_without_a_word_of_it() {
    let (_folder, path, verifier) = opened(&[hs256(SECRET).jwk("hs")]).await;
    for text in ["", "[]", r#"{"keys": 7, "k": "a-secret"}"#] {
        std::fs::write(&path, text).unwrap();
        let error = verifier.reload().await.unwrap_err();
        assert!(matches!(error, JwtKeyError::NotAKeySet), "{error:?}");
        assert!(!format!("{error:?} {}", chat_core::chain(&error)).contains("a-secret"));
    }
    std::fs::write(&path, " ".repeat((1 << 20) + 1)).unwrap();
    assert!(matches!(verifier.reload().await, Err(JwtKeyError::TooLarge)));
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(verifier.reload().await, Err(JwtKeyError::Unreadable(_))));
    verifier.verify(&token(&hs256(SECRET), "hs")).unwrap();
    assert!(matches!(
        crate::fixture::verifier().reload().await,
        Err(JwtKeyError::NoFile)
    ));
}
