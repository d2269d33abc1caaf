//! Sessions of devices: how they are counted, and where a new device starts.

use crate::contract::check::{Verdict, equal, holds};
use crate::contract::runner::{Case, Scene, cases};
use crate::contract::scene::{PLENTY, at, device};
use crate::ports::Stores;
use crate::types::ConversationId;

pub(super) fn cases() -> Vec<Case<Stores>> {
    cases! {
        Nothing {
            every_session_of_a_device_gets_a_higher_number,
            sessions_opened_at_once_get_different_numbers,
            a_device_never_seen_starts_at_the_furthest_device,
            a_seen_device_does_not_jump_when_another_acknowledges_later,
            the_first_device_starts_at_the_beginning,
            the_device_unseen_for_longest_is_forgotten,
            a_device_that_was_forgotten_counts_on,
        }
    }
}

async fn every_session_of_a_device_gets_a_higher_number(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, _) = scene.two_users().await?;
    let mut last = 0;
    for millis in [1, 2, 2, 1] {
        let number = scene.open(alice, "phone", millis).await?;
        holds("the number is higher than the one before", number > last)?;
        last = number;
        scene.open(bob, "phone", millis).await?;
        scene.open(alice, "Phone", millis).await?;
    }
    Ok(())
}

async fn sessions_opened_at_once_get_different_numbers(scene: Scene<Stores>) -> Verdict {
    let alice = scene.user("alice").await?.id;
    let handles = [scene.devices.clone(), scene.another().await?.devices];
    let mut calls = tokio::task::JoinSet::new();
    for store in handles.into_iter().cycle().take(10) {
        let phone = device("phone")?;
        calls.spawn(async move { store.open_device(alice, &phone, at(0), PLENTY).await });
    }
    let mut numbers = Vec::new();
    while let Some(opened) = calls.join_next().await {
        numbers.push(opened??.epoch);
    }
    numbers.sort_unstable();
    numbers.dedup();
    equal("how many numbers were given out", numbers.len(), 10)
}

async fn a_device_never_seen_starts_at_the_furthest_device(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, direct) = scene.two_users().await?;
    let notes = ConversationId::direct(bob, bob);
    scene.fill(direct, alice, 1, 9).await?;
    scene.fill(notes, bob, 1, 9).await?;
    scene.open(bob, "phone", 0).await?;
    scene.open(bob, "laptop", 0).await?;
    for (name, conversation, number) in [
        ("phone", direct, 4),
        ("laptop", direct, 6),
        ("phone", notes, 8),
        ("laptop", notes, 2),
    ] {
        scene.ack(bob, name, conversation, number).await?;
    }
    scene.open(bob, "tablet", 1).await?;
    scene.expect_acked(bob, "tablet", direct, 6).await?;
    scene.expect_acked(bob, "tablet", notes, 8).await?;
    scene.expect_acked(bob, "phone", direct, 4).await?;
    scene.open(bob, "phone", 2).await?;
    scene.expect_acked(bob, "phone", direct, 4).await
}

async fn a_seen_device_does_not_jump_when_another_acknowledges_later(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, conversation) = scene.two_users().await?;
    scene.open(bob, "phone", 0).await?;
    scene.open(bob, "laptop", 0).await?;
    scene.fill(conversation, alice, 1, 5).await?;
    scene.ack(bob, "laptop", conversation, 5).await?;
    scene.expect_acked(bob, "phone", conversation, 0).await?;
    scene.open(bob, "phone", 1).await?;
    scene.expect_acked(bob, "phone", conversation, 0).await
}

async fn the_first_device_starts_at_the_beginning(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, conversation) = scene.two_users().await?;
    scene.fill(conversation, alice, 1, 5).await?;
    scene.open(bob, "phone", 0).await?;
    scene.expect_acked(bob, "phone", conversation, 0).await
}

async fn the_device_unseen_for_longest_is_forgotten(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, conversation) = scene.two_users().await?;
    scene.fill(conversation, alice, 1, 9).await?;
    for (name, millis) in [("one", 1), ("two", 2), ("three", 3), ("one", 4)] {
        scene
            .devices
            .open_device(bob, &device(name)?, at(millis), 3)
            .await?;
    }
    scene.ack(bob, "one", conversation, 3).await?;
    scene.devices.open_device(bob, &device("four")?, at(5), 3).await?;
    // "two" is unknown from now on: its acknowledgement is ignored, and it starts like a new one.
    scene.ack(bob, "two", conversation, 9).await?;
    scene.ack(bob, "three", conversation, 2).await?;
    scene.expect_acked(bob, "one", conversation, 3).await?;
    scene.expect_acked(bob, "three", conversation, 2).await?;
    scene.open(bob, "two", 6).await?;
    scene.expect_acked(bob, "two", conversation, 3).await
}

async fn a_device_that_was_forgotten_counts_on(scene: Scene<Stores>) -> Verdict {
    let alice = scene.user("alice").await?.id;
    let mut last = 0;
    for millis in 1..=3 {
        last = scene.open(alice, "phone", millis).await?;
    }
    let laptop = device("laptop")?;
    scene.devices.open_device(alice, &laptop, at(4), 1).await?;
    let number = scene.open(alice, "phone", 5).await?;
    holds("the number is higher than before it was forgotten", number > last)
}
