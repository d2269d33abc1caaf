//! Texts that would like to be more.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::browser::Browser;
use super::page::ENTER;
use super::scene::Scene;
use super::test;

const NAME: &str = "<img src=x onerror=window.hacked=1>";
const GROUP: &str = "<script>window.hacked=1</script>";
const BODY: &str = "</p><script>window.hacked=1</script><img src=x onerror=window.hacked=1>{{7*7}}${7*7}";
const REVERSED: &str = "\u{202e}gpj.exe \u{5e9}\u{5dc}\u{5d5}\u{5dd}";
const JOINED: &str = "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467} \u{1f1e8}\u{1f1ed} e\u{301}\n\ttwo  lines";

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        test(
            "names_groups_bodies_and_data_are_texts_and_run_nothing",
            names_groups_bodies_and_data_are_texts_and_run_nothing,
        ),
        test(
            "a_page_of_another_origin_gets_no_connection",
            a_page_of_another_origin_gets_no_connection,
        ),
        test(
            "no_text_becomes_markup_or_a_script_even_by_mistake",
            no_text_becomes_markup_or_a_script_even_by_mistake,
        ),
    ]
}

fn names_groups_bodies_and_data_are_texts_and_run_nothing() {
    let scene = Scene::start();
    let mut mallory = scene.connect();
    mallory.begin_as(NAME);
    let alice = Browser::start(&scene.driver, "alice");
    alice.register(&scene.url(), "alice");
    listen_for_violations(&alice);
    let mut ask = |fields: Value| {
        let mut request = fields;
        request["ref"] = json!("hostile");
        let reply = mallory.request(&request);
        assert_ne!(reply["type"], "error", "{reply}");
    };
    ask(json!({"type": "create_group", "name": GROUP, "description": BODY}));
    ask(json!({"type": "add_friend", "user": 2}));
    let data = json!({"<b>x</b>": BODY, "__proto__": {"hacked": 1}});
    ask(json!({"type": "send", "to": {"user": 2}, "body": BODY, "data": data}));
    // As long as a text can be, and all of it markup.
    let longest = BODY.repeat(8_192 / BODY.len());
    for text in [REVERSED, JOINED, &longest] {
        ask(json!({"type": "send", "to": {"user": 2}, "body": text}));
    }

    alice.wait_for_entry("friends", NAME, "online");
    alice.click("#conversations button");
    alice.wait_for_text("#title", NAME);
    alice.wait_for_messages(&[BODY, REVERSED, JOINED, &longest]);
    alice.wait_for_text("#messages .name", NAME);
    let shown = alice.evaluate("return document.querySelector('#messages pre').textContent");
    let shown: Value = serde_json::from_str(shown.as_str().unwrap()).unwrap();
    assert_eq!(shown, data);
    let directions =
        "return [...document.querySelectorAll('#messages .body')].every((body) => body.dir === 'auto')";
    alice.wait_until(directions, &json!(true));

    alice.click("#join-group");
    alice.fill("#dialog [name=group]", "1");
    alice.press(ENTER);
    alice.wait_for_text("#title", GROUP);
    alice.wait_for_text("#subtitle", &format!("Group 1, members: 2. {BODY}"));
    alice.wait_for_entry("groups", GROUP, "Group 1");
    alice.click("#members");
    alice.wait_for_text("#dialog li .title", NAME);
    nothing_ran(&alice);
}

fn no_text_becomes_markup_or_a_script_even_by_mistake() {
    let scene = Scene::start();
    let alice = Browser::start(&scene.driver, "alice");
    alice.register(&scene.url(), "alice");
    for attempt in [
        "document.body.innerHTML = '<b>x</b>'",
        "document.body.insertAdjacentHTML('beforeend', '<b>x</b>')",
        "eval('1')",
        "new Function('return 1')",
        "document.createElement('img').setAttribute('onerror', 'window.hacked = 1')",
    ] {
        // Later, since the browser lets the driver's own scripts do more.
        alice.evaluate(&format!(
            "window.outcome = null; \
             setTimeout(() => {{ try {{ {attempt}; window.outcome = 'done' }} catch {{ window.outcome = 'refused' }} }})"
        ));
        alice.wait_until(
            &format!("return [window.outcome, {}]", json!(attempt)),
            &json!(["refused", attempt]),
        );
    }
    // A style that stands in the page is no style.
    alice.evaluate(
        "const box = document.createElement('div'); \
         box.setAttribute('style', 'position: fixed'); \
         box.id = 'styled'; \
         document.body.append(box)",
    );
    alice.wait_until(
        "return getComputedStyle(document.getElementById('styled')).position",
        &json!("static"),
    );
    assert_eq!(alice.evaluate("return window.hacked ?? null"), Value::Null);
}

fn a_page_of_another_origin_gets_no_connection() {
    // Pages without a policy of their own, which would refuse before the server does.
    let scene = Scene::start();
    let mallory = Browser::start(&scene.driver, "mallory");
    let connect = format!(
        "return new Promise((answer) => {{ \
           const socket = new WebSocket({}, 'chat.v1'); \
           socket.onopen = () => answer('open'); \
           socket.onclose = () => answer('closed'); \
         }})",
        json!(scene.url().replace("http:", "ws:") + "ws")
    );
    let own = format!("{}healthz", scene.url());
    for (page, expected) in [
        (own.replace("127.0.0.1", "localhost"), "closed"),
        (own.clone(), "open"),
    ] {
        mallory.go_to(&page);
        assert_eq!(mallory.evaluate(&connect), json!(expected), "{page}");
    }
}

fn listen_for_violations(browser: &Browser) {
    browser.evaluate(
        "window.violations = []; \
         addEventListener('securitypolicyviolation', (event) => window.violations.push(event.violatedDirective))",
    );
}

fn nothing_ran(browser: &Browser) {
    assert_eq!(browser.evaluate("return window.hacked ?? null"), Value::Null);
    assert_eq!(browser.evaluate("return ({}).hacked ?? null"), Value::Null);
    assert_eq!(browser.evaluate("return window.violations"), json!([]));
    let strange = "return document.querySelectorAll('body img, body script, body b, body iframe').length";
    assert_eq!(browser.evaluate(strange), json!(0));
}
