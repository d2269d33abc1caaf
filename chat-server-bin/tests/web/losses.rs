//! What is written while there is no way to the server.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::browser::Browser;
use super::page::{ENTER, OFFLINE};
use super::scene::{Scene, alice_and_bob, phone_of};
use super::support::Wire;
use super::test;

/// What screen readers were told.
const SAID: &str =
    "return [...document.querySelectorAll('#announcements p')].map((line) => line.textContent)";

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        test(
            "what_both_write_while_one_is_cut_off_arrives_once_and_in_one_order",
            what_both_write_while_one_is_cut_off_arrives_once_and_in_one_order,
        ),
        test(
            "a_network_that_is_gone_without_a_word_is_noticed",
            a_network_that_is_gone_without_a_word_is_noticed,
        ),
        test(
            "what_was_under_way_when_the_line_broke_is_stored_once",
            what_was_under_way_when_the_line_broke_is_stored_once,
        ),
        test(
            "what_waits_when_the_page_is_left_is_sent_at_the_next_visit",
            what_waits_when_the_page_is_left_is_sent_at_the_next_visit,
        ),
        test(
            "what_waits_in_a_tab_that_is_closed_is_sent_by_another",
            what_waits_in_a_tab_that_is_closed_is_sent_by_another,
        ),
        test(
            "what_waits_is_discarded_at_a_logout_only_after_a_question",
            what_waits_is_discarded_at_a_logout_only_after_a_question,
        ),
        test(
            "what_was_missed_is_counted_and_only_what_is_new_is_said",
            what_was_missed_is_counted_and_only_what_is_new_is_said,
        ),
        test(
            "what_was_written_in_a_group_while_one_was_out_of_it_is_read_with_the_next_connection",
            what_was_written_in_a_group_while_one_was_out_of_it_is_read_with_the_next_connection,
        ),
        test(
            "a_message_that_comes_twice_is_shown_and_said_once",
            a_message_that_comes_twice_is_shown_and_said_once,
        ),
        test(
            "what_has_arrived_is_acknowledged",
            what_has_arrived_is_acknowledged,
        ),
    ]
}

/// Alice has the page, over the line that can break, and Bob a connection beside it. The scene is the first, so that it ends last.
fn alice_over_the_line() -> (Scene, Browser, Wire) {
    let scene = Scene::start();
    let alice = Browser::start(&scene.driver, "alice");
    alice.register(&scene.url_over_line(), "alice");
    let mut bob = scene.connect();
    bob.begin_as("bob");
    (scene, alice, bob)
}

fn what_both_write_while_one_is_cut_off_arrives_once_and_in_one_order() {
    let scene = Scene::start();
    let alice = Browser::start(&scene.driver, "alice");
    let bob = Browser::start(&scene.driver, "bob");
    bob.register(&scene.url(), "bob");
    alice.register(&scene.url_over_line(), "alice");
    alice.open_chat_with("bob");
    bob.open_chat_with("alice");
    alice.write("before");
    bob.wait_for_messages(&["before"]);

    scene.cut_off(&alice);
    let bobs = ["bob 1", "bob 2", "bob 3"];
    for (number, text) in bobs.iter().enumerate() {
        bob.write(text);
        alice.write(&format!("alice {}", number + 1));
    }
    bob.wait_for_messages(&["before", "bob 1", "bob 2", "bob 3"]);
    alice.wait_for_waiting(3);
    alice.wait_for_messages(&["before", "alice 1", "alice 2", "alice 3"]);

    alice.find_network();
    // What reached the server first stands first, for everybody.
    let all = [
        "before", "bob 1", "bob 2", "bob 3", "alice 1", "alice 2", "alice 3",
    ];
    alice.wait_for_messages(&all);
    bob.wait_for_messages(&all);
    alice.wait_for_waiting(0);
    alice.wait_for_state("Connected");
    assert_eq!(stored(&scene, "bob"), json!(all));
    // Nothing changes when all of it is read again.
    alice.reload();
    alice.wait_for_messages(&all);
}

fn a_network_that_is_gone_without_a_word_is_noticed() {
    let (scene, alice, mut bob) = alice_over_the_line();
    alice.open_chat_with("bob");
    // Nothing comes through any more, and nobody closes the connection.
    scene.line.stall().unwrap();
    alice.lose_network();
    alice.write("into the void");
    alice.wait_for_state(OFFLINE);
    scene.line.resume().unwrap();
    alice.find_network();
    alice.wait_for_state("Connected");
    alice.wait_for_waiting(0);
    assert_eq!(bob.frame()["body"], "into the void");
    assert_eq!(stored(&scene, "bob"), json!(["into the void"]));
}

