//! How far each device has received.

use crate::contract::check::{Failure, Verdict, equal, holds};
use crate::contract::runner::{Case, Scene, cases};
use crate::contract::scene::{PLENTY, device, seq};
use crate::ports::{CursorAdvance, Position, Stores};
use crate::types::{ConversationId, UserId};

pub(super) fn cases() -> Vec<Case<Stores>> {
    cases! {
        Nothing {
            a_position_tells_the_last_message_and_the_acknowledged_one,
            acknowledged_positions_never_go_back,
            acknowledgements_count_for_their_device_alone,
            acknowledgements_of_devices_never_opened_are_ignored,
            a_members_position_is_never_before_the_joining,
            who_takes_no_part_has_no_position,
            members_have_a_position_in_a_group_without_messages,
            positions_come_in_pages_by_ascending_id,
        }
        Restart { positions_survive_a_restart }
    }
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
        .devices
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
        .devices
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
        let all = scene.devices.positions(bob, &device(name)?, None, PLENTY).await?;
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
        scene.devices.positions(carol, &phone, None, PLENTY).await?,
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
        .devices
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
            .devices
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
