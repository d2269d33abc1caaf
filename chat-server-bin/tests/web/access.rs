//! The page without a mouse, without sight, on a telephone, and in another language.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::browser::Browser;
use super::emulation::Colours;
use super::page::{DOWN, ENTER, ESCAPE, PASSWORD, RELEASE, SHIFT, TAB, UP};
use super::scene::{Scene, alice_and_bob, phone_of};
use super::test;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        test(
            "everything_can_be_done_by_keys_alone",
            everything_can_be_done_by_keys_alone,
        ),
        test(
            "the_focus_stays_with_what_moves_and_comes_back_from_questions",
            the_focus_stays_with_what_moves_and_comes_back_from_questions,
        ),
        test(
            "screen_readers_are_told_what_is_what",
            screen_readers_are_told_what_is_what,
        ),
        test(
            "a_telephone_shows_one_pane_at_a_time",
            a_telephone_shows_one_pane_at_a_time,
        ),
        test(
            "colours_are_those_that_the_system_prefers",
            colours_are_those_that_the_system_prefers,
        ),
        test(
            "the_page_says_when_one_can_type_and_asks_nobody_else",
            the_page_says_when_one_can_type_and_asks_nobody_else,
        ),
        test(
            "the_browser_or_the_user_chooses_the_language",
            the_browser_or_the_user_chooses_the_language,
        ),
        test(
            "what_is_shown_already_goes_over_to_another_language",
            what_is_shown_already_goes_over_to_another_language,
        ),
    ]
}

/// Goes on by the key until an element has the focus.
fn tab_to(browser: &Browser, id: &str) {
    const MOST: usize = 60;
    for _ in 0..MOST {
        if browser.evaluate("return document.activeElement.id") == id {
            return;
        }
        browser.press(TAB);
    }
    panic!("no key leads to {id}");
}

fn everything_can_be_done_by_keys_alone() {
    let scene = Scene::start();
    let alice = Browser::start(&scene.driver, "alice");
    alice.go_to(&scene.url());
    // The first field has the focus without being asked for.
    alice.wait_until("return document.activeElement.name ?? null", &json!("name"));
    alice.press("alice");
    alice.press(TAB);
    alice.press(PASSWORD);
    alice.press(TAB);
    alice.press(TAB);
    alice.press(ENTER);
    alice.wait_for_state("Connected");
    let mut bob = scene.connect();
    bob.begin_as("bob");
    tab_to(&alice, "new-chat");
    alice.press(ENTER);
    alice.wait_until("return document.activeElement.name ?? null", &json!("name"));
    alice.press("alice");
    alice.press(ENTER);
    // The focus is where one writes.
    alice.wait_until("return document.activeElement.id", &json!("body"));
    alice.press(&format!("a note{SHIFT}{ENTER}{RELEASE}of two lines"));
    // Enter that ends the choice of a character in an input method sends nothing.
    let choose = "return document.activeElement.dispatchEvent(new KeyboardEvent('keydown', \
        { key: 'Enter', isComposing: true, bubbles: true, cancelable: true }))";
    assert_eq!(alice.evaluate(choose), json!(true));
    alice.press(ENTER);
    alice.wait_for_messages(&["a note\nof two lines"]);
    alice.press(ESCAPE);
    alice.wait_until(
        "return document.activeElement.dataset.conversation ?? null",
        &json!("d:1:1"),
    );
    // A further conversation stands above it.
    bob.request(&json!({"type": "send", "ref": 1, "to": {"user": 1}, "body": "hello"}));
    alice.wait_for_entry("conversations", "bob", "hello");
    for (key, expected) in [(UP, "d:1:2"), (DOWN, "d:1:1"), (DOWN, "d:1:1")] {
        alice.press(key);
        alice.wait_until(
            "return document.activeElement.dataset.conversation ?? null",
            &json!(expected),
        );
    }
    alice.press(ENTER);
    alice.wait_until("return document.activeElement.id", &json!("body"));
    // From the beginning of the page there is a short way to what is read.
    tab_to(&alice, "skip");
    alice.press(ENTER);
    alice.wait_until("return document.activeElement.id", &json!("scroll"));
    tab_to(&alice, "logout");
    alice.press(ENTER);
    alice.wait_until("return document.activeElement.name ?? null", &json!("name"));
}

