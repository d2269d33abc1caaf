//! Who may write where.

use crate::contract::check::{Verdict, equal};
use crate::contract::runner::{Case, Scene, cases};
use crate::contract::scene::{PLENTY, message, messages, seq, stored, unknown_group, unknown_user};
use crate::ports::{Appended, NewMessage, SendPolicy, Stores};
use crate::types::{ConversationId, Seq};

pub(super) fn cases() -> Vec<Case<Stores>> {
    cases! {
        Nothing {
            only_members_write_to_a_group,
            a_missing_group_or_user_is_not_found,
            only_friends_write_where_the_policy_asks_for_it,
            the_policy_looks_at_nothing_in_a_group,
            the_application_writes_to_anyone_and_to_any_group_that_exists,
            a_duplicate_is_answered_before_permission_is_asked,
            refused_messages_take_no_number,
            a_refused_message_can_be_sent_again_and_begins_no_conversation,
        }
    }
}

fn among_friends(new: NewMessage) -> NewMessage {
    NewMessage {
        policy: SendPolicy::Friends,
        ..new
    }
}

async fn only_members_write_to_a_group(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, _) = scene.two_users().await?;
    let group = scene.group("rust", alice).await?;
    let new = [message(ConversationId::group(group), bob, "m-1")?];
    let stranger = scene.messages.append(&new).await?;
    equal("a stranger's message", stranger, vec![Appended::NotMember])?;
    scene.join(group, bob).await?;
    equal(
        "a member's message",
        scene.messages.append(&new).await?,
        stored([1]),
    )
}

async fn a_missing_group_or_user_is_not_found(scene: Scene<Stores>) -> Verdict {
    let alice = scene.user("alice").await?.id;
    let batch = [
        message(ConversationId::group(unknown_group()?), alice, "m-1")?,
        message(ConversationId::direct(alice, unknown_user()?), alice, "m-2")?,
        among_friends(message(
            ConversationId::direct(alice, unknown_user()?),
            alice,
            "m-3",
        )?),
    ];
    let answered = scene.messages.append(&batch).await?;
    equal("the batch", answered, vec![Appended::NotFound; 3])
}

async fn only_friends_write_where_the_policy_asks_for_it(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, conversation) = scene.two_users().await?;
    let notes = ConversationId::direct(alice, alice);
    let strict = [
        among_friends(message(conversation, alice, "m-1")?),
        among_friends(message(notes, alice, "m-1")?),
    ];
    let answered = scene.messages.append(&strict).await?;
    let to_oneself = Appended::Stored { seq: seq(1) };
    equal(
        "no friend, and oneself",
        answered,
        vec![Appended::NotFriends, to_oneself],
    )?;
    scene.befriend(bob, alice).await?;
    equal(
        "a friend",
        scene.messages.append(&strict[..1]).await?,
        stored([1]),
    )?;
    scene.friends.remove_friend(alice, bob).await?;
    let later = [
        among_friends(message(conversation, bob, "m-2")?),
        message(conversation, bob, "m-2")?,
    ];
    let answered = scene.messages.append(&later).await?;
    let free = Appended::Stored { seq: seq(2) };
    equal(
        "no friend any more, and anyone",
        answered,
        vec![Appended::NotFriends, free],
    )
}

async fn the_policy_looks_at_nothing_in_a_group(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, _) = scene.two_users().await?;
    let group = scene.group("rust", alice).await?;
    scene.join(group, bob).await?;
    let new = among_friends(message(ConversationId::group(group), bob, "m-1")?);
    equal(
        "a member's message",
        scene.messages.append(&[new]).await?,
        stored([1]),
    )
}

async fn the_application_writes_to_anyone_and_to_any_group_that_exists(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, direct) = scene.two_users().await?;
    let group = ConversationId::group(scene.group("rust", alice).await?);
    let by_the_application = |new| NewMessage {
        policy: SendPolicy::System,
        ..new
    };
    let batch = [
        message(group, bob, "m-1")?,
        message(direct, bob, "m-1")?,
        message(ConversationId::group(unknown_group()?), bob, "m-1")?,
        message(ConversationId::direct(bob, unknown_user()?), bob, "m-1")?,
    ];
    let answered = scene.messages.append(&batch.map(by_the_application)).await?;
    let stored = Appended::Stored { seq: seq(1) };
    let expected = vec![stored, stored, Appended::NotFound, Appended::NotFound];
    equal(
        "a stranger's messages on behalf of the application",
        answered,
        expected,
    )?;
    let own = [message(group, bob, "m-2")?];
    let refused = scene.messages.append(&own).await?;
    equal("the stranger's own message", refused, vec![Appended::NotMember])
}

async fn a_duplicate_is_answered_before_permission_is_asked(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, direct) = scene.two_users().await?;
    let group = scene.group("rust", alice).await?;
    scene.join(group, bob).await?;
    let batch = [
        message(ConversationId::group(group), bob, "m-1")?,
        message(direct, bob, "m-1")?,
    ];
    equal(
        "the first time",
        scene.messages.append(&batch).await?,
        stored([1, 1]),
    )?;
    scene.groups.leave_group(group, bob).await?;
    let answered = scene.messages.append(&batch.clone().map(among_friends)).await?;
    let duplicates = batch.map(|new| Appended::Duplicate {
        seq: seq(1),
        at: new.at,
    });
    equal("after leaving", answered, duplicates.to_vec())
}

async fn refused_messages_take_no_number(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, direct) = scene.two_users().await?;
    let conversation = ConversationId::group(scene.group("rust", alice).await?);
    let first = message(conversation, alice, "m-1")?;
    let batch = [
        first.clone(),
        message(conversation, bob, "m-1")?,
        message(conversation, alice, "m-2")?,
        among_friends(message(direct, alice, "m-1")?),
        first.clone(),
        message(ConversationId::direct(alice, unknown_user()?), alice, "m-1")?,
        message(direct, alice, "m-2")?,
        message(conversation, alice, "m-3")?,
    ];
    let stored = |number| Appended::Stored { seq: seq(number) };
    let expected = vec![
        stored(1),
        Appended::NotMember,
        stored(2),
        Appended::NotFriends,
        Appended::Duplicate {
            seq: seq(1),
            at: first.at,
        },
        Appended::NotFound,
        stored(1),
        stored(3),
    ];
    equal("the batch", scene.messages.append(&batch).await?, expected)?;
    let read = scene.messages.read_after(conversation, Seq::ZERO, PLENTY).await?;
    let numbers: Vec<_> = read.iter().map(|message| message.seq).collect();
    equal("the numbers in the group", numbers, vec![seq(1), seq(2), seq(3)])
}

async fn a_refused_message_can_be_sent_again_and_begins_no_conversation(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, conversation) = scene.two_users().await?;
    let strict: Vec<_> = messages(conversation, alice, 1..=2)?
        .into_iter()
        .map(among_friends)
        .collect();
    let refused = scene.messages.append(&strict).await?;
    equal("no friends", refused, vec![Appended::NotFriends; 2])?;
    for user in [alice, bob] {
        equal(
            "the position",
            scene.position(user, "phone", conversation).await?,
            None,
        )?;
    }
    scene.befriend(alice, bob).await?;
    equal(
        "as friends",
        scene.messages.append(&strict).await?,
        stored([1, 2]),
    )
}
