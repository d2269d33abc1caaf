//! Reading messages, and which conversations changed.

use std::time::Duration;

use crate::contract::check::{Failure, Verdict, equal, holds};
use crate::contract::runner::{Case, Scene, cases};
use crate::contract::scene::{PLENTY, seq, unknown_group};
use crate::ports::{MessageRange, Stores};
use crate::types::{ConversationId, Message, Seq};

const HOUR: Duration = Duration::from_secs(3_600);

pub(super) fn cases() -> Vec<Case<Stores>> {
    cases! {
        Nothing {
            reading_after_a_number_gives_what_follows_it,
            reading_before_a_number_gives_the_last_ones_before_it,
            ranges_are_read_in_the_order_given_and_each_to_its_limit,
            a_conversation_without_messages_reads_as_empty,
            pages_forward_neither_skip_nor_repeat_while_messages_are_added,
            pages_backward_neither_skip_nor_repeat_while_messages_are_added,
            changed_conversations_come_with_their_last_number,
            changed_conversations_come_in_pages_by_ascending_id,
            changed_conversations_leave_the_window_as_time_passes,
        }
    }
}

fn numbers(messages: &[Message]) -> Vec<u64> {
    messages.iter().map(|message| message.seq.get()).collect()
}

fn range(first: u64, last: u64) -> Vec<u64> {
    (first..=last).collect()
}

async fn reading_after_a_number_gives_what_follows_it(scene: Scene<Stores>) -> Verdict {
    let (alice, _, conversation) = scene.two_users().await?;
    scene.fill(conversation, alice, 1, 12).await?;
    for (after, limit, expected) in [
        (0, PLENTY, range(1, 12)),
        (0, 3, range(1, 3)),
        (8, 3, range(9, 11)),
        (10, 3, range(11, 12)),
        (12, 3, vec![]),
        (99, 3, vec![]),
        (0, 0, vec![]),
    ] {
        let read = scene.messages.read_after(conversation, seq(after), limit).await?;
        equal(&format!("{limit} after {after}"), numbers(&read), expected)?;
    }
    Ok(())
}

async fn reading_before_a_number_gives_the_last_ones_before_it(scene: Scene<Stores>) -> Verdict {
    let (alice, _, conversation) = scene.two_users().await?;
    scene.fill(conversation, alice, 1, 12).await?;
    for (before, limit, expected) in [
        (None, PLENTY, range(1, 12)),
        (None, 3, range(10, 12)),
        (Some(10), 3, range(7, 9)),
        (Some(3), 3, range(1, 2)),
        (Some(1), 3, vec![]),
        (Some(0), 3, vec![]),
        (Some(99), 2, range(11, 12)),
        (None, 0, vec![]),
    ] {
        let read = scene
            .messages
            .read_before(conversation, before.map(seq), limit)
            .await?;
        equal(&format!("{limit} before {before:?}"), numbers(&read), expected)?;
    }
    Ok(())
}

async fn ranges_are_read_in_the_order_given_and_each_to_its_limit(scene: Scene<Stores>) -> Verdict {
    let mut conversations = many_conversations(&scene).await?;
    let sender = scene.user("sender").await?.id;
    // Their order is that of no key.
    conversations.reverse();
    conversations.swap(0, 3);
    let mut ranges = Vec::new();
    let mut expected = Vec::new();
    for (place, conversation) in (0_u64..).zip(conversations) {
        if let Some(group) = conversation.as_group() {
            scene.join(group, sender).await?;
            scene.fill(conversation, sender, 2, 6).await?;
        }
        let (after, limit) = (place % 4, usize::try_from(place % 3)?);
        let alone = scene.messages.read_after(conversation, seq(after), limit).await?;
        expected.extend(alone);
        ranges.push(MessageRange {
            conversation,
            after: seq(after),
            limit,
        });
    }
    ranges.push(MessageRange {
        conversation: ConversationId::group(unknown_group()?),
        after: Seq::ZERO,
        limit: PLENTY,
    });
    holds("some messages are read", expected.len() > 10)?;
    let read = scene.messages.read_ranges(&ranges).await?;
    equal("the messages", read, expected)?;
    equal("no range", scene.messages.read_ranges(&[]).await?, vec![])
}

