//! How long it takes from asking for the page of the web client until one can type, in headless Chromium.
//!
//! The browser measures, from the beginning of its navigation to the mark `ready`, which the page sets when it gives the
//! focus to what one types into.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench fails by panicking, and prints what it measured"
)]

#[path = "../tests/web/browser.rs"]
#[allow(dead_code, reason = "the web client's own tests use the rest")]
mod browser;
#[path = "../tests/web/page.rs"]
#[allow(dead_code, reason = "the web client's own tests use the rest")]
mod page;
#[path = "../tests/support/mod.rs"]
mod support;

use chat_test_services::{ChromeDriver, eventually};

use browser::Browser;
use support::Server;

/// How often each kind of visit is made.
const VISITS: usize = 11;
/// The time that a visit may take, for which the page is made.
const TARGET_MS: f64 = 1_000.0;
/// When one could type, in milliseconds; null where one cannot yet.
const READY: &str = "return performance.getEntriesByName('ready')[0]?.startTime ?? null";

fn main() {
    let driver = ChromeDriver::start().unwrap_or_else(|error| panic!("{error}"));
    let server = Server::start(&["--store", "memory:", "--http", "127.0.0.1:0"]);
    let url = format!("http://{}/", server.http());
    // Each is a browser that was never there.
    let first = (0..VISITS).map(|visit| {
        let browser = Browser::start(&driver, &format!("visitor-{visit}"));
        browser.go_to(&url);
        ready(&browser)
    });
    report("first visit, until the name can be typed", first.collect());

    let browser = Browser::start(&driver, "alice");
    browser.register(&url, "alice");
    browser.open_notes();
    let next = (0..VISITS).map(|_| {
        browser.reload();
        ready(&browser)
    });
    report(
        "next visit, logged in, until a message can be typed",
        next.collect(),
    );
}

fn ready(browser: &Browser) -> f64 {
    eventually("the page to be ready", || browser.evaluate(READY).as_f64())
        .unwrap_or_else(|error| panic!("{error}"))
}

fn report(what: &str, mut times: Vec<f64>) {
    times.sort_by(f64::total_cmp);
    let (least, most) = (times.first().unwrap(), times.last().unwrap());
    let median = times.get(times.len() / 2).unwrap();
    let met = if *median <= TARGET_MS { "yes" } else { "no" };
    println!("{what}: {median:.0} ms ({least:.0}–{most:.0}), target ≤ {TARGET_MS:.0} ms, met: {met}");
}
