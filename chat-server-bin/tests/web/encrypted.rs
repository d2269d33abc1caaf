//! The page by HTTPS, whose connection is a `wss:` one.

use chat_test_services::Authority;
use libtest_mimic::Trial;
use serde_json::json;

use super::browser::Browser;
use super::scene::Scene;
use super::test;

pub(crate) fn trials() -> Vec<Trial> {
    vec![test(
        "by_https_too_what_is_written_while_the_line_is_cut_arrives_once",
        by_https_too_what_is_written_while_the_line_is_cut_arrives_once,
    )]
}

fn by_https_too_what_is_written_while_the_line_is_cut_arrives_once() {
    let folder = tempfile::tempdir().unwrap();
    let signed = Authority::default().sign(&["127.0.0.1"]);
    let (certificate, key) = signed.write_to(folder.path(), "server").unwrap();
    let (certificate, key) = (certificate.to_str().unwrap(), key.to_str().unwrap());
    let scene = Scene::start_with(&[
        "--store",
        "memory:",
        "--tls-certificate",
        certificate,
        "--tls-key",
        key,
    ]);
    let url = format!("https://{}/", scene.line.address());
    let alice = Browser::start(&scene.driver, "alice");
    let bob = Browser::start(&scene.driver, "bob");
    alice.register(&url, "alice");
    bob.register(&url, "bob");
    alice.wait_until("return isSecureContext && location.protocol", &json!("https:"));
    alice.open_chat_with("bob");
    bob.open_chat_with("alice");
    alice.write("before");
    bob.wait_for_messages(&["before"]);

    scene.cut_off(&alice);
    alice.write("meanwhile");
    alice.wait_for_waiting(1);
    alice.find_network();
    alice.wait_for_waiting(0);
    bob.wait_for_messages(&["before", "meanwhile"]);
    bob.write("after");
    alice.wait_for_messages(&["before", "meanwhile", "after"]);
}
