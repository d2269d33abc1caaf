//! What a session begins with.

use crate::contract::check::{Failure, Verdict, equal};
use crate::contract::runner::{Case, Scene, cases};
use crate::contract::scene::{PLENTY, device, message, unknown_user};
use crate::ports::{Appended, NewMessage, SendPolicy, SessionStart, Stores};
use crate::types::{ConversationId, UserId};

pub(super) fn cases() -> Vec<Case<Stores>> {
    cases! {
        Nothing {
            a_session_starts_with_its_users_friends_and_memberships,
            a_session_starts_with_the_positions_of_direct_conversations,
            a_session_starts_with_no_more_positions_than_asked_for,
            a_session_of_who_has_nothing_starts_with_nothing,
            a_session_starts_with_no_conversation_whose_messages_were_all_refused,
        }
    }
}

async fn start(scene: &Scene<Stores>, user: UserId, limit: usize) -> Result<SessionStart, Failure> {
    let phone = device("phone")?;
    Ok(scene.devices.session_start(user, &phone, limit, 0).await?)
}

async fn a_session_starts_with_its_users_friends_and_memberships(scene: Scene<Stores>) -> Verdict {
    let ids = scene.user_ids(12).await?;
    let alice = scene.user("alice").await?.id;
    for friend in ids.iter().rev() {
        scene.befriend(alice, *friend).await?;
        let group = scene.group(&format!("group {friend}"), *friend).await?;
        scene.join(group, alice).await?;
        scene.fill(ConversationId::group(group), alice, 1, 2).await?;
    }
    scene.group("own", alice).await?;
    let SessionStart {
        contacts, positions, ..
    } = start(&scene, alice, PLENTY).await?;
    let friends = scene.friends.friends(alice).await?;
    equal("how many friends", friends.len(), 12)?;
    equal("the friends", contacts.friends, friends)?;
    let memberships = scene.groups.memberships(alice).await?;
    equal("how many memberships", memberships.len(), 13)?;
    equal("the memberships", contacts.memberships, memberships)?;
    equal("the positions, none of which is a group's", positions, vec![])
}

/// A user with conversations on both sides of their own id, of which some are acknowledged, with themselves, and
/// in groups. Answers who they are.
async fn correspondent(scene: &Scene<Stores>) -> Result<UserId, Failure> {
    let mut others = scene.user_ids(6).await?;
    let alice = scene.user("alice").await?.id;
    for number in 0..6 {
        others.push(scene.user(&format!("later user {number}")).await?.id);
    }
    scene.open(alice, "phone", 0).await?;
    scene.open(alice, "laptop", 0).await?;
    for (place, other) in others.iter().rev().chain([&alice]).enumerate() {
        let conversation = ConversationId::direct(alice, *other);
        scene.fill(conversation, *other, 1, 3).await?;
        if place % 2 == 0 {
            scene.ack(alice, "phone", conversation, 2).await?;
        }
        scene.ack(alice, "laptop", conversation, 3).await?;
        let group = scene.group(&format!("group {other}"), *other).await?;
        if *other != alice {
            scene.join(group, alice).await?;
        }
    }
    Ok(alice)
}

async fn a_session_starts_with_the_positions_of_direct_conversations(scene: Scene<Stores>) -> Verdict {
    let alice = correspondent(&scene).await?;
    let phone = device("phone")?;
    let mut expected = scene.devices.positions(alice, &phone, None, PLENTY).await?;
    expected.retain(|position| position.conversation.as_group().is_none());
    equal("how many positions", expected.len(), 13)?;
    let start = start(&scene, alice, PLENTY).await?;
    equal("the positions", start.positions, expected)
}

async fn a_session_starts_with_no_more_positions_than_asked_for(scene: Scene<Stores>) -> Verdict {
    let alice = correspondent(&scene).await?;
    let phone = device("phone")?;
    for limit in [1, 3, 7, 12] {
        let expected = scene.devices.positions(alice, &phone, None, limit).await?;
        let start = start(&scene, alice, limit).await?;
        equal("the positions", start.positions, expected)?;
        equal("how many memberships", start.contacts.memberships.len(), 13)?;
    }
    Ok(())
}

async fn a_session_of_who_has_nothing_starts_with_nothing(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, conversation) = scene.two_users().await?;
    scene.befriend(alice, bob).await?;
    scene.group("theirs", alice).await?;
    scene.fill(conversation, alice, 1, 2).await?;
    let loner = scene.user("loner").await?.id;
    scene.open(loner, "phone", 0).await?;
    for nobody in [loner, unknown_user()?] {
        let nothing = start(&scene, nobody, PLENTY).await?;
        equal("what it starts with", nothing, SessionStart::default())?;
    }
    Ok(())
}

async fn a_session_starts_with_no_conversation_whose_messages_were_all_refused(
    scene: Scene<Stores>,
) -> Verdict {
    let others = scene.user_ids(2).await?;
    let alice = scene.user("alice").await?.id;
    let last = scene.user("bob").await?.id;
    // One before the user's own id and one behind it, and a conversation that is read up to the limit behind them.
    let [refused, stored] = [others.first(), others.last()].map(Option::<&UserId>::copied);
    let (refused, stored) = refused.zip(stored).ok_or(Failure::new("two users are made"))?;
    for other in [refused, last] {
        let strict = NewMessage {
            policy: SendPolicy::Friends,
            ..message(ConversationId::direct(alice, other), alice, "m-1")?
        };
        let answer = scene.messages.append(&[strict]).await?;
        equal("among strangers", answer, vec![Appended::NotFriends])?;
    }
    let conversation = ConversationId::direct(alice, stored);
    scene.fill(conversation, stored, 1, 1).await?;
    for limit in [1, PLENTY] {
        let positions = start(&scene, alice, limit).await?.positions;
        let conversations: Vec<_> = positions.iter().map(|position| position.conversation).collect();
        equal("the conversations", conversations, vec![conversation])?;
    }
    Ok(())
}