async fn a_conversation_without_messages_reads_as_empty(scene: Scene<Stores>) -> Verdict {
    let (alice, _, direct) = scene.two_users().await?;
    let group = scene.group("rust", alice).await?;
    for conversation in [
        direct,
        ConversationId::group(group),
        ConversationId::group(unknown_group()?),
    ] {
        let after = scene.messages.read_after(conversation, Seq::ZERO, PLENTY).await?;
        let before = scene.messages.read_before(conversation, None, PLENTY).await?;
        equal("the messages", (after, before), (vec![], vec![]))?;
    }
    Ok(())
}

async fn pages_forward_neither_skip_nor_repeat_while_messages_are_added(scene: Scene<Stores>) -> Verdict {
    let (alice, _, conversation) = scene.two_users().await?;
    scene.fill(conversation, alice, 1, 10).await?;
    let (mut read, mut last) = (Vec::new(), 10);
    loop {
        let cursor = seq(read.len() as u64);
        let page = scene.messages.read_after(conversation, cursor, 4).await?;
        if page.is_empty() {
            break;
        }
        read.extend(numbers(&page));
        if last < 20 {
            scene.fill(conversation, alice, last + 1, last + 3).await?;
            last += 3;
        }
    }
    equal("the numbers", read, range(1, last))
}

async fn pages_backward_neither_skip_nor_repeat_while_messages_are_added(scene: Scene<Stores>) -> Verdict {
    let (alice, _, conversation) = scene.two_users().await?;
    scene.fill(conversation, alice, 1, 10).await?;
    let mut read: Vec<u64> = Vec::new();
    for round in 0_u64.. {
        let before = read.first().copied().map(seq);
        let page = scene.messages.read_before(conversation, before, 4).await?;
        if page.is_empty() {
            break;
        }
        read.splice(0..0, numbers(&page));
        scene.fill(conversation, alice, 11 + round, 11 + round).await?;
    }
    equal("the numbers", read, range(1, 10))
}

async fn changed_conversations_come_with_their_last_number(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, direct) = scene.two_users().await?;
    let group = ConversationId::group(scene.group("rust", alice).await?);
    scene.group("silent", bob).await?;
    scene.fill(direct, alice, 1, 2).await?;
    scene.fill(group, alice, 1, 1).await?;
    scene.fill(direct, bob, 3, 3).await?;
    let changed = scene.messages.changed_conversations(HOUR, None, PLENTY).await?;
    equal("what changed", changed, vec![(direct, seq(3)), (group, seq(1))])
}

async fn changed_conversations_come_in_pages_by_ascending_id(scene: Scene<Stores>) -> Verdict {
    let mut conversations = many_conversations(&scene).await?;
    conversations.sort_unstable();
    let mut listed: Vec<ConversationId> = Vec::new();
    loop {
        let after = listed.last().copied();
        let page = scene.messages.changed_conversations(HOUR, after, 5).await?;
        holds("a page is within its limit", page.len() <= 5)?;
        if page.is_empty() {
            break;
        }
        listed.extend(page.into_iter().map(|(id, _)| id));
    }
    equal("what changed", listed, conversations)
}

/// Direct conversations and groups with one message each, whose ids have one and two digits.
async fn many_conversations(scene: &Scene<Stores>) -> Result<Vec<ConversationId>, Failure> {
    let alice = scene.user("alice").await?.id;
    let mut conversations = Vec::new();
    for user in scene.user_ids(12).await? {
        let group = scene.group(&format!("group {user}"), alice).await?;
        conversations.extend([ConversationId::direct(alice, user), ConversationId::group(group)]);
    }
    for conversation in conversations.iter().rev() {
        scene.fill(*conversation, alice, 1, 1).await?;
    }
    Ok(conversations)
}

async fn changed_conversations_leave_the_window_as_time_passes(scene: Scene<Stores>) -> Verdict {
    let (alice, _, conversation) = scene.two_users().await?;
    scene.fill(conversation, alice, 1, 1).await?;
    // The runner's time limit ends this for a store whose window never closes.
    while !scene
        .messages
        .changed_conversations(Duration::ZERO, None, PLENTY)
        .await?
        .is_empty()
    {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}
