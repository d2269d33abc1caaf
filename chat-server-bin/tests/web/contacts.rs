//! Friends and names, in one tab and in all.

use libtest_mimic::Trial;
use serde_json::json;

use super::browser::Browser;
use super::page::ENTER;
use super::scene::{Scene, alice_and_bob, phone_of};
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
        test(
            "a_group_that_was_joined_elsewhere_comes_with_its_first_message",
            a_group_that_was_joined_elsewhere_comes_with_its_first_message,
        ),
        test(
            "the_members_of_a_large_group_come_page_by_page",
            the_members_of_a_large_group_come_page_by_page,
        ),
        test(
            "a_conversation_of_others_says_why_nothing_is_shown",
            a_conversation_of_others_says_why_nothing_is_shown,
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

fn a_group_that_was_joined_elsewhere_comes_with_its_first_message() {
    let (scene, alice, mut bob) = alice_and_bob();
    bob.request(&json!({"type": "create_group", "ref": 1, "name": "Rust"}));
    let joined = phone_of(&scene, "alice").request(&json!({"type": "join_group", "ref": 1, "group": 1}));
    assert_ne!(joined["type"], "error", "{joined}");
    bob.request(&json!({"type": "send", "ref": 2, "to": {"group": 1}, "body": "hello"}));
    alice.wait_for_entry("conversations", "Rust", "Unread: 1");
    alice.wait_until(GROUPS, &json!(["Rust"]));
}

fn the_members_of_a_large_group_come_page_by_page() {
    // A frame has no room for all of these names.
    let scene = Scene::start_with(&["--store", "memory:", "--limits-max-frame", "1024"]);
    let alice = Browser::start(&scene.driver, "alice");
    alice.register(&scene.url(), "alice");
    alice.click("#new-group");
    alice.fill("#dialog [name=name]", "Rust");
    alice.press(ENTER);
    alice.wait_for_text("#title", "Rust");
    let mut names = vec!["alice".to_owned()];
    for letter in '\u{20000}'..='\u{20004}' {
        let name = letter.to_string().repeat(50);
        let mut member = scene.connect();
        member.begin_as(&name);
        let joined = member.request(&json!({"type": "join_group", "ref": 1, "group": 1}));
        assert_ne!(joined["type"], "error", "{joined}");
        names.push(name);
    }
    alice.click("#members");
    let (more, more_is_there) = (
        "#dialog ul ~ button",
        "return !document.querySelector('#dialog ul ~ button').hidden",
    );
    alice.wait_for_text(more, "Show more");
    let mut pages = 1;
    while alice.evaluate(more_is_there) == json!(true) && pages < names.len() {
        let before = alice.evaluate("return document.querySelectorAll('#dialog li').length");
        alice.click(more);
        let has_grown = format!("return document.querySelectorAll('#dialog li').length > {before}");
        alice.wait_until(&has_grown, &json!(true));
        pages += 1;
    }
    let shown = "return [...document.querySelectorAll('#dialog li .title')].map((name) => name.textContent)";
    assert_eq!(alice.evaluate(shown), json!(names));
    assert_eq!(alice.evaluate(more_is_there), json!(false));
}

fn a_conversation_of_others_says_why_nothing_is_shown() {
    let (scene, alice, mut bob) = alice_and_bob();
    bob.request(&json!({"type": "create_group", "ref": 1, "name": "Rust"}));
    alice.go_to(&format!("{}#g:1", scene.url()));
    let why = "return document.getElementById('history-state').textContent \
        .startsWith('The messages cannot be read: not allowed')";
    alice.wait_until(why, &json!(true));
}
