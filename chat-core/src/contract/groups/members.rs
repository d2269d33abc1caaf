//! Joining and leaving.

use tokio::task::JoinSet;

use crate::contract::check::{Verdict, equal, holds, present};
use crate::contract::runner::{Case, Scene, cases};
use crate::contract::scene::{PLENTY, message, new_group, seq, unknown_group, unknown_user};
use crate::ports::{Appended, CreateGroup, JoinGroup, LeaveGroup, Stores};
use crate::types::{ConversationId, Role};

pub(super) fn cases() -> Vec<Case<Stores>> {
    cases! {
        Nothing {
            joining_answers_the_groups_last_message_at_that_moment,
            joining_again_answers_what_one_is,
            joining_needs_a_group_and_a_user,
            nobody_joins_more_groups_and_no_group_takes_more_members_than_allowed,
            the_members_limit_holds_also_for_joins_at_once,
            who_has_left_is_no_member_and_writes_nothing,
            leaving_tells_apart_strangers_and_missing_groups,
            a_group_without_members_stays,
            coming_back_begins_at_the_groups_last_message,
        }
    }
}

async fn joining_answers_the_groups_last_message_at_that_moment(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, _) = scene.two_users().await?;
    let group = scene.group("rust", alice).await?;
    scene.fill(ConversationId::group(group), alice, 1, 3).await?;
    let joined = scene.join(group, bob).await?;
    equal("where delivery begins", joined.joined_seq, seq(3))?;
    equal("the role", joined.role, Role::Normal)?;
    equal("the number of members", joined.group.members, 2)?;
    scene.fill(ConversationId::group(group), bob, 4, 5).await?;
    equal(
        "the membership later",
        scene.groups.membership(group, bob).await?,
        Some(joined),
    )
}

async fn joining_again_answers_what_one_is(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, _) = scene.two_users().await?;
    let group = scene.group("rust", alice).await?;
    let joined = scene.join(group, bob).await?;
    scene.fill(ConversationId::group(group), alice, 1, 2).await?;
    let again = scene.groups.join_group(group, bob, 1, 1).await?;
    equal(
        "joining again at the limits",
        again,
        JoinGroup::AlreadyMember(joined),
    )?;
    let creator = scene.groups.join_group(group, alice, PLENTY, PLENTY).await?;
    let is_creator = matches!(creator, JoinGroup::AlreadyMember(own) if own.role == Role::Creator);
    holds("the creator joins again and stays creator", is_creator)
}

async fn joining_needs_a_group_and_a_user(scene: Scene<Stores>) -> Verdict {
    let alice = scene.user("alice").await?.id;
    let group = scene.group("rust", alice).await?;
    for (group, user) in [(unknown_group()?, alice), (group, unknown_user()?)] {
        let refused = scene.groups.join_group(group, user, PLENTY, PLENTY).await?;
        equal("joining", refused, JoinGroup::NotFound)?;
        equal(
            "the membership",
            scene.groups.membership(group, user).await?,
            None,
        )?;
    }
    equal(
        "a missing group",
        scene.groups.group(unknown_group()?).await?,
        None,
    )
}

async fn nobody_joins_more_groups_and_no_group_takes_more_members_than_allowed(
    scene: Scene<Stores>,
) -> Verdict {
    let (alice, bob, _) = scene.two_users().await?;
    let (first, second) = (
        scene.group("first", alice).await?,
        scene.group("second", alice).await?,
    );
    let full = scene.groups.join_group(first, bob, PLENTY, 1).await?;
    equal("a full group", full, JoinGroup::TooMany)?;
    scene.join(first, bob).await?;
    let busy = scene.groups.join_group(second, bob, 1, PLENTY).await?;
    equal("a user in enough groups", busy, JoinGroup::TooMany)?;
    let allowed = scene.groups.join_group(second, bob, 2, 2).await?;
    holds("within both limits", matches!(allowed, JoinGroup::Joined(_)))
}

async fn the_members_limit_holds_also_for_joins_at_once(scene: Scene<Stores>) -> Verdict {
    let group = scene.group("rust", scene.user("alice").await?.id).await?;
    let handles = [scene.groups.clone(), scene.another().await?.groups];
    let mut calls = JoinSet::new();
    for (groups, user) in handles.into_iter().cycle().zip(scene.user_ids(10).await?) {
        calls.spawn(async move { groups.join_group(group, user, PLENTY, 4).await });
    }
    let mut joined = 0;
    while let Some(outcome) = calls.join_next().await {
        joined += usize::from(matches!(outcome??, JoinGroup::Joined(_)));
    }
    equal("how many joined", joined, 3)?;
    let members = scene.groups.members(group, None, PLENTY).await?;
    equal("the members", members.len(), 4)
}

async fn who_has_left_is_no_member_and_writes_nothing(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, _) = scene.two_users().await?;
    let group = scene.group("rust", alice).await?;
    scene.join(group, bob).await?;
    equal(
        "leaving",
        scene.groups.leave_group(group, bob).await?,
        LeaveGroup::Left,
    )?;
    equal("the membership", scene.groups.membership(group, bob).await?, None)?;
    equal("the memberships", scene.groups.memberships(bob).await?, vec![])?;
    let found = present("the group", scene.groups.group(group).await?)?;
    equal("the number of members", found.members, 1)?;
    let late = message(ConversationId::group(group), bob, "late")?;
    for stores in [scene.messages.clone(), scene.another().await?.messages] {
        let refused = stores.append(std::slice::from_ref(&late)).await?;
        equal("writing after leaving", refused, vec![Appended::NotMember])?;
    }
    Ok(())
}

async fn leaving_tells_apart_strangers_and_missing_groups(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, _) = scene.two_users().await?;
    let group = scene.group("rust", alice).await?;
    let stranger = scene.groups.leave_group(group, bob).await?;
    equal("a stranger leaves", stranger, LeaveGroup::WasNoMember)?;
    scene.groups.leave_group(group, alice).await?;
    let again = scene.groups.leave_group(group, alice).await?;
    equal("leaving again", again, LeaveGroup::WasNoMember)?;
    let missing = scene.groups.leave_group(unknown_group()?, alice).await?;
    equal("leaving no group", missing, LeaveGroup::NoSuchGroup)
}

async fn a_group_without_members_stays(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, _) = scene.two_users().await?;
    let group = scene.group("rust", alice).await?;
    scene.fill(ConversationId::group(group), alice, 1, 2).await?;
    scene.groups.leave_group(group, alice).await?;
    let found = present("the group", scene.groups.group(group).await?)?;
    equal("the number of members", found.members, 0)?;
    let taken = scene
        .groups
        .create_group(&new_group("RUST", bob)?, PLENTY)
        .await?;
    equal("its name", taken, CreateGroup::NameTaken)?;
    equal(
        "where delivery begins",
        scene.join(group, bob).await?.joined_seq,
        seq(2),
    )
}

async fn coming_back_begins_at_the_groups_last_message(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, _) = scene.two_users().await?;
    let group = scene.group("rust", alice).await?;
    let conversation = ConversationId::group(group);
    scene.join(group, bob).await?;
    scene.open(bob, "phone", 0).await?;
    scene.fill(conversation, alice, 1, 2).await?;
    scene.ack(bob, "phone", conversation, 1).await?;
    scene.groups.leave_group(group, bob).await?;
    scene.fill(conversation, alice, 3, 5).await?;
    equal(
        "where delivery begins",
        scene.join(group, bob).await?.joined_seq,
        seq(5),
    )?;
    scene.expect_acked(bob, "phone", conversation, 5).await
}
