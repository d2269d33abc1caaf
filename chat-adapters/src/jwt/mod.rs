//! The application's own login by JSON Web Tokens: who a token speaks for, so that a session can begin without a
//! password in the chat.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use chat_adapters::jwt::{JwtKey, JwtRules, JwtVerifier};
//! use chat_core::{Chat, memory};
//!
//! let key = JwtKey::hs256(b"a secret that the login service shares")?;
//! let rules = JwtRules { audiences: vec!["chat".to_owned()], ..JwtRules::default() };
//! let verifier = JwtVerifier::new(vec![key], rules)?;
//!
//! let chat = Chat::builder(memory::backends()).start();
//! let refused = verifier.sign_in(&chat, "no token").await.unwrap_err();
//! assert_eq!(refused.code(), chat_core::ErrorCode::InvalidCredentials);
//! # chat.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! With the id that [`sign_in`](JwtVerifier::sign_in) answers, `Chat::session` begins a session and `Chat::accept_as` a
//! connection. Keys can also come from a [file](JwtVerifier::open), a JSON Web Key Set, and change while they are used.
//!
//! What is checked, always: the signature, by a key that is made for one algorithm and used for no other (so neither
//! `none` nor a public key taken for a secret gets through); `exp`, which must be there, and `nbf`; `aud` and `iss` as
//! the [rules](JwtRules) say. The time is that of the system. A token is valid until it ends: there is no revocation,
//! so let them end soon.

mod error;
mod jwks;
mod key;
mod key_set;
mod rules;
mod verifier;

pub use error::{JwtError, JwtKeyError};
pub use key::{JwtAlgorithm, JwtKey};
pub use rules::{JwtIdentity, JwtRules, UserClaim};
pub use verifier::{JwtVerifier, Verified};
