//! Sessions that end, and come back; and servers that say no.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::browser::Browser;
use super::page::{OFFLINE, PASSWORD};
use super::scene::{Scene, alice_and_bob};
use super::test;

/// The device that the tab holds.
const DEVICE: &str = "return navigator.locks.query().then(({ held }) => \
    held.map(({ name }) => name.replace('chat.device.', '')))";

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        test(
            "a_session_that_went_elsewhere_comes_back_when_it_is_wanted",
            a_session_that_went_elsewhere_comes_back_when_it_is_wanted,
        ),
        test(
            "over_plain_http_too_each_tab_is_a_device_of_its_own",
            over_plain_http_too_each_tab_is_a_device_of_its_own,
        ),
        test(
            "a_server_that_was_away_gets_what_was_written_meanwhile",
            a_server_that_was_away_gets_what_was_written_meanwhile,
        ),
        test(
            "what_the_server_refuses_says_why_and_can_be_sent_again_or_discarded",
            what_the_server_refuses_says_why_and_can_be_sent_again_or_discarded,
        ),
        test(
            "what_is_refused_for_a_while_is_sent_again_by_itself",
            what_is_refused_for_a_while_is_sent_again_by_itself,
        ),
        test("a_wrong_password_is_told_of", a_wrong_password_is_told_of),
        test(
            "a_login_that_is_valid_no_more_leads_to_the_entrance_and_is_told_of",
            a_login_that_is_valid_no_more_leads_to_the_entrance_and_is_told_of,
        ),
    ]
}

fn a_session_that_went_elsewhere_comes_back_when_it_is_wanted() {
    let scene = Scene::start();
    let alice = Browser::start(&scene.driver, "alice");
    alice.register(&scene.url(), "alice");
    let way_back = "return document.getElementById('use-here').checkVisibility()";
    assert_eq!(alice.evaluate(way_back), json!(false));
    let device = alice.evaluate(DEVICE)[0].clone();
    let mut elsewhere = scene.connect();
    let login = json!({"type": "login", "ref": 1, "name": "alice", "password": PASSWORD, "device": device});
    assert_eq!(elsewhere.request(&login)["type"], "welcome");
    // It does not fight for the session.
    alice.wait_for_state("Ended: the chat was opened elsewhere");
    alice.click("#use-here");
    alice.wait_for_state("Connected");
    alice.wait_until(way_back, &json!(false));
    let rest = elsewhere.rest();
    assert_eq!(
        rest.last().map(|frame| frame["code"].clone()),
        Some(json!("replaced")),
        "{rest:?}"
    );
}

fn over_plain_http_too_each_tab_is_a_device_of_its_own() {
    let scene = Scene::start();
    let alice = Browser::start(&scene.driver, "alice");
    alice.register(&scene.url_elsewhere(), "alice");
    assert_eq!(
        alice.evaluate("return [isSecureContext, 'locks' in navigator]"),
        json!([false, false])
    );
    let device = "return sessionStorage.getItem('chat.device')";
    let (first, of_first) = (alice.tab(), alice.evaluate(device));
    alice.open_tab();
    alice.go_to(&scene.url_elsewhere());
    alice.wait_for_state("Connected");
    assert_ne!(alice.evaluate(device), of_first);
    alice.open_notes();
    alice.write("a note");
    alice.wait_for_messages(&["a note"]);
    // The first one is still in, and a reload changes nothing.
    alice.switch_to(first);
    alice.wait_for_entry("conversations", "Notes to myself", "a note");
    alice.reload();
    alice.wait_for_state("Connected");
    assert_eq!(alice.evaluate(device), of_first);
}

fn a_server_that_was_away_gets_what_was_written_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", folder.path().join("chat.db").display());
    let settings = ["--store", &store];
    let mut scene = Scene::start_with(&settings);
    let alice = Browser::start(&scene.driver, "alice");
    alice.register(&scene.url(), "alice");
    alice.open_notes();
    alice.write("before");
    alice.wait_for_waiting(0);
    scene.end_server();
    alice.wait_for_state(OFFLINE);
    alice.write("meanwhile");
    alice.wait_for_waiting(1);
    scene.start_server_again(&settings);
    alice.wait_for_waiting(0);
    alice.wait_for_messages(&["before", "meanwhile"]);
    alice.wait_for_state("Connected");
}

