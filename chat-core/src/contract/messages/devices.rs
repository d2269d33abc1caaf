//! How far each device has received.

use crate::contract::check::{Failure, Verdict, equal, holds};
use crate::contract::runner::{Case, Scene, cases};
use crate::contract::scene::{PLENTY, at, device, seq};
use crate::ports::{CursorAdvance, Position, Stores};
use crate::types::{ConversationId, UserId};

pub(super) fn cases() -> Vec<Case<Stores>> {
    cases! {
        Nothing {
            every_session_of_a_device_gets_a_higher_number,
            sessions_opened_at_once_get_different_numbers,
            a_position_tells_the_last_message_and_the_acknowledged_one,
            acknowledged_positions_never_go_back,
            acknowledgements_count_for_their_device_alone,
            acknowledgements_of_devices_never_opened_are_ignored,
            a_device_never_seen_starts_at_the_furthest_device,
            a_seen_device_does_not_jump_when_another_acknowledges_later,
            the_first_device_starts_at_the_beginning,
            a_members_position_is_never_before_the_joining,
            the_device_unseen_for_longest_is_forgotten,
            who_takes_no_part_has_no_position,
            members_have_a_position_in_a_group_without_messages,
            positions_come_in_pages_by_ascending_id,
        }
        Restart { positions_survive_a_restart }
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
    let handles = [scene.messages.clone(), scene.another().await?.messages];
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

async fn a_position_tells_the_last_message_and_the_acknowledged_one(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, conversation) = scene.two_users().await?;
    scene.open(bob, "phone", 0).await?;
    scene.fill(conversation, alice, 1, 5).await?;
    scene.ack(bob, "phone", conversation, 3).await?;
    let expected = Position {
        conversation,
        last_seq: seq(5),
        acked_seq: seq(3),
    };
    equal(
        "the position",
        scene.position(bob, "phone", conversation).await?,
        Some(expected),
    )?;
    let all = scene
        .messages
        .positions(bob, &device("phone")?, None, PLENTY)
        .await?;
    equal("all positions", all, vec![expected])
}

async fn acknowledged_positions_never_go_back(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, conversation) = scene.two_users().await?;
    scene.open(bob, "phone", 0).await?;
    scene.fill(conversation, alice, 1, 9).await?;
    for (acked, stands) in [(3, 3), (2, 3), (3, 3), (0, 3), (7, 7), (1, 7)] {
        scene.ack(bob, "phone", conversation, acked).await?;
        scene.expect_acked(bob, "phone", conversation, stands).await?;
    }
    let ack = |number| -> Result<_, Failure> {
        let device = device("phone")?;
        Ok(CursorAdvance {
            user: bob,
            device,
            conversation,
            seq: seq(number),
        })
    };
    scene
        .messages
        .advance_cursors(&[ack(8)?, ack(9)?, ack(5)?])
        .await?;
    scene.expect_acked(bob, "phone", conversation, 9).await
}

async fn acknowledgements_count_for_their_device_alone(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, conversation) = scene.two_users().await?;
    let notes = ConversationId::direct(bob, bob);
    scene.fill(conversation, alice, 1, 5).await?;
    scene.fill(notes, bob, 1, 5).await?;
    for (user, name) in [(bob, "phone"), (bob, "laptop"), (alice, "phone")] {
        scene.open(user, name, 0).await?;
    }
    scene.ack(bob, "phone", conversation, 4).await?;
    scene.expect_acked(bob, "phone", conversation, 4).await?;
    scene.expect_acked(bob, "phone", notes, 0).await?;
    scene.expect_acked(bob, "laptop", conversation, 0).await?;
    scene.expect_acked(alice, "phone", conversation, 0).await
}

async fn acknowledgements_of_devices_never_opened_are_ignored(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, conversation) = scene.two_users().await?;
    scene.fill(conversation, alice, 1, 5).await?;
    scene.ack(bob, "ghost", conversation, 4).await?;
    scene.open(bob, "phone", 0).await?;
    scene.expect_acked(bob, "phone", conversation, 0).await?;
    scene.open(bob, "ghost", 1).await?;
    scene.expect_acked(bob, "ghost", conversation, 0).await
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

async fn a_members_position_is_never_before_the_joining(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, _) = scene.two_users().await?;
    let group = scene.group("rust", alice).await?;
    let conversation = ConversationId::group(group);
    scene.open(bob, "phone", 0).await?;
    scene.fill(conversation, alice, 1, 4).await?;
    scene.join(group, bob).await?;
    scene.open(bob, "laptop", 1).await?;
    scene.fill(conversation, alice, 5, 6).await?;
    for name in ["phone", "laptop"] {
        scene.expect_acked(bob, name, conversation, 4).await?;
        let all = scene
            .messages
            .positions(bob, &device(name)?, None, PLENTY)
            .await?;
        let expected = Position {
            conversation,
            last_seq: seq(6),
            acked_seq: seq(4),
        };
        equal("all positions", all, vec![expected])?;
    }
    scene.ack(bob, "phone", conversation, 2).await?;
    scene.expect_acked(bob, "phone", conversation, 4).await
}

