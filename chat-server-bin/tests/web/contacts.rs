//! Friends and names, in one tab and in all.

use libtest_mimic::Trial;
use serde_json::json;

use super::browser::Browser;
use super::page::ENTER;
use super::scene::{Scene, alice_and_bob};
use super::test;

const FRIENDS: &str =
    "return [...document.querySelectorAll('#friends .title')].map((title) => title.textContent)";
const GROUPS: &str =
    "return [...document.querySelectorAll('#groups .title')].map((title) => title.textContent)";

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        test(
            "a_friendship_ends_for_both_by_the_button_of_one",
            a_friendship_ends_for_both_by_the_button_of_one,
        ),
        test(
            "who_never_wrote_has_their_name_also_after_a_reload",
            who_never_wrote_has_their_name_also_after_a_reload,
        ),
        test(
            "a_friend_and_a_group_of_one_tab_are_in_the_others",
            a_friend_and_a_group_of_one_tab_are_in_the_others,
        ),
    ]
}

fn a_friendship_ends_for_both_by_the_button_of_one() {
    let (_scene, alice, mut bob) = alice_and_bob();
    assert_eq!(
        bob.request(&json!({"type": "add_friend", "ref": 1, "user": 1}))["type"],
        "friend_added"
    );
    alice.wait_until(FRIENDS, &json!(["bob"]));
    assert_eq!(
        bob.request(&json!({"type": "remove_friend", "ref": 2, "user": 1}))["type"],
        "friend_removed"
    );
    alice.wait_until(FRIENDS, &json!([]));
    // The other way round, by the buttons of a conversation.
    alice.open_chat_with("bob");
    alice.click("#befriend");
    alice.click("#dialog [type=submit]");
    alice.wait_until(FRIENDS, &json!(["bob"]));
    alice.click("#unfriend");
    alice.click("#dialog [type=submit]");
    alice.wait_until(FRIENDS, &json!([]));
    let told = std::iter::repeat_with(|| bob.frame()).find(|frame| frame["type"] == "friend_removed");
    assert_eq!(told.unwrap()["user"]["name"], "alice");
}

fn who_never_wrote_has_their_name_also_after_a_reload() {
    let (_scene, alice, _bob) = alice_and_bob();
    alice.open_chat_with("bob");
    alice.write("are you there?");
    alice.wait_for_waiting(0);
    alice.reload();
    alice.wait_for_messages(&["are you there?"]);
    alice.wait_for_text("#title", "bob");
}

fn a_friend_and_a_group_of_one_tab_are_in_the_others() {
    let scene = Scene::start();
    let alice = Browser::start(&scene.driver, "alice");
    alice.register(&scene.url(), "alice");
    let first = alice.tab();
    alice.open_tab();
    alice.go_to(&scene.url());
    alice.wait_for_state("Connected");
    let mut bob = scene.connect();
    bob.begin_as("bob");
    alice.befriend("bob");
    alice.click("#new-group");
    alice.fill("#dialog [name=name]", "Rust");
    alice.press(ENTER);
    alice.wait_for_text("#title", "Rust");
    alice.switch_to(first);
    alice.wait_until(FRIENDS, &json!(["bob"]));
    alice.wait_until(GROUPS, &json!(["Rust"]));
}