fn what_was_under_way_when_the_line_broke_is_stored_once() {
    let (scene, alice, mut bob) = alice_over_the_line();
    alice.open_chat_with("bob");
    alice.write("one");
    alice.wait_for_messages(&["one"]);
    // The server gets what the page sends, and its answer is lost.
    lose_answers(&alice);
    alice.write("two");
    alice.write("three");
    assert_eq!(bob.frame()["body"], "one");
    assert_eq!(bob.frame()["body"], "two");
    alice.wait_for_waiting(2);
    scene.line.cut().unwrap();
    hear_answers(&alice);
    scene.line.resume().unwrap();
    alice.wait_for_waiting(0);
    alice.wait_for_messages(&["one", "two", "three"]);
    assert_eq!(bob.frame()["body"], "three");
    assert_eq!(stored(&scene, "bob"), json!(["one", "two", "three"]));
}

fn what_waits_when_the_page_is_left_is_sent_at_the_next_visit() {
    let (scene, alice, mut bob) = alice_over_the_line();
    alice.open_chat_with("bob");
    scene.line.cut().unwrap();
    alice.wait_for_state(OFFLINE);
    for text in ["one", "two"] {
        alice.write(text);
    }
    alice.wait_for_waiting(2);
    alice.go_to("about:blank");
    scene.line.resume().unwrap();
    alice.go_to(&scene.url_over_line());
    alice.wait_for_state("Connected");
    assert_eq!(bob.frame()["body"], "one");
    assert_eq!(bob.frame()["body"], "two");
    assert_eq!(stored(&scene, "bob"), json!(["one", "two"]));
}

fn what_waits_in_a_tab_that_is_closed_is_sent_by_another() {
    let (scene, alice, mut bob) = alice_over_the_line();
    alice.open_chat_with("bob");
    let first = alice.tab();
    let second = alice.open_tab();
    alice.go_to(&scene.url_over_line());
    alice.wait_for_state("Connected");
    alice.open_chat_with("bob");
    scene.line.cut().unwrap();
    alice.write("from the second tab");
    alice.wait_for_waiting(1);
    alice.switch_to(first.clone());
    alice.wait_for_state(OFFLINE);
    alice.write("from the first tab");
    alice.wait_for_waiting(1);
    alice.switch_to(second);
    alice.close_tab();
    alice.switch_to(first);
    let all = ["from the second tab", "from the first tab"];
    alice.wait_for_messages(&all);
    scene.line.resume().unwrap();
    for text in all {
        assert_eq!(bob.frame()["body"], text);
    }
    alice.wait_for_waiting(0);
    assert_eq!(stored(&scene, "bob"), json!(all));
    let kept = "return Object.keys(localStorage).filter((key) => key.startsWith('chat.outbox.'))";
    alice.wait_until(kept, &json!([]));
}

fn what_waits_is_discarded_at_a_logout_only_after_a_question() {
    let (scene, alice, _bob) = alice_over_the_line();
    alice.open_chat_with("bob");
    scene.line.cut().unwrap();
    alice.wait_for_state(OFFLINE);
    alice.write("never to be sent");
    alice.wait_for_waiting(1);
    alice.click("#logout");
    alice.click("#dialog .buttons [type=button]");
    alice.wait_for_waiting(1);
    alice.click("#logout");
    alice.wait_for_text(
        "#dialog p:not([role])",
        "Messages that were not sent yet: 1. Logging out discards them.",
    );
    alice.click("#dialog [type=submit]");
    alice.wait_for_text("#login h2", "Log in or register");
    scene.line.resume().unwrap();
    alice.fill("#login [name=name]", "alice");
    alice.fill("#login [name=password]", super::page::PASSWORD);
    alice.click("#login [value=login]");
    alice.wait_for_state("Connected");
    alice.open_chat_with("bob");
    alice.write("sent");
    alice.wait_for_messages(&["sent"]);
    alice.wait_for_waiting(0);
    assert_eq!(stored(&scene, "bob"), json!(["sent"]));
}