async fn the_device_unseen_for_longest_is_forgotten(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, conversation) = scene.two_users().await?;
    scene.fill(conversation, alice, 1, 9).await?;
    for (name, millis) in [("one", 1), ("two", 2), ("three", 3), ("one", 4)] {
        scene
            .messages
            .open_device(bob, &device(name)?, at(millis), 3)
            .await?;
    }
    scene.ack(bob, "one", conversation, 3).await?;
    scene
        .messages
        .open_device(bob, &device("four")?, at(5), 3)
        .await?;
    // "two" is unknown from now on: its acknowledgement is ignored, and it starts like a new one.
    scene.ack(bob, "two", conversation, 9).await?;
    scene.ack(bob, "three", conversation, 2).await?;
    scene.expect_acked(bob, "one", conversation, 3).await?;
    scene.expect_acked(bob, "three", conversation, 2).await?;
    scene.open(bob, "two", 6).await?;
    scene.expect_acked(bob, "two", conversation, 3).await
}

async fn who_takes_no_part_has_no_position(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, direct) = scene.two_users().await?;
    let carol = scene.user("carol").await?.id;
    scene.open(alice, "phone", 0).await?;
    scene.open(carol, "phone", 0).await?;
    equal(
        "before the first message",
        scene.position(alice, "phone", direct).await?,
        None,
    )?;
    scene.fill(direct, bob, 1, 1).await?;
    let group = scene.group("rust", alice).await?;
    scene.join(group, carol).await?;
    scene.fill(ConversationId::group(group), alice, 1, 1).await?;
    scene.groups.leave_group(group, carol).await?;
    for conversation in [direct, ConversationId::group(group)] {
        equal(
            "a stranger's",
            scene.position(carol, "phone", conversation).await?,
            None,
        )?;
    }
    let phone = device("phone")?;
    equal(
        "all of hers",
        scene.messages.positions(carol, &phone, None, PLENTY).await?,
        vec![],
    )?;
    equal(
        "the heads",
        scene.messages.heads(carol, &phone, PLENTY).await?,
        vec![],
    )
}

async fn members_have_a_position_in_a_group_without_messages(scene: Scene<Stores>) -> Verdict {
    let alice = scene.user("alice").await?.id;
    let conversation = ConversationId::group(scene.group("rust", alice).await?);
    scene.open(alice, "phone", 0).await?;
    let expected = Position {
        conversation,
        last_seq: seq(0),
        acked_seq: seq(0),
    };
    equal(
        "the position",
        scene.position(alice, "phone", conversation).await?,
        Some(expected),
    )?;
    let all = scene
        .messages
        .positions(alice, &device("phone")?, None, PLENTY)
        .await?;
    equal("all positions", all, vec![expected])
}

async fn positions_come_in_pages_by_ascending_id(scene: Scene<Stores>) -> Verdict {
    let alice = scene.user("alice").await?.id;
    scene.open(alice, "phone", 0).await?;
    let mut expected = Vec::new();
    for user in scene.user_ids(12).await? {
        let (direct, group) = conversations_with(&scene, alice, user).await?;
        expected.extend([
            Position {
                conversation: direct,
                last_seq: seq(2),
                acked_seq: seq(1),
            },
            Position {
                conversation: group,
                last_seq: seq(0),
                acked_seq: seq(0),
            },
        ]);
    }
    expected.sort_by_key(|position| position.conversation);
    let mut listed: Vec<Position> = Vec::new();
    loop {
        let after = listed.last().map(|position| position.conversation);
        let page = scene
            .messages
            .positions(alice, &device("phone")?, after, 5)
            .await?;
        holds("a page is within its limit", page.len() <= 5)?;
        if page.is_empty() {
            break;
        }
        listed.extend(page);
    }
    equal("the positions", listed, expected)
}

/// A direct conversation of two messages, of which one is acknowledged, and a silent group.
async fn conversations_with(
    scene: &Scene<Stores>,
    alice: UserId,
    user: UserId,
) -> Result<(ConversationId, ConversationId), Failure> {
    let direct = ConversationId::direct(alice, user);
    scene.fill(direct, user, 1, 2).await?;
    scene.ack(alice, "phone", direct, 1).await?;
    let group = scene.group(&format!("group {user}"), user).await?;
    scene.join(group, alice).await?;
    Ok((direct, ConversationId::group(group)))
}

async fn positions_survive_a_restart(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, conversation) = scene.two_users().await?;
    let first = scene.open(bob, "phone", 0).await?;
    scene.fill(conversation, alice, 1, 5).await?;
    scene.ack(bob, "phone", conversation, 3).await?;
    let scene = scene.restarted().await?;
    scene.expect_acked(bob, "phone", conversation, 3).await?;
    holds(
        "sessions are counted on",
        scene.open(bob, "phone", 1).await? > first,
    )
}
