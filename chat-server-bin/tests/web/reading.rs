//! What is in sight, and what counts as read.

use libtest_mimic::Trial;
use serde_json::json;

use super::browser::Browser;
use super::scene::{alice_and_bob, phone_of};
use super::support::Wire;
use super::test;

/// How many messages the page shows.
const HELD: &str = "return document.querySelectorAll('#messages li').length";
/// The title of the page, which counts what is unread.
const TITLE: &str = "return document.title";

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        test(
            "scrolling_up_reads_older_messages",
            scrolling_up_reads_older_messages,
        ),
        test(
            "who_is_at_the_top_gets_one_page_however_often_the_browser_tells_of_it",
            who_is_at_the_top_gets_one_page_however_often_the_browser_tells_of_it,
        ),
        test(
            "what_comes_while_one_reads_further_up_waits_to_be_read",
            what_comes_while_one_reads_further_up_waits_to_be_read,
        ),
        test(
            "the_newest_message_stays_in_sight_as_the_window_shrinks",
            the_newest_message_stays_in_sight_as_the_window_shrinks,
        ),
        test(
            "what_comes_while_the_page_is_hidden_is_read_when_it_is_seen",
            what_comes_while_the_page_is_hidden_is_read_when_it_is_seen,
        ),
        test(
            "who_answers_on_another_device_has_read_what_came_before",
            who_answers_on_another_device_has_read_what_came_before,
        ),
    ]
}

/// Has Bob write so many messages to Alice.
fn write_many(bob: &mut Wire, count: usize) {
    for number in 1..=count {
        bob.send(
            &json!({"type": "send", "ref": number, "to": {"user": 1}, "body": format!("message {number}")}),
        );
    }
    assert_eq!(
        bob.request(&json!({"type": "ping", "ref": "last"}))["type"],
        "pong"
    );
}

/// Opens the conversation with Bob, who has written so many messages, and waits until their last is there.
fn open_many(alice: &Browser, count: usize) {
    alice.wait_for_entry("conversations", "bob", &format!("Unread: {count}"));
    alice.click("#conversations button");
    alice.wait_until(
        "return document.querySelector('#messages li:last-child .body')?.textContent",
        &json!(format!("message {count}")),
    );
    alice.wait_until(HELD, &json!(count.min(50)));
}

fn write_one(bob: &mut Wire, body: &str) {
    let send = json!({"type": "send", "ref": "one", "to": {"user": 1}, "body": body});
    assert_eq!(bob.request(&send)["type"], "sent");
}

fn scrolling_up_reads_older_messages() {
    const MESSAGES: usize = 180;
    let (_scene, alice, mut bob) = alice_and_bob();
    write_many(&mut bob, MESSAGES);
    // The end is in sight, and nothing more is read before somebody scrolls.
    open_many(&alice, MESSAGES);
    let mut shown = 50;
    while shown < MESSAGES {
        let first = alice.evaluate("return document.querySelector('#messages li').dataset.key");
        alice.evaluate("document.getElementById('scroll').scrollTop = 0");
        shown = MESSAGES.min(shown + 50);
        alice.wait_until(HELD, &json!(shown));
        // What was seen stays where it was: in sight.
        let in_sight = format!(
            "const top = document.getElementById('scroll').getBoundingClientRect().top; \
             const place = document.querySelector('[data-key={first}]').getBoundingClientRect().top; \
             return Math.abs(place - top) < 200"
        );
        alice.wait_until(&in_sight, &json!(true));
    }
    let expected: Vec<String> = (1..=MESSAGES).map(|number| format!("message {number}")).collect();
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    alice.wait_for_messages(&expected);
    alice.wait_for_text("#history-state", "This is the beginning.");
    // The newest message of the list is still the newest.
    alice.wait_for_entry("conversations", "bob", &format!("message {MESSAGES}"));
}

fn who_is_at_the_top_gets_one_page_however_often_the_browser_tells_of_it() {
    let (_scene, alice, mut bob) = alice_and_bob();
    write_many(&mut bob, 120);
    open_many(&alice, 120);
    alice.note_frames();
    alice.evaluate(
        "const scroll = document.getElementById('scroll'); \
         scroll.scrollTop = 0; \
         setInterval(() => scroll.dispatchEvent(new Event('scroll')))",
    );
    alice.wait_until(HELD, &json!(100));
    let asked = "return window.sent.filter(({ type }) => type === 'history').map(({ before }) => before)";
    assert_eq!(alice.evaluate(asked), json!([71]));
}

fn what_comes_while_one_reads_further_up_waits_to_be_read() {
    let (_scene, alice, mut bob) = alice_and_bob();
    write_many(&mut bob, 40);
    open_many(&alice, 40);
    alice.wait_until(TITLE, &json!("Chat"));
    alice.evaluate("document.getElementById('scroll').scrollTop = 0");
    let way_back = "return document.getElementById('newest').checkVisibility()";
    alice.wait_until(way_back, &json!(true));
    write_one(&mut bob, "news");
    alice.wait_until(TITLE, &json!("(1) Chat"));
    // What one writes oneself is not unread, and nothing moves.
    alice.write("mine");
    alice.wait_until(HELD, &json!(42));
    alice.wait_for_waiting(0);
    alice.wait_until(
        "return [document.title, document.getElementById('scroll').scrollTop]",
        &json!(["(1) Chat", 0]),
    );
    alice.click("#newest");
    alice.wait_until(TITLE, &json!("Chat"));
    alice.wait_until(way_back, &json!(false));
    assert_eq!(
        alice.evaluate("return document.activeElement.id"),
        "body",
        "one goes on writing"
    );
}

fn the_newest_message_stays_in_sight_as_the_window_shrinks() {
    let (_scene, alice, mut bob) = alice_and_bob();
    write_many(&mut bob, 40);
    open_many(&alice, 40);
    let at_end = "const { scrollHeight, scrollTop, clientHeight } = document.getElementById('scroll'); \
        return [innerHeight, scrollHeight - scrollTop - clientHeight < 2]";
    for height in [700, 400] {
        alice.show_on(800, height);
        alice.wait_until(at_end, &json!([height, true]));
    }
}

fn what_comes_while_the_page_is_hidden_is_read_when_it_is_seen() {
    let (_scene, alice, mut bob) = alice_and_bob();
    alice.open_chat_with("bob");
    alice.evaluate("Object.defineProperty(document, 'hidden', { configurable: true, value: true })");
    write_one(&mut bob, "hello");
    alice.wait_for_messages(&["hello"]);
    alice.wait_until(TITLE, &json!("(1) Chat"));
    alice.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))");
    alice.wait_until(TITLE, &json!("Chat"));
}

fn who_answers_on_another_device_has_read_what_came_before() {
    let (scene, alice, mut bob) = alice_and_bob();
    write_one(&mut bob, "hello");
    alice.wait_until(TITLE, &json!("(1) Chat"));
    let answer = json!({"type": "send", "ref": 1, "to": {"user": 2}, "body": "hello, bob"});
    assert_eq!(phone_of(&scene, "alice").request(&answer)["type"], "sent");
    alice.wait_for_entry("conversations", "bob", "hello, bob");
    alice.wait_until(TITLE, &json!("Chat"));
}