fn the_focus_stays_with_what_moves_and_comes_back_from_questions() {
    let (scene, alice, mut bob) = alice_and_bob();
    alice.open_notes();
    alice.write("a note");
    alice.wait_for_waiting(0);
    alice.press(ESCAPE);
    let order = "return [...document.querySelectorAll('#conversations button'), document.activeElement] \
        .map((element) => element.dataset.conversation)";
    bob.request(&json!({"type": "send", "ref": 1, "to": {"user": 1}, "body": "hello"}));
    alice.wait_until(order, &json!(["d:1:2", "d:1:1", "d:1:1"]));
    let note = json!({"type": "send", "ref": 1, "to": {"user": 1}, "body": "another note"});
    assert_eq!(phone_of(&scene, "alice").request(&note)["type"], "sent");
    alice.wait_until(order, &json!(["d:1:1", "d:1:2", "d:1:1"]));
    alice.press(ENTER);
    alice.wait_until("return document.activeElement.id", &json!("body"));
    // Who leaves a question is where they were; who asks for what is open already goes on writing there.
    for (key, focus) in [(ESCAPE, "new-chat"), (ENTER, "body")] {
        tab_to(&alice, "new-chat");
        alice.press(ENTER);
        alice.wait_until("return document.activeElement.name ?? null", &json!("name"));
        alice.press("alice");
        alice.press(key);
        let place =
            "return [document.activeElement.id, document.getElementById('dialog').open, location.hash]";
        alice.wait_until(place, &json!([focus, false, "#d:1:1"]));
    }
}

fn screen_readers_are_told_what_is_what() {
    let (_scene, alice, mut bob) = alice_and_bob();
    bob.request(&json!({"type": "send", "ref": 1, "to": {"user": 1}, "body": "hello"}));
    // What comes is said, by the title where it is not in sight and by its text where it is.
    let said = "return document.querySelector('#announcements').lastElementChild?.textContent ?? null";
    alice.wait_until(said, &json!("New message from bob in bob"));
    alice.click("#conversations button");
    alice.wait_for_messages(&["hello"]);
    let current = "return document.querySelector('#conversations [aria-current]')?.dataset.conversation";
    alice.wait_until(current, &json!("d:1:2"));
    bob.request(&json!({"type": "send", "ref": 2, "to": {"user": 1}, "body": "are you there?"}));
    alice.wait_until(said, &json!("bob: are you there?"));
    for landmark in [
        "header",
        "main",
        "main nav[aria-label]",
        "main section[aria-label]",
        "[aria-live=polite]",
    ] {
        let count = format!("return document.querySelectorAll('{landmark}').length >= 1");
        assert_eq!(alice.evaluate(&count), json!(true), "{landmark}");
    }
    let nameless = alice.evaluate(
        "return [...document.querySelectorAll('button, input, textarea, select, [role=region], nav')] \
         .filter((element) => element.checkVisibility()) \
         .filter((element) => !(element.ariaLabel || element.textContent.trim() && element.tagName === 'BUTTON' \
           || element.labels?.[0]?.textContent.trim())) \
         .map((element) => element.outerHTML)",
    );
    assert_eq!(nameless, json!([]));
    let hidden = alice.evaluate(
        "return document.querySelectorAll('main').length - \
        [...document.querySelectorAll('main')].filter((main) => main.checkVisibility()).length",
    );
    assert_eq!(hidden, json!(1), "one main part is shown");
}

fn a_telephone_shows_one_pane_at_a_time() {
    let scene = Scene::start();
    let alice = Browser::start(&scene.driver, "alice");
    alice.show_on(320, 640);
    // A long name, and a telephone of the smallest kind.
    let name = "a".repeat(50);
    alice.register(&scene.url(), &name);
    let panes = "return ['lists', 'conversation'].map((id) => document.getElementById(id).checkVisibility())";
    alice.wait_until(panes, &json!([true, false]));
    fits(&alice);
    alice.click("#new-chat");
    alice.fill("#dialog [name=name]", &name);
    fits(&alice);
    alice.press(ENTER);
    alice.wait_until(panes, &json!([false, true]));
    let wide = "wide".repeat(200);
    alice.write(&wide);
    alice.wait_for_messages(&[&wide]);
    fits(&alice);
    alice.click("#back");
    alice.wait_until(panes, &json!([true, false]));
    fits(&alice);
    // The browser's own way back leads there as well.
    alice.evaluate("history.back()");
    alice.wait_until(panes, &json!([false, true]));
}

