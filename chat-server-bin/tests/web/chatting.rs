//! What users do with each other.

use fantoccini::wd::WindowHandle;
use libtest_mimic::Trial;
use serde_json::json;

use super::browser::Browser;
use super::page::{ENTER, PASSWORD};
use super::scene::{Scene, alice_and_bob, phone_of};
use super::test;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        test(
            "two_friends_chat_and_see_each_other_come_and_go",
            two_friends_chat_and_see_each_other_come_and_go,
        ),
        test(
            "a_group_chats_and_shows_its_members",
            a_group_chats_and_shows_its_members,
        ),
        test(
            "what_was_not_read_is_counted_until_it_is_opened",
            what_was_not_read_is_counted_until_it_is_opened,
        ),
        test(
            "the_tabs_of_a_browser_are_devices_of_their_own",
            the_tabs_of_a_browser_are_devices_of_their_own,
        ),
        test(
            "what_is_read_in_one_tab_is_read_in_the_others",
            what_is_read_in_one_tab_is_read_in_the_others,
        ),
        test(
            "who_logs_out_leaves_nothing_behind",
            who_logs_out_leaves_nothing_behind,
        ),
    ]
}

fn two_friends_chat_and_see_each_other_come_and_go() {
    let scene = Scene::start();
    let alice = Browser::start(&scene.driver, "alice");
    let bob = Browser::start(&scene.driver, "bob");
    bob.register(&scene.url(), "bob");
    alice.register(&scene.url(), "alice");
    alice.befriend("bob");
    alice.wait_for_entry("friends", "bob", "online");
    bob.wait_for_entry("friends", "alice", "online");

    alice.wait_for_text("#subtitle", "online");
    alice.write("hello, bob");
    bob.open_chat_with("alice");
    bob.wait_for_messages(&["hello, bob"]);
    bob.write("hi");
    for browser in [&alice, &bob] {
        browser.wait_for_messages(&["hello, bob", "hi"]);
        browser.wait_for_waiting(0);
    }
    // What the reload forgets is read again, and nobody logs in anew.
    alice.reload();
    alice.wait_for_state("Connected");
    alice.wait_for_messages(&["hello, bob", "hi"]);

    drop(bob);
    alice.wait_for_entry("friends", "bob", "offline");
    alice.wait_for_text("#subtitle", "offline");
    let _phone = phone_of(&scene, "bob");
    alice.wait_for_entry("friends", "bob", "online");
    alice.wait_for_text("#subtitle", "online");
}

fn a_group_chats_and_shows_its_members() {
    let scene = Scene::start();
    let alice = Browser::start(&scene.driver, "alice");
    let bob = Browser::start(&scene.driver, "bob");
    alice.register(&scene.url(), "alice");
    bob.register(&scene.url(), "bob");
    alice.click("#new-group");
    alice.fill("#dialog [name=name]", "Rust");
    alice.fill("#dialog [name=description]", "all about crabs");
    alice.press(ENTER);
    alice.wait_for_text("#title", "Rust");
    alice.wait_for_text("#subtitle", "Group 1, members: 1. all about crabs");
    alice.write("before bob");

    bob.click("#join-group");
    bob.fill("#dialog [name=group]", "1");
    bob.press(ENTER);
    bob.wait_for_text("#title", "Rust");
    alice.wait_for_text("#subtitle", "Group 1, members: 2. all about crabs");
    bob.write("here I am");
    for browser in [&alice, &bob] {
        browser.wait_for_messages(&["before bob", "here I am"]);
    }

    bob.click("#members");
    let names = "return [...document.querySelectorAll('#dialog li .title')].map((name) => name.textContent)";
    bob.wait_until(names, &json!(["alice", "bob"]));
    let states = "return [...document.querySelectorAll('#dialog li .note')].map((note) => note.textContent)";
    assert_eq!(bob.evaluate(states), json!(["online, creator", "online"]));
    // A member is somebody to talk to.
    bob.click("#dialog li:first-child button");
    bob.wait_for_text("#title", "alice");
    bob.click("#groups button");
    bob.wait_for_text("#title", "Rust");
    bob.click("#leave");
    bob.click("#dialog [type=submit]");
    alice.wait_for_text("#subtitle", "Group 1, members: 1. all about crabs");
    bob.wait_for_text("#nothing", "Choose a conversation, or begin a new one.");
    for list in ["groups", "conversations"] {
        let entries = format!("return document.querySelectorAll('#{list} li').length");
        bob.wait_until(&entries, &json!(0));
    }
}

fn what_was_not_read_is_counted_until_it_is_opened() {
    let (_scene, alice, mut bob) = alice_and_bob();
    for number in 1..=3 {
        let send = json!({"type": "send", "ref": number, "to": {"user": 1}, "body": format!("{number}")});
        assert_eq!(bob.request(&send)["type"], "sent");
    }
    alice.wait_for_entry("conversations", "bob", "Unread: 3");
    alice.wait_until("return document.title", &json!("(3) Chat"));
    // Arrived is not read: that survives a reload.
    alice.reload();
    alice.wait_for_entry("conversations", "bob", "Unread: 3");
    alice.click("#conversations button");
    alice.wait_for_messages(&["1", "2", "3"]);
    alice.wait_until("return document.title", &json!("Chat"));
    alice.reload();
    alice.wait_for_state("Connected");
    alice.wait_for_messages(&["1", "2", "3"]);
    alice.wait_until("return document.title", &json!("Chat"));
}

