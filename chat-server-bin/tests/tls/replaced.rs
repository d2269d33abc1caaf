//! Certificates that are replaced while the server works.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use chat_core::{Clock as _, SystemClock};
use chat_test_services::{SignedCertificate, eventually};
use serde_json::json;

use crate::client::Client;
use crate::scene::Scene;

/// Writes notes to itself, one after the other, until told to stop: each has to be stored as the next one.
fn write_notes(mut client: Client, user: u64, stop: &AtomicBool, written: &AtomicU64) {
    while !stop.load(Ordering::Relaxed) {
        let next = written.load(Ordering::Relaxed) + 1;
        let sent =
            client.request(&json!({"type": "send", "ref": next, "to": {"user": user}, "body": "a note"}));
        assert_eq!(
            (&sent["type"], &sent["seq"]),
            (&json!("sent"), &json!(next)),
            "{sent}"
        );
        written.store(next, Ordering::Relaxed);
    }
}

/// Users by both ways in.
fn clients(scene: &Scene, count: usize) -> Vec<(Client, u64)> {
    let begin = |number| {
        let mut client = if number % 2 == 0 {
            scene.connect()
        } else {
            scene.connect_by_websocket()
        };
        let user = client.begin_as(&format!("user {number}"));
        (client, user)
    };
    (0..count).map(begin).collect()
}

/// Waits until each session has written on.
fn all_go_on(written: &[AtomicU64]) {
    let counts = || written.iter().map(|count| count.load(Ordering::Relaxed));
    let before: Vec<_> = counts().collect();
    eventually("every session goes on", || {
        counts()
            .zip(&before)
            .all(|(count, before)| count > before + 1)
            .then_some(())
    })
    .unwrap();
}

/// Under load: `replace` puts each of the new certificates in place, and then a pair that does not belong together.
fn replaced_under_load(scene: &mut Scene, replace: impl Fn(&mut Scene, &SignedCertificate)) {
    let stop = AtomicBool::new(false);
    let written: Vec<_> = (0..8).map(|_| AtomicU64::new(0)).collect();
    let clients = clients(scene, written.len());
    thread::scope(|threads| {
        let writers: Vec<_> = clients
            .into_iter()
            .zip(&written)
            .map(|((client, user), written)| {
                let stop = &stop;
                threads.spawn(move || write_notes(client, user, stop, written))
            })
            .collect();
        let mut in_use = scene.first.clone();
        for _ in 0..5 {
            all_go_on(&written);
            in_use = scene.signed();
            replace(scene, &in_use);
            scene.shows(&in_use);
            all_go_on(&written);
        }
        let broken = SignedCertificate {
            key: scene.signed().key,
            ..scene.signed()
        };
        replace(scene, &broken);
        scene.server.wait_for_log("does not fit the certificate");
        assert!(scene.shown().iter().all(|shown| *shown == in_use.der));
        all_go_on(&written);
        stop.store(true, Ordering::Relaxed);
        for writer in writers {
            writer.join().unwrap();
        }
    });
    let reloads = |outcome: &str| {
        scene.counted(&format!(
            "chat_tls_certificate_reloads_total{{outcome=\"{outcome}\"}}"
        ))
    };
    assert_eq!((reloads("replaced"), reloads("refused") >= 1.0), (5.0, true));
    let told = scene.server.stderr();
    assert!(told.contains("the certificate in use stays"), "{told}");
    assert!(!told.contains("PRIVATE"), "{told}");
}

#[test]
fn sessions_go_on_and_new_ones_see_the_certificate_of_the_last_signal() {
    let mut scene = Scene::start(&["--tls-reload-interval", "1h"]);
    replaced_under_load(&mut scene, |scene, next| {
        scene.write(next);
        scene.server.reload();
    });
}

#[test]
fn sessions_go_on_and_new_ones_see_the_certificate_that_lies_in_the_files() {
    let mut scene = Scene::start(&["--tls-reload-interval", "20ms"]);
    replaced_under_load(&mut scene, |scene, next| scene.write(next));
}

#[test]
fn the_end_of_the_certificate_is_a_metric_and_a_warning() {
    let scene = Scene::start(&["--tls-reload-interval", "20ms"]);
    let now = SystemClock.now().as_millis() as f64 / 1_000.0;
    assert!(scene.counted("chat_tls_certificate_expires_timestamp_seconds") > now);

    scene.write(&scene.authority.sign_expired(&["127.0.0.1"]));
    scene.server.wait_for_log("it has expired");
    assert_eq!(scene.shown()[0], scene.first.der);

    let expired = Scene::start_with(|authority| authority.sign_expired(&["127.0.0.1"]), &[]);
    expired.server.wait_for_log("the certificate has expired");
}
