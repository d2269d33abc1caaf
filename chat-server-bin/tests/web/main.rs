//! The web client in headless Chromium: what users see in it, and what it does where the network, other users and other
//! tabs are unkind.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod access;
mod barriers;
mod browser;
mod chatting;
mod composing;
mod contacts;
mod emulation;
mod encrypted;
mod hostile;
mod losses;
mod page;
mod reading;
mod scene;
mod sessions;
#[path = "../support/mod.rs"]
mod support;

use std::process::ExitCode;

use chat_test_services::{Service, trial};
use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    let groups = [
        chatting::trials(),
        composing::trials(),
        contacts::trials(),
        reading::trials(),
        losses::trials(),
        sessions::trials(),
        encrypted::trials(),
        hostile::trials(),
        access::trials(),
        barriers::trials(),
    ];
    let trials = groups.into_iter().flatten().collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// A test that needs the browser.
fn test(name: &str, run: fn()) -> Trial {
    trial(name, &[Service::Chromium], move || {
        run();
        Ok(())
    })
}