/// Nothing is beside the screen, and nothing in the bars covers anything else.
fn fits(browser: &Browser) {
    let outside = browser.evaluate(
        "return [...document.querySelectorAll('body *')] \
         .filter((element) => element.checkVisibility() && element.getBoundingClientRect().right > innerWidth + 1) \
         .map((element) => element.outerHTML)",
    );
    assert_eq!(outside, json!([]));
    let covered = browser.evaluate(
        "return [...document.querySelectorAll('.bar')].flatMap((bar) => { \
           const boxes = [...bar.children] \
             .filter((element) => element.checkVisibility() && element.offsetWidth > 1) \
             .map((element) => { \
               const range = document.createRange(); \
               range.selectNodeContents(element); \
               const box = element.tagName === 'P' ? range : element; \
               return [element.outerHTML, box.getBoundingClientRect()]; \
             }); \
           const cover = (one, other) => one.left < other.right - 1 && other.left < one.right - 1 \
             && one.top < other.bottom - 1 && other.top < one.bottom - 1; \
           return boxes.flatMap(([one, first], index) => boxes.slice(index + 1) \
             .filter(([, second]) => cover(first, second)).map(([other]) => [one, other])); \
         })",
    );
    assert_eq!(covered, json!([]));
}

fn colours_are_those_that_the_system_prefers() {
    let scene = Scene::start();
    let alice = Browser::start(&scene.driver, "alice");
    alice.go_to(&scene.url());
    // Which of a text and its background is the brighter one, and how the browser draws its own things.
    let brighter = "const brightness = (colour) => colour.match(/\\d+/g).slice(0, 3).map(Number).reduce((a, b) => a + b); \
        const own = document.body.appendChild(document.createElement('p')); \
        own.style.color = 'CanvasText'; \
        own.style.backgroundColor = 'Canvas'; \
        const brighter = [document.body, own].map((element) => getComputedStyle(element)).map((style) => \
          brightness(style.color) > brightness(style.backgroundColor) ? 'the text' : 'the background'); \
        own.remove(); \
        return brighter";
    for (colours, expected) in [(Colours::Light, "the background"), (Colours::Dark, "the text")] {
        alice.prefer(colours);
        alice.wait_until(brighter, &json!([expected, expected]));
    }
}

fn the_page_says_when_one_can_type_and_asks_nobody_else() {
    let scene = Scene::start();
    let alice = Browser::start(&scene.driver, "alice");
    alice.go_to(&scene.url());
    let ready = "return performance.getEntriesByName('ready').length";
    alice.wait_until(ready, &json!(1));
    assert_eq!(
        alice.evaluate("return document.activeElement.name"),
        "name",
        "what is typed now goes into the form"
    );
    alice.register(&scene.url(), "alice");
    let strangers = "return [...performance.getEntriesByType('resource'), ...performance.getEntriesByType('navigation')] \
        .map((entry) => new URL(entry.name).origin).filter((origin) => origin !== location.origin)";
    assert_eq!(alice.evaluate(strangers), json!([]));
    let bytes = "return [...performance.getEntriesByType('resource'), ...performance.getEntriesByType('navigation')] \
        .reduce((sum, entry) => sum + entry.decodedBodySize, 0)";
    let bytes = alice.evaluate(bytes).as_u64().unwrap();
    assert!((1..150 * 1_024).contains(&bytes), "{bytes}");
}

fn the_browser_or_the_user_chooses_the_language() {
    let scene = Scene::start();
    let alice = Browser::start_in(&scene.driver, "alice", "zh-CN");
    alice.go_to(&scene.url());
    alice.wait_for_text("#login h2", "登录或注册");
    alice.wait_until("return document.documentElement.lang", &json!("zh-Hans"));
    alice.click("#language option[value=en]");
    alice.wait_for_text("#login h2", "Log in or register");
    alice.wait_until("return document.documentElement.lang", &json!("en"));
    alice.reload();
    alice.wait_for_text("#login h2", "Log in or register");
    // Every text is there in every language, with the same places for values.
    let differing: Value = alice.evaluate(
        "return import('/web/texts.js').then(({ texts }) => { \
           const places = (text) => [...text.matchAll(/{\\w+}/g)].map(String).sort().join(); \
           const keys = new Set(Object.values(texts).flatMap(Object.keys)); \
           return [...keys].filter((key) => new Set(Object.values(texts) \
             .map((language) => key in language ? places(language[key]) : null)).size > 1); \
         })",
    );
    assert_eq!(differing, json!([]));
}

fn what_is_shown_already_goes_over_to_another_language() {
    let (_scene, alice, mut bob) = alice_and_bob();
    let send = json!({"type": "send", "ref": 1, "to": {"user": 1}, "body": "hello", "data": {"a": 1}});
    assert_eq!(bob.request(&send)["type"], "sent");
    alice.click("#conversations button");
    alice.wait_for_text("#messages summary", "Data");
    alice.click("#language option[value=zh]");
    alice.wait_for_text("#messages summary", "数据");
    alice.wait_for_text("#state", "已连接");
    alice.wait_for_text("#history-state", "没有更早的消息。");
}
