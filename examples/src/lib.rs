//! Programs that embed the chat; each is a file beside this package's manifest.
//!
//! `cargo run -p chat-examples --example embed` runs one, `cargo test -p chat-examples --examples`
//! runs them all.

/// The programs of the front page, run as doc tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod front_page {}