fn what_was_missed_is_counted_and_only_what_is_new_is_said() {
    let (scene, alice, mut bob) = alice_over_the_line();
    alice.go_to("about:blank");
    let send =
        |number: u64| json!({"type": "send", "ref": number, "to": {"user": 1}, "body": number.to_string()});
    for number in 1..=2 {
        assert_eq!(bob.request(&send(number))["type"], "sent");
    }
    alice.go_to(&scene.url_over_line());
    alice.wait_for_entry("conversations", "bob", "Unread: 2");
    bob.request(&send(3));
    alice.wait_for_entry("conversations", "bob", "Unread: 3");
    alice.wait_until(SAID, &json!(["New message from bob in bob"]));
}

fn what_was_written_in_a_group_while_one_was_out_of_it_is_read_with_the_next_connection() {
    let (scene, alice, mut bob) = alice_over_the_line();
    let mut phone = phone_of(&scene, "alice");
    bob.request(&json!({"type": "create_group", "ref": 1, "name": "Rust"}));
    let mut write = |body: &str| {
        let send = json!({"type": "send", "ref": 2, "to": {"group": 1}, "body": body});
        assert_eq!(bob.request(&send)["type"], "sent");
    };
    alice.click("#join-group");
    alice.fill("#dialog [name=group]", "1");
    alice.press(ENTER);
    alice.wait_for_text("#title", "Rust");
    write("one");
    alice.wait_for_messages(&["one"]);
    for (kind, body) in [("leave_group", "two"), ("join_group", "three")] {
        let reply = phone.request(&json!({"type": kind, "ref": 3, "group": 1}));
        assert_ne!(reply["type"], "error", "{reply}");
        write(body);
    }
    alice.wait_for_messages(&["one", "three"]);
    scene.line.cut().unwrap();
    scene.line.resume().unwrap();
    alice.wait_for_messages(&["one", "two", "three"]);
}

fn a_message_that_comes_twice_is_shown_and_said_once() {
    let (_scene, alice, mut bob) = alice_and_bob();
    alice.note_frames();
    alice.open_chat_with("bob");
    // The connection takes the same message again, as where an acknowledgement was lost.
    alice.evaluate(
        "window.socket.addEventListener('message', (event) => { \
           if (event.isTrusted && JSON.parse(event.data).type === 'message') window.delivered = event.data; \
         })",
    );
    let send = |body: &str| json!({"type": "send", "ref": 1, "to": {"user": 1}, "body": body});
    bob.request(&send("hello"));
    alice.wait_for_messages(&["hello"]);
    alice.evaluate("window.socket.dispatchEvent(new MessageEvent('message', { data: window.delivered }))");
    bob.request(&send("again"));
    alice.wait_for_messages(&["hello", "again"]);
    alice.wait_until(SAID, &json!(["bob: hello", "bob: again"]));
}

fn what_has_arrived_is_acknowledged() {
    let (_scene, alice, mut bob) = alice_and_bob();
    alice.note_frames();
    bob.request(&json!({"type": "send", "ref": 1, "to": {"user": 1}, "body": "hello"}));
    let acknowledged = "return window.sent.filter(({ type }) => type === 'ack')";
    let expected = json!([{"type": "ack", "conversation": "d:1:2", "seq": 1}]);
    alice.wait_until(acknowledged, &expected);
}

/// Has the page hear nothing of what comes, as when packets are lost on the way back.
fn lose_answers(browser: &Browser) {
    browser.evaluate(
        "window.dataOfMessages = Object.getOwnPropertyDescriptor(MessageEvent.prototype, 'data'); \
         const lose = { configurable: true, get() { throw new Error('lost on the way'); } }; \
         Object.defineProperty(MessageEvent.prototype, 'data', lose)",
    );
}

/// The end of it.
fn hear_answers(browser: &Browser) {
    browser.evaluate("Object.defineProperty(MessageEvent.prototype, 'data', window.dataOfMessages)");
}

/// The bodies of the conversation of users 1 and 2 as the server has them.
fn stored(scene: &Scene, name: &str) -> Value {
    let mut wire = scene.connect();
    let login = json!({"type": "login", "ref": "login", "name": name, "password": super::page::PASSWORD, "device": "judge"});
    assert_eq!(wire.request(&login)["type"], "welcome");
    let page = wire.request(&json!({"type": "history", "ref": "all", "conversation": "d:1:2"}));
    let messages = page["messages"].as_array().unwrap();
    let seqs: Vec<u64> = messages
        .iter()
        .filter_map(|message| message["seq"].as_u64())
        .collect();
    assert!(seqs.iter().copied().eq(1..=seqs.len() as u64), "{seqs:?}");
    messages.iter().map(|message| message["body"].clone()).collect()
}
