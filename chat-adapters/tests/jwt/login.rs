//! From a token to a session.

use chat_adapters::jwt::{JwtKey, JwtRules, JwtVerifier, UserClaim};
use chat_core::{Chat, ErrorCode, SessionOptions, memory};
use serde_json::json;

use crate::fixture::{SECRET, claims, hs256, rules, verifier};

#[tokio::test]
async fn a_token_begins_a_session_of_its_user_who_is_made_where_need_be() {
    let chat = Chat::builder(memory::backends()).start();
    let token = hs256(SECRET).sign(Some("hs"), &claims(&json!({"sub": "alice"})));
    let id = verifier().sign_in(&chat, &token).await.unwrap();
    let session = chat.session(id, SessionOptions::default()).await.unwrap();
    assert_eq!(session.user().name.as_str(), "alice");
    assert_eq!(verifier().sign_in(&chat, &token).await.unwrap(), id);
    drop(session);
    chat.shutdown().await;
}

#[tokio::test]
async fn an_id_of_nobody_begins_no_session() {
    let chat = Chat::builder(memory::backends()).start();
    let user = UserClaim::Id("sub".to_owned());
    let verifier =
        JwtVerifier::new(vec![JwtKey::hs256(SECRET).unwrap()], JwtRules { user, ..rules() }).unwrap();
    let token = hs256(SECRET).sign(None, &claims(&json!({"sub": 77})));
    let id = verifier.sign_in(&chat, &token).await.unwrap();
    let refused = chat
        .session(id, SessionOptions::default())
        .await
        .map(|_| ())
        .unwrap_err();
    assert_eq!(refused.code(), ErrorCode::NotFound);
    chat.shutdown().await;
}

#[tokio::test]
async fn users_learn_nothing_of_why_a_token_is_refused_and_nobody_is_made() {
    let chat = Chat::builder(memory::backends()).start();
    let secret = hs256(b"another secret of thirty-two bytes");
    let tokens = [
        secret.sign(Some("hs"), &claims(&json!({}))),
        hs256(SECRET).sign(Some("hs"), &claims(&json!({"exp": 1}))),
        "no token".to_owned(),
    ];
    for token in tokens {
        let refused = verifier().sign_in(&chat, &token).await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::InvalidCredentials);
        assert_eq!(refused.message(), "the token is not valid");
    }
    let first = chat.ensure_user("bob".parse().unwrap()).await.unwrap();
    assert_eq!(first.id.get(), 1);
    chat.shutdown().await;
}
