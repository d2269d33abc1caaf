//! The messages that a session begins with.

use futures_util::future::join;

use crate::contract::check::{Failure, Verdict, equal, holds};
use crate::contract::runner::{Case, Scene, cases};
use crate::contract::scene::{PLENTY, device, seq};
use crate::ports::{SessionStart, Stores};
use crate::types::{ConversationId, Message, Seq, UserId};

pub(super) fn cases() -> Vec<Case<Stores>> {
    cases! {
        Nothing {
            a_session_starts_with_the_new_messages_of_direct_conversations_in_the_order_of_positions,
            a_session_starts_with_no_more_messages_than_asked_for,
            a_session_starts_with_messages_of_no_other_conversations_than_it_has_positions_of,
            a_session_starts_far_behind_with_the_first_messages_and_no_gap,
            a_session_of_a_device_that_has_everything_starts_with_no_message,
            a_session_starts_with_messages_as_they_were_when_its_positions_were,
        }
    }
}

async fn start(
    scene: &Scene<Stores>,
    user: UserId,
    positions_limit: usize,
    messages_limit: usize,
) -> Result<SessionStart, Failure> {
    let phone = device("phone")?;
    let start = scene
        .devices
        .session_start(user, &phone, positions_limit, messages_limit);
    Ok(start.await?)
}

/// A user with conversations on both sides of their own id, whose device is behind in most of them: in one that it never
/// acknowledged, or by one or two messages, and also in a group. Answers who they are.
async fn late_reader(scene: &Scene<Stores>) -> Result<UserId, Failure> {
    let mut others = scene.user_ids(6).await?;
    let alice = scene.user("alice").await?.id;
    for number in 0..6 {
        others.push(scene.user(&format!("later user {number}")).await?.id);
    }
    scene.open(alice, "phone", 0).await?;
    for (acked, other) in (0..).zip(others.iter().rev().chain([&alice])) {
        let conversation = ConversationId::direct(alice, *other);
        scene.fill(conversation, *other, 1, 3).await?;
        scene.ack(alice, "phone", conversation, acked % 4).await?;
    }
    let group = scene.group("group", alice).await?;
    scene.fill(ConversationId::group(group), alice, 1, 3).await?;
    Ok(alice)
}

/// What the device has not got of the conversations that it has positions of.
async fn unread(scene: &Scene<Stores>, start: &SessionStart) -> Result<Vec<Message>, Failure> {
    let mut messages = Vec::new();
    for position in &start.positions {
        let (conversation, after) = (position.conversation, position.acked_seq);
        messages.extend(scene.messages.read_after(conversation, after, PLENTY).await?);
    }
    Ok(messages)
}

async fn a_session_starts_with_the_new_messages_of_direct_conversations_in_the_order_of_positions(
    scene: Scene<Stores>,
) -> Verdict {
    let alice = late_reader(&scene).await?;
    let start = start(&scene, alice, PLENTY, PLENTY).await?;
    let expected = unread(&scene, &start).await?;
    equal("how many messages", expected.len(), 21)?;
    equal("the messages", start.messages, expected)
}

async fn a_session_starts_with_no_more_messages_than_asked_for(scene: Scene<Stores>) -> Verdict {
    let alice = late_reader(&scene).await?;
    for limit in [0, 1, 2, 3, 8, 20, 21] {
        let start = start(&scene, alice, PLENTY, limit).await?;
        let mut expected = unread(&scene, &start).await?;
        expected.truncate(limit);
        equal("how many messages", expected.len(), limit)?;
        equal("the messages", start.messages, expected)?;
        equal("how many positions", start.positions.len(), 13)?;
    }
    Ok(())
}

async fn a_session_starts_with_messages_of_no_other_conversations_than_it_has_positions_of(
    scene: Scene<Stores>,
) -> Verdict {
    let alice = late_reader(&scene).await?;
    for limit in [1, 3, 7, 12] {
        let start = start(&scene, alice, limit, PLENTY).await?;
        equal("how many positions", start.positions.len(), limit)?;
        let expected = unread(&scene, &start).await?;
        equal("the messages", start.messages, expected)?;
    }
    Ok(())
}

async fn a_session_starts_far_behind_with_the_first_messages_and_no_gap(scene: Scene<Stores>) -> Verdict {
    const PAGE: usize = 100;
    let (alice, bob, conversation) = scene.two_users().await?;
    scene.open(alice, "phone", 0).await?;
    scene.fill(conversation, bob, 1, 1_200).await?;
    scene.ack(alice, "phone", conversation, 7).await?;
    let page = scene.messages.read_after(conversation, seq(7), PAGE).await?;
    equal(
        "the page",
        start(&scene, alice, PLENTY, PAGE).await?.messages,
        page,
    )?;
    // As many as the store takes for its own limit, if it has one.
    let messages = start(&scene, alice, PLENTY, PLENTY).await?.messages;
    let expected = scene
        .messages
        .read_after(conversation, seq(7), messages.len())
        .await?;
    holds("there is more than a page", messages.len() > PAGE)?;
    equal("the messages", messages, expected)
}

async fn a_session_of_a_device_that_has_everything_starts_with_no_message(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, conversation) = scene.two_users().await?;
    scene.open(alice, "phone", 0).await?;
    scene.fill(conversation, bob, 1, 3).await?;
    scene.ack(alice, "phone", conversation, 3).await?;
    // News of a group are no part of it, and neither is what others write to each other.
    let carol = scene.user("carol").await?.id;
    scene.fill(ConversationId::direct(bob, carol), bob, 1, 3).await?;
    let group = scene.group("group", alice).await?;
    scene.fill(ConversationId::group(group), alice, 1, 3).await?;
    let start = start(&scene, alice, PLENTY, PLENTY).await?;
    equal("how many positions", start.positions.len(), 1)?;
    equal("the messages", start.messages, vec![])
}

/// While somebody writes, messages come up to the positions' ends and no further.
async fn a_session_starts_with_messages_as_they_were_when_its_positions_were(
    scene: Scene<Stores>,
) -> Verdict {
    const MESSAGES: u64 = 60;
    let (alice, bob, conversation) = scene.two_users().await?;
    scene.open(alice, "phone", 0).await?;
    let writer = async {
        for number in 1..=MESSAGES {
            scene.fill(conversation, bob, number, number).await?;
        }
        Verdict::Ok(())
    };
    let reader = async {
        let mut seen = Seq::ZERO;
        while seen < seq(MESSAGES) {
            let SessionStart {
                positions, messages, ..
            } = start(&scene, alice, PLENTY, PLENTY).await?;
            let last = positions.first().map_or(Seq::ZERO, |position| position.last_seq);
            let numbers: Vec<_> = messages.iter().map(|message| message.seq.get()).collect();
            equal("the messages", numbers, (1..=last.get()).collect::<Vec<_>>())?;
            holds("it never goes back", last >= seen)?;
            seen = last;
            // The backends in memory never wait.
            tokio::task::yield_now().await;
        }
        Ok(())
    };
    let (written, read) = join(writer, reader).await;
    written.and(read)
}
