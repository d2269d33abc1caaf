//! After a request.

use std::time::Duration;

use chat_core::Limits;
use chat_core::faulty::Fault;
use chat_core::hooks::HookedRequest;
use chat_core::protocol::UserSelector;
use chat_core::types::GroupId;
use serde_json::json;
use tokio::time::{Instant, timeout};

use crate::scripted::{Act, LONG, Scene, Scripted};

const DEADLINE: Duration = Duration::from_secs(5);

fn one_at_once() -> Limits {
    Limits {
        hooks_at_once: 1,
        ..Limits::default()
    }
}

#[tokio::test(start_paused = true)]
async fn hooks_are_told_what_changed_and_nothing_else() {
    let scene = Scene::of(Scripted::default()).await;
    let alice = scene.session(&scene.alice).await;
    let bob = scene.session(&scene.bob).await;
    let made = json!({"name": "rust"});
    let make = || serde_json::from_value(made.clone()).unwrap();
    for _ in 0..2 {
        alice.add_friend(UserSelector::Id(bob.user().id)).await.unwrap();
        let _ = alice.create_group(make()).await;
        bob.join_group(GroupId::new(1).unwrap()).await.unwrap();
    }
    alice.create_group(make()).await.unwrap_err();
    bob.join_group(GroupId::new(2).unwrap()).await.unwrap_err();
    alice.send(scene.message("hello")).await.unwrap();
    let told = scene.hooks.told_times(4).await;
    let expected = [
        "alice befriended bob",
        "alice made rust",
        "bob joined rust",
        "d:1:2 1 alice: hello",
    ];
    assert_eq!(told, expected);
}

#[tokio::test(start_paused = true)]
async fn a_message_is_told_once_it_is_stored_and_not_where_it_is_not() {
    let scene = Scene::of(Scripted::default()).await;
    let alice = scene.session(&scene.alice).await;
    scene.store.away("append", Fault::FailBefore);
    alice.send(scene.message("lost")).await.unwrap_err();
    scene.store.away("append", Fault::Delay(Duration::from_secs(1)));
    let begun = Instant::now();
    let (sent, told) = tokio::join!(alice.send(scene.message("kept")), async {
        let told = scene.hooks.told_times(1).await;
        (told, begun.elapsed())
    });
    sent.unwrap();
    let (told, elapsed) = told;
    assert_eq!(told, ["d:1:2 1 alice: kept"]);
    assert!(elapsed >= Duration::from_secs(1), "{elapsed:?}");
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_hangs_is_given_up_and_nobody_waits_for_it() {
    let scene = Scene::with(Scripted::default(), one_at_once()).await;
    assert_eq!(scene.chat.limits().after_hook_timeout, DEADLINE);
    let alice = scene.session(&scene.alice).await;
    scene.hooks.after(HookedRequest::Send, Act::Hang);
    let begun = Instant::now();
    for text in ["one", "two"] {
        alice.send(scene.message(text)).await.unwrap();
    }
    assert_eq!(begun.elapsed(), Duration::ZERO);
    let told = scene.hooks.told_times(2).await;
    assert_eq!(begun.elapsed(), DEADLINE);
    assert_eq!(told, ["d:1:2 1 alice: one", "d:1:2 2 alice: two"]);
}

#[tokio::test(start_paused = true)]
async fn what_fails_or_panics_harms_nothing_that_comes_after_it() {
    let scene = Scene::with(Scripted::default(), one_at_once()).await;
    let alice = scene.session(&scene.alice).await;
    let acts = [
        (Act::Fail, "fails"),
        (Act::Panic, "panics"),
        (Act::Allow, "works"),
    ];
    for (count, (act, text)) in (1..).zip(acts) {
        scene.hooks.after(HookedRequest::Send, act);
        alice.send(scene.message(text)).await.unwrap();
        let told = scene.hooks.told_times(count).await;
        assert!(told.last().unwrap().ends_with(text), "{told:?}");
    }
    assert!(scene.chat.readiness().is_ready());
}

#[tokio::test(start_paused = true)]
async fn as_many_hooks_run_at_the_same_time_as_are_allowed_and_they_begin_in_order() {
    let limits = Limits {
        hooks_at_once: 3,
        ..Limits::default()
    };
    let scene = Scene::with(Scripted::default(), limits).await;
    let alice = scene.session(&scene.alice).await;
    scene
        .hooks
        .after(HookedRequest::Send, Act::Wait(Duration::from_millis(100)));
    let begun = Instant::now();
    for number in 1..=9 {
        alice.send(scene.message(&format!("{number}"))).await.unwrap();
    }
    let told = scene.hooks.told_times(9).await;
    assert_eq!(begun.elapsed(), Duration::from_millis(200));
    assert_eq!(scene.hooks.most_running(), 3);
    let expected: Vec<_> = (1..=9)
        .map(|number| format!("d:1:2 {number} alice: {number}"))
        .collect();
    assert_eq!(told, expected);
}

#[tokio::test(start_paused = true)]
async fn what_finds_no_room_is_dropped_and_nobody_waits() {
    let limits = Limits {
        hook_queue: 2,
        ..one_at_once()
    };
    let scene = Scene::with(Scripted::default(), limits).await;
    let alice = scene.session(&scene.alice).await;
    scene.hooks.after(HookedRequest::Send, Act::Hang);
    alice.send(scene.message("runs")).await.unwrap();
    scene.hooks.told_times(1).await;
    let begun = Instant::now();
    for text in ["waits", "waits too", "dropped", "dropped too"] {
        alice.send(scene.message(text)).await.unwrap();
    }
    assert_eq!(begun.elapsed(), Duration::ZERO);
    scene.hooks.told_times(3).await;
    alice.send(scene.message("later")).await.unwrap();
    let told = scene.hooks.told_times(4).await;
    let texts: Vec<_> = told.iter().map(|told| told.split_once(": ").unwrap().1).collect();
    assert_eq!(texts, ["runs", "waits", "waits too", "later"]);
    assert_eq!(scene.stored().await.len(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_stops_tells_what_waits() {
    let scene = Scene::with(Scripted::default(), one_at_once()).await;
    let alice = scene.session(&scene.alice).await;
    scene
        .hooks
        .after(HookedRequest::Send, Act::Wait(Duration::from_millis(100)));
    for number in 0..5 {
        alice.send(scene.message(&format!("{number}"))).await.unwrap();
    }
    drop(alice);
    scene.chat.shutdown().await;
    let told = scene.hooks.told();
    assert_eq!(told.len(), 5, "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_stops_waits_for_no_hook_beyond_its_time() {
    let scene = Scene::with(Scripted::default(), one_at_once()).await;
    let alice = scene.session(&scene.alice).await;
    scene.hooks.after(HookedRequest::Send, Act::Hang);
    for number in 0..5 {
        alice.send(scene.message(&format!("{number}"))).await.unwrap();
    }
    scene.hooks.told_times(1).await;
    drop(alice);
    let begun = Instant::now();
    timeout(LONG, scene.chat.shutdown()).await.unwrap();
    // The one under way, and then as much as fits into the time of one.
    assert_eq!(begun.elapsed(), 2 * DEADLINE);
    let told = scene.hooks.told();
    assert!((2..=3).contains(&told.len()), "{told:?}");
}
