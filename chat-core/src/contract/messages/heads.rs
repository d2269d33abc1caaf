//! The overview of a user's conversations.

use crate::contract::check::{Verdict, equal};
use crate::contract::runner::{Case, Scene, cases};
use crate::contract::scene::{PLENTY, at, device, message, seq};
use crate::ports::{ConversationHead, NewMessage, Position, Stores};
use crate::types::ConversationId;

pub(super) fn cases() -> Vec<Case<Stores>> {
    cases! {
        Nothing {
            heads_come_with_the_newest_message_first,
            of_heads_of_one_time_the_higher_id_comes_first,
            a_head_holds_its_last_message_and_the_devices_position,
            conversations_without_messages_have_no_head,
        }
    }
}

fn ids(heads: &[ConversationHead]) -> Vec<ConversationId> {
    heads.iter().map(|head| head.position.conversation).collect()
}

async fn heads_come_with_the_newest_message_first(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, direct) = scene.two_users().await?;
    let notes = ConversationId::direct(alice, alice);
    let group = ConversationId::group(scene.group("rust", alice).await?);
    let mut batch = Vec::new();
    for (conversation, sender, millis) in [
        (direct, bob, 50),
        (group, alice, 20),
        (notes, alice, 30),
        (group, alice, 60),
        (direct, bob, 40),
    ] {
        let new = message(conversation, sender, &format!("m-{millis}"))?;
        batch.push(NewMessage {
            at: at(millis),
            ..new
        });
    }
    scene.messages.append(&batch).await?;
    let phone = device("phone")?;
    scene.open(alice, "phone", 0).await?;
    let all = scene.messages.heads(alice, &phone, PLENTY).await?;
    equal("the heads", ids(&all), vec![group, direct, notes])?;
    let some = scene.messages.heads(alice, &phone, 2).await?;
    equal("two heads", ids(&some), vec![group, direct])
}

async fn of_heads_of_one_time_the_higher_id_comes_first(scene: Scene<Stores>) -> Verdict {
    let alice = scene.user("alice").await?.id;
    let mut conversations = Vec::new();
    let mut batch = Vec::new();
    for user in scene.user_ids(11).await? {
        let group = scene.group(&format!("group {user}"), alice).await?;
        for conversation in [ConversationId::direct(alice, user), ConversationId::group(group)] {
            conversations.push(conversation);
            batch.push(message(conversation, alice, "same")?);
        }
    }
    scene.messages.append(&batch).await?;
    scene.open(alice, "phone", 0).await?;
    conversations.sort_unstable();
    conversations.reverse();
    let heads = scene.messages.heads(alice, &device("phone")?, PLENTY).await?;
    equal("the heads", ids(&heads), conversations.clone())?;
    conversations.truncate(13);
    let heads = scene.messages.heads(alice, &device("phone")?, 13).await?;
    equal("some heads", ids(&heads), conversations)
}

async fn a_head_holds_its_last_message_and_the_devices_position(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, conversation) = scene.two_users().await?;
    scene.open(bob, "phone", 0).await?;
    scene.fill(conversation, alice, 1, 5).await?;
    scene.ack(bob, "phone", conversation, 2).await?;
    let last = scene.messages.read_before(conversation, None, 1).await?;
    let heads = scene.messages.heads(bob, &device("phone")?, PLENTY).await?;
    let position = Position {
        conversation,
        last_seq: seq(5),
        acked_seq: seq(2),
    };
    let expected = last.into_iter().map(|last_message| ConversationHead {
        position,
        last_message,
    });
    equal("the heads", heads, expected.collect::<Vec<_>>())
}

async fn conversations_without_messages_have_no_head(scene: Scene<Stores>) -> Verdict {
    let alice = scene.user("alice").await?.id;
    scene.group("silent", alice).await?;
    scene.open(alice, "phone", 0).await?;
    let heads = scene.messages.heads(alice, &device("phone")?, PLENTY).await?;
    equal("the heads", heads, vec![])
}