/// Alice has the page in two tabs, into the second of which she came without a password. The scene is the first, so that it ends
/// last.
fn alice_in_two_tabs() -> (Scene, Browser, [WindowHandle; 2]) {
    let scene = Scene::start();
    let alice = Browser::start(&scene.driver, "alice");
    alice.register(&scene.url(), "alice");
    let tabs = [alice.tab(), alice.open_tab()];
    alice.go_to(&scene.url());
    alice.wait_for_state("Connected");
    (scene, alice, tabs)
}

fn the_tabs_of_a_browser_are_devices_of_their_own() {
    let (scene, alice, [first, second]) = alice_in_two_tabs();
    // The second tab writes.
    alice.open_notes();
    alice.write("a note");
    alice.wait_for_messages(&["a note"]);
    let devices = "return navigator.locks.query().then(({ held }) => \
        held.map(({ name }) => name.split('-').at(-1)).sort())";
    assert_eq!(alice.evaluate(devices), json!(["1", "2"]));
    alice.switch_to(first.clone());
    alice.wait_for_state("Connected");
    alice.wait_for_entry("conversations", "Notes to myself", "a note");
    // Who logs out in one tab is out in all, whatever was being asked there.
    alice.switch_to(second.clone());
    alice.click("#new-chat");
    let asks = "return document.getElementById('dialog').open";
    alice.wait_until(asks, &json!(true));
    alice.switch_to(first.clone());
    alice.click("#logout");
    alice.wait_for_text("#login h2", "Log in or register");
    alice.switch_to(second.clone());
    alice.wait_for_text("#login h2", "Log in or register");
    alice.wait_until(asks, &json!(false));
    // And who logs in in one is in in all.
    alice.fill("#login [name=name]", "alice");
    alice.fill("#login [name=password]", PASSWORD);
    alice.click("#login [value=login]");
    alice.wait_for_state("Connected");
    alice.switch_to(first);
    alice.wait_for_state("Connected");
    // A tab that is closed leaves its device to the next one.
    alice.close_tab();
    alice.switch_to(second);
    alice.wait_until(devices, &json!(["2"]));
    alice.open_tab();
    alice.go_to(&scene.url());
    alice.wait_for_state("Connected");
    assert_eq!(alice.evaluate(devices), json!(["1", "2"]));
}

fn what_is_read_in_one_tab_is_read_in_the_others() {
    let (scene, alice, [first, second]) = alice_in_two_tabs();
    let mut bob = scene.connect();
    bob.begin_as("bob");
    let send = json!({"type": "send", "ref": 1, "to": {"user": 1}, "body": "hello"});
    assert_eq!(bob.request(&send)["type"], "sent");
    for tab in [&first, &second] {
        alice.switch_to(tab.clone());
        alice.wait_for_entry("conversations", "bob", "Unread: 1");
    }
    alice.click("#conversations button");
    alice.wait_for_messages(&["hello"]);
    alice.switch_to(first);
    alice.wait_until("return document.title", &json!("Chat"));
}

fn who_logs_out_leaves_nothing_behind() {
    let (scene, alice, mut bob) = alice_and_bob();
    alice.open_chat_with("bob");
    alice.write("a secret");
    assert_eq!(bob.frame()["body"], "a secret");
    let reply = json!({"type": "send", "ref": 1, "to": {"user": 1}, "body": "a secret as well"});
    assert_eq!(bob.request(&reply)["type"], "sent");
    alice.wait_for_messages(&["a secret", "a secret as well"]);
    alice.wait_for_text("#announcements", "bob: a secret as well");
    alice.fill("#body", "a secret draft");
    let token = alice.evaluate("return JSON.parse(localStorage.getItem('chat.token'))");
    alice.click("#logout");
    alice.wait_for_text("#login h2", "Log in or register");
    let shown = "return [document.documentElement.textContent, document.getElementById('body').value] \
        .some((text) => text.includes('a secret') || text.includes('alice'))";
    alice.wait_until(shown, &json!(false));
    alice.wait_until("return location.hash", &json!(""));
    // The name of the browser is nobody's, and neither is a number by which its tabs tell each other something.
    let kept =
        "return Object.keys(localStorage).filter((key) => !['chat.browser', 'chat.left'].includes(key))";
    alice.wait_until(kept, &json!([]));
    // Whoever has copied the token has nothing by it.
    let login = json!({"type": "login", "ref": 2, "token": token});
    assert_eq!(scene.connect().request(&login)["code"], "invalid_credentials");
    alice.fill("#login [name=name]", "alice");
    alice.fill("#login [name=password]", PASSWORD);
    alice.click("#login [value=login]");
    alice.wait_for_state("Connected");
    alice.open_chat_with("bob");
    assert_eq!(
        alice.evaluate("return document.getElementById('body').value"),
        json!("")
    );
}
