//! Texts while they are written.

use libtest_mimic::Trial;
use serde_json::json;

use super::scene::alice_and_bob;
use super::test;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        test(
            "a_text_of_the_greatest_length_is_sent_and_a_longer_one_is_not",
            a_text_of_the_greatest_length_is_sent_and_a_longer_one_is_not,
        ),
        test(
            "what_was_begun_waits_in_its_conversation",
            what_was_begun_waits_in_its_conversation,
        ),
        test(
            "a_browser_that_keeps_nothing_more_is_told_of_and_sends_all_the_same",
            a_browser_that_keeps_nothing_more_is_told_of_and_sends_all_the_same,
        ),
    ]
}

fn a_text_of_the_greatest_length_is_sent_and_a_longer_one_is_not() {
    // Four bytes each.
    let longest = "\u{1f980}".repeat(2_048);
    let longer = format!("{longest}.");
    let (_scene, alice, mut bob) = alice_and_bob();
    alice.open_chat_with("bob");
    alice.paste(&longer);
    alice.wait_for_text(
        "#composer-error",
        "The message is too long: 8193 of at most 8,192 bytes",
    );
    assert_eq!(
        alice.evaluate("return document.getElementById('body').value"),
        json!(longer),
        "it can be shortened"
    );
    alice.paste(&longest);
    alice.wait_for_messages(&[&longest]);
    alice.wait_for_waiting(0);
    assert_eq!(bob.frame()["body"], json!(longest));
    alice.wait_for_text("#composer-error", "");
}

fn what_was_begun_waits_in_its_conversation() {
    let (_scene, alice, _bob) = alice_and_bob();
    let written = "return document.getElementById('body').value";
    alice.open_notes();
    alice.fill("#body", "to be thought over");
    alice.open_chat_with("bob");
    alice.wait_until(written, &json!(""));
    alice.write("hello");
    alice.wait_for_messages(&["hello"]);
    alice.open_notes();
    alice.wait_until(written, &json!("to be thought over"));
}

fn a_browser_that_keeps_nothing_more_is_told_of_and_sends_all_the_same() {
    let (_scene, alice, mut bob) = alice_and_bob();
    alice.evaluate("Storage.prototype.setItem = () => { throw new Error('it is full'); }");
    alice.open_chat_with("bob");
    alice.write("hello");
    alice.wait_for_text(
        "#composer-error",
        "The browser keeps no more messages: this one is lost if the page is closed before it is sent.",
    );
    assert_eq!(bob.frame()["body"], "hello");
    alice.wait_for_waiting(0);
}
