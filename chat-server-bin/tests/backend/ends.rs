//! How backends and their nodes begin and end, and what is refused.

use chat_test_services::free_port;
use libtest_mimic::Trial;

use crate::stage::{Pair, Stage, at, wait_for_readiness};
use crate::support::{failure, run};
use crate::test;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        test(
            "ends::a_backend_that_is_told_to_end_does_and_its_node_lives_on_with_another",
            a_backend_that_is_told_to_end_does_and_its_node_lives_on_with_another,
        ),
        test(
            "ends::a_node_without_its_only_backend_says_unavailable_until_it_is_back",
            a_node_without_its_only_backend_says_unavailable_until_it_is_back,
        ),
        test(
            "ends::a_node_that_finds_no_backend_says_so_and_ends",
            a_node_that_finds_no_backend_says_so_and_ends,
        ),
        test("ends::an_address_is_taken_first", an_address_is_taken_first),
        test(
            "ends::what_cannot_be_a_backend_is_refused_in_one_sentence",
            what_cannot_be_a_backend_is_refused_in_one_sentence,
        ),
        test(
            "ends::a_node_does_not_migrate_what_is_its_backends",
            a_node_does_not_migrate_what_is_its_backends,
        ),
        test(
            "ends::a_registry_of_a_node_is_named_as_unused",
            a_registry_of_a_node_is_named_as_unused,
        ),
    ]
}

fn a_backend_that_is_told_to_end_does_and_its_node_lives_on_with_another() {
    let stage = Stage::new();
    let (mut first, second) = (stage.backend("b-1", &[]), stage.backend("b-2", &[]));
    let node = stage.node("n-1", &at("grpc", &[&first, &second]), &[]);
    let mut pair = Pair::on(&node);
    pair.exchange();
    first.signal_to_end();
    for _ in 0..50 {
        pair.exchange();
    }
    let ended = first.wait();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    pair.exchange();
    wait_for_readiness(&node, 200, "ready\n");
}

fn a_node_without_its_only_backend_says_unavailable_until_it_is_back() {
    let stage = Stage::new();
    let mut backend = stage.backend("b-1", &[]);
    let node = stage.node(
        "n-1",
        &at("grpc", &[&backend]),
        &["--limits-store-timeout", "500ms"],
    );
    let mut pair = Pair::on(&node);
    pair.exchange();
    backend.kill();
    wait_for_readiness(&node, 503, "store_away\n");
    let refused = pair.send(2);
    assert_eq!(refused["code"], "unavailable", "{refused}");
    assert!(refused["retry_after_ms"].is_u64(), "{refused}");
    backend.restart();
    wait_for_readiness(&node, 200, "ready\n");
    // The same message as the one that was refused: it is stored once, whatever became of it.
    pair.exchange();
}

fn a_node_that_finds_no_backend_says_so_and_ends() {
    let nowhere = free_port().unwrap();
    let store = format!("grpc://{nowhere}");
    let ended = run(
        &[
            "--listen",
            "127.0.0.1:0",
            "--http",
            "none",
            "--event-log",
            "",
            "--store",
            &store,
        ],
        &[],
    );
    let lines: Vec<_> = ended.stderr.lines().collect();
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(4), ""), "{lines:?}");
    let sentences: Vec<_> = lines
        .iter()
        .filter(|line| line.starts_with("chat-server: "))
        .collect();
    assert_eq!(sentences.len(), 1, "{lines:?}");
    for part in [store.as_str(), "`chat-server backend`"] {
        assert!(sentences[0].contains(part), "{part}: {lines:?}");
    }
}

fn an_address_is_taken_first() {
    let stage = Stage::new();
    let backend = stage.backend("b-1", &[]);
    let listen = backend.address().to_string();
    let store = format!("sqlite:{}", stage.path("second.db"));
    let ended = run(
        &[
            "backend", "--listen", &listen, "--http", "none", "--store", &store,
        ],
        &[],
    );
    let sentence = failure(3, &ended);
    assert!(
        sentence.contains(&listen) && sentence.contains("--listen"),
        "{sentence}"
    );
    assert!(!stage.file("second.db").exists(), "the store was not touched");
}

fn what_cannot_be_a_backend_is_refused_in_one_sentence() {
    let stage = Stage::new();
    std::fs::write(stage.file("rubbish.pem"), "rubbish").unwrap();
    let (missing, rubbish) = (stage.path("missing.pem"), stage.path("rubbish.pem"));
    let zookeeper = "zookeeper://chat:hunter2@zk:2181/chat";
    for (flags, parts) in [
        (
            &["--store", "grpc://127.0.0.1:6100"][..],
            &["`store`", "mysql"][..],
        ),
        (&["--registry", "zk:2181"], &["`registry`", "zookeeper://"]),
        (&["--registry", "zookeeper://chat:hunter2@zk"], &["`registry`"]),
        (
            &["--registry", zookeeper, "--listen", "0.0.0.0:6100"],
            &["`advertise`", "0.0.0.0:6100"],
        ),
        (
            &["--registry", zookeeper, "--advertise", "here"],
            &["`advertise`"],
        ),
        (
            &["--backend-certificate", "a.pem"],
            &["`backend.certificate`", "`backend.key`"],
        ),
        (
            &["--backend-client-authority", "a.pem"],
            &["`backend.client_authority`"],
        ),
        (
            &["--backend-max-message", "1000000"],
            &["`backend.max_message`", "`limits.writer_batch`"],
        ),
        (
            &["--backend-certificate", &missing, "--backend-key", &missing],
            &[missing.as_str()],
        ),
        (
            &["--backend-certificate", &rubbish, "--backend-key", &rubbish],
            &[rubbish.as_str()],
        ),
    ] {
        let mut all = vec!["backend", "--http", "none"];
        for (flag, value) in [("--listen", "127.0.0.1:0"), ("--store", "memory:")] {
            if !flags.contains(&flag) {
                all.extend([flag, value]);
            }
        }
        let ended = run(&[&all, flags].concat(), &[]);
        let sentence = failure(2, &ended);
        for part in parts {
            assert!(sentence.contains(part), "{flags:?}: {part} is not in: {sentence}");
        }
        assert!(!sentence.contains("hunter2"), "{sentence}");
    }
}

fn a_node_does_not_migrate_what_is_its_backends() {
    let store = "grpc+zookeeper://chat:hunter2@zk:2181/chat";
    let ended = run(&["migrate", "--store", store], &[]);
    let sentence = failure(2, &ended);
    assert!(
        sentence.contains("`chat-server migrate`") && !sentence.contains("hunter2"),
        "{sentence}"
    );
}

fn a_registry_of_a_node_is_named_as_unused() {
    let stage = Stage::new();
    let registry = "zookeeper://chat:hunter2@127.0.0.1:1/chat";
    let node = stage.node("n-1", "memory:", &["--registry", registry]);
    node.wait_for_log("`registry` is not used");
    assert!(!format!("{}{}", node.stderr(), node.ready_line()).contains("hunter2"));
}