fn what_the_server_refuses_says_why_and_can_be_sent_again_or_discarded() {
    let scene = Scene::start_with(&["--store", "memory:", "--friends-only"]);
    let alice = Browser::start(&scene.driver, "alice");
    alice.register(&scene.url(), "alice");
    let mut bob = scene.connect();
    bob.begin_as("bob");
    alice.open_chat_with("bob");
    for text in ["one", "two"] {
        alice.write(text);
    }
    let reasons = "return [...document.querySelectorAll('#messages .why')] \
        .map((why) => why.textContent.startsWith('Not sent: not allowed'))";
    alice.wait_until(reasons, &json!([true, true]));
    assert_eq!(
        bob.request(&json!({"type": "add_friend", "ref": 1, "user": 1}))["type"],
        "friend_added"
    );
    alice.click("#messages li:first-child .buttons button:first-child");
    alice.wait_for_waiting(1);
    alice.click("#messages .waiting .buttons button:last-child");
    alice.wait_for_waiting(0);
    alice.wait_for_messages(&["one"]);
    let history = json!({"type": "history", "ref": 2, "conversation": "d:1:2"});
    let messages = bob.request(&history)["messages"].clone();
    let bodies: Vec<&Value> = messages
        .as_array()
        .unwrap()
        .iter()
        .map(|message| &message["body"])
        .collect();
    assert_eq!(bodies, [&json!("one")]);
}

fn a_wrong_password_is_told_of() {
    let scene = Scene::start();
    let mut bob = scene.connect();
    bob.begin_as("bob");
    let alice = Browser::start(&scene.driver, "alice");
    alice.go_to(&scene.url());
    alice.fill("#login [name=name]", "bob");
    alice.fill("#login [name=password]", "wrong horse");
    alice.click("#login [value=login]");
    alice.wait_for_text(
        "#login-error",
        "the name or the password is wrong, or the login has expired",
    );
    // What was typed is still there.
    alice.fill("#login [name=password]", PASSWORD);
    alice.click("#login [value=register]");
    alice.wait_for_text("#login-error", "the name is taken");
    alice.click("#login [value=login]");
    alice.wait_for_state("Connected");
}

fn what_is_refused_for_a_while_is_sent_again_by_itself() {
    let (_scene, alice, mut bob) = alice_and_bob();
    alice.open_chat_with("bob");
    // As a server answers that has too much to do.
    alice.evaluate(
        "const send = WebSocket.prototype.send; \
         const codes = ['rate_limited', 'unavailable']; \
         WebSocket.prototype.send = function (data) { \
           const { type, ref } = JSON.parse(data); \
           if (type !== 'send' || codes.length === 0) return send.call(this, data); \
           const refusal = JSON.stringify({ type: 'error', ref, code: codes.shift(), message: 'later' }); \
           this.dispatchEvent(new MessageEvent('message', { data: refusal })); \
         }",
    );
    for text in ["one", "two"] {
        alice.write(text);
    }
    assert_eq!(bob.frame()["body"], "one");
    assert_eq!(bob.frame()["body"], "two");
    alice.wait_for_waiting(0);
    alice.wait_for_messages(&["one", "two"]);
}

fn a_login_that_is_valid_no_more_leads_to_the_entrance_and_is_told_of() {
    let scene = Scene::start();
    let alice = Browser::start(&scene.driver, "alice");
    alice.register(&scene.url(), "alice");
    // Revoked, as by a logout that the page did not hear of.
    let token = alice.evaluate("return JSON.parse(localStorage.getItem('chat.token'))");
    let mut elsewhere = scene.connect();
    let login = json!({"type": "login", "ref": 1, "token": token, "device": "phone"});
    assert_eq!(elsewhere.request(&login)["type"], "welcome");
    assert_eq!(
        elsewhere.request(&json!({"type": "logout", "ref": 2}))["type"],
        "logged_out"
    );
    alice.reload();
    alice.wait_for_text(
        "#login-error",
        "the name or the password is wrong, or the login has expired",
    );
    alice.wait_until("return localStorage.getItem('chat.token')", &Value::Null);
}
