//! What keeps people out of a page, as axe-core finds it: contrast, names, roles, order.

use chat_test_services::{Service, axe_script, trial};
use libtest_mimic::Trial;
use serde_json::json;

use super::browser::Browser;
use super::emulation::Colours;
use super::page::ENTER;
use super::scene::Scene;

pub(crate) fn trials() -> Vec<Trial> {
    vec![trial(
        "axe_finds_no_barrier_in_light_and_in_dark",
        &[Service::Chromium, Service::Axe],
        || {
            axe_finds_no_barrier_in_light_and_in_dark();
            Ok(())
        },
    )]
}

/// A browser whose pages are looked over.
struct Examined {
    browser: Browser,
    script: String,
}

fn axe_finds_no_barrier_in_light_and_in_dark() {
    let scene = Scene::start();
    let alice = Examined {
        browser: Browser::start(&scene.driver, "alice"),
        script: axe_script().unwrap(),
    };
    let browser = &alice.browser;
    browser.go_to(&scene.url());
    browser.wait_for_text("#login h2", "Log in or register");
    alice.has_no_barrier("the entrance");

    browser.register(&scene.url(), "alice");
    let mut bob = scene.connect();
    bob.begin_as("bob");
    assert_eq!(
        bob.request(&json!({"type": "add_friend", "ref": 1, "user": 1}))["type"],
        "friend_added"
    );
    let send = json!({"type": "send", "ref": 2, "to": {"user": 1}, "body": "hello", "data": {"a": 1}});
    assert_eq!(bob.request(&send)["type"], "sent");
    browser.wait_for_entry("friends", "bob", "online");
    browser.wait_for_entry("conversations", "bob", "Unread: 1");
    alice.has_no_barrier("the lists");

    browser.click("#conversations button");
    browser.wait_for_messages(&["hello"]);
    browser.write("hello, bob");
    browser.wait_for_messages(&["hello", "hello, bob"]);
    alice.has_no_barrier("a conversation");

    browser.click("#new-group");
    browser.fill("#dialog [name=name]", "Rust");
    alice.has_no_barrier("a question");
    browser.press(ENTER);
    browser.wait_for_text("#title", "Rust");
    browser.click("#members");
    browser.wait_for_text("#dialog li .title", "alice");
    alice.has_no_barrier("the members");
    browser.click("#dialog .buttons button");

    browser.show_on(360, 640);
    alice.has_no_barrier("a conversation on a telephone");
    browser.click("#back");
    alice.has_no_barrier("the lists on a telephone");
}

impl Examined {
    /// The page as it is has no barrier, in neither colours.
    fn has_no_barrier(&self, what: &str) {
        for colours in [Colours::Light, Colours::Dark] {
            self.browser.prefer(colours);
            let found = self.browser.evaluate(&format!(
                "{}; return axe.run(document).then(({{ violations, passes }}) => ({{ \
                   violations: violations.map(({{ id, impact, nodes }}) => \
                     [impact, id, nodes.map((node) => node.html)]), \
                   passes: passes.length }}))",
                self.script
            ));
            assert_eq!(found["violations"], json!([]), "{what}, {colours:?}");
            // It has looked: a page without anything would pass as well.
            assert!(found["passes"].as_u64() > Some(10), "{what}: {found}");
        }
    }
}
