//! Cases of [`GroupStore`](crate::ports::GroupStore).

use std::time::Duration;

use tokio::task::JoinSet;

use super::check::{Verdict, equal, holds, present};
use super::runner::{Case, Scene, cases};
use super::scene::{PLENTY, message, new_group, seq, unknown_group, unknown_user};
use crate::ports::{Appended, CreateGroup, JoinGroup, LeaveGroup, NewGroup, Stores};
use crate::types::{ConversationId, Role, UserId};

const HOUR: Duration = Duration::from_secs(3_600);

pub(super) fn cases() -> Vec<Case<Stores>> {
    cases! {
        Nothing {
            a_new_group_has_its_creator_as_the_only_member,
            texts_of_a_group_come_back_as_they_were_written,
            group_names_are_compared_without_case_also_beyond_ascii,
            of_group_creations_with_one_name_at_once_one_creates,
            a_group_needs_a_creator_who_exists_and_is_in_few_enough_groups,
            joining_answers_the_groups_last_message_at_that_moment,
            joining_again_answers_what_one_is,
            joining_needs_a_group_and_a_user,
            nobody_joins_more_groups_and_no_group_takes_more_members_than_allowed,
            the_members_limit_holds_also_for_joins_at_once,
            who_has_left_is_no_member_and_writes_nothing,
            leaving_tells_apart_strangers_and_missing_groups,
            a_group_without_members_stays,
            coming_back_begins_at_the_groups_last_message,
            memberships_come_by_ascending_group,
            pages_of_members_neither_skip_nor_repeat_while_others_come_and_go,
            joins_and_leaves_are_listed_as_recent_changes,
            recent_membership_changes_come_in_pages,
            membership_changes_leave_the_window_as_time_passes,
        }
        Restart { groups_survive_a_restart }
    }
}

async fn a_new_group_has_its_creator_as_the_only_member(scene: Scene<Stores>) -> Verdict {
    let alice = scene.user("alice").await?;
    let new = new_group("rust", alice.id)?;
    let made = match scene.groups.create_group(&new, 1).await? {
        CreateGroup::Created(made) => made,
        other => return equal("creating", other, CreateGroup::NameTaken),
    };
    equal("the role", made.role, Role::Creator)?;
    equal("the number of members", made.group.members, 1)?;
    equal("where delivery begins", made.joined_seq, seq(0))?;
    let id = made.group.id;
    equal(
        "the group",
        scene.groups.group(id).await?,
        Some(made.group.clone()),
    )?;
    equal(
        "the membership",
        scene.groups.membership(id, alice.id).await?,
        Some(made),
    )?;
    let members = scene.groups.members(id, None, PLENTY).await?;
    let members: Vec<_> = members
        .into_iter()
        .map(|member| (member.user, member.role))
        .collect();
    equal("the members", members, vec![(alice, Role::Creator)])
}

async fn texts_of_a_group_come_back_as_they_were_written(scene: Scene<Stores>) -> Verdict {
    let alice = scene.user("alice").await?.id;
    for (name, description) in [
        ("李雷's \"group\"", "a\0b 'quoted' \\ %_ 🦀\r\n"),
        ("Ärger", ""),
        ("🦞", &"é".repeat(200)),
    ] {
        let new = NewGroup {
            name: name.parse()?,
            description: description.parse()?,
            creator: alice,
        };
        scene.groups.create_group(&new, PLENTY).await?;
        let memberships = scene.groups.memberships(alice).await?;
        let found = memberships.into_iter().map(|membership| membership.group);
        let found = present("the group", found.max_by_key(|group| group.id))?;
        equal("the name", found.name, new.name)?;
        equal("the description", found.description.as_str(), description)?;
    }
    Ok(())
}

async fn group_names_are_compared_without_case_also_beyond_ascii(scene: Scene<Stores>) -> Verdict {
    let alice = scene.user("alice").await?.id;
    for (first, second) in [("Rust", "rUST"), ("Ärger", "ÄRGER"), ("straße", "STRASSE")] {
        scene.group(first, alice).await?;
        let taken = scene
            .groups
            .create_group(&new_group(second, alice)?, PLENTY)
            .await?;
        equal(second, taken, CreateGroup::NameTaken)?;
    }
    scene.group("alice", alice).await.map(drop)
}

async fn of_group_creations_with_one_name_at_once_one_creates(scene: Scene<Stores>) -> Verdict {
    let handles = [scene.groups.clone(), scene.another().await?.groups];
    let mut calls = JoinSet::new();
    for (groups, user) in handles.into_iter().cycle().zip(scene.user_ids(12).await?) {
        let new = new_group("rust", user)?;
        calls.spawn(async move { groups.create_group(&new, PLENTY).await });
    }
    let mut created = 0;
    while let Some(outcome) = calls.join_next().await {
        created += usize::from(outcome?? != CreateGroup::NameTaken);
    }
    equal("how many created", created, 1)
}

async fn a_group_needs_a_creator_who_exists_and_is_in_few_enough_groups(scene: Scene<Stores>) -> Verdict {
    let nobody = new_group("nobody's", unknown_user()?)?;
    let refused = scene.groups.create_group(&nobody, PLENTY).await?;
    equal("without a creator", refused, CreateGroup::NoSuchUser)?;
    let alice = scene.user("alice").await?.id;
    scene.group("first", alice).await?;
    let refused = scene.groups.create_group(&new_group("second", alice)?, 1).await?;
    equal("beyond the limit", refused, CreateGroup::TooMany)?;
    scene.group("second", alice).await?;
    scene.group("nobody's", alice).await.map(drop)
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

async fn memberships_come_by_ascending_group(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, _) = scene.two_users().await?;
    let mut groups = Vec::new();
    for number in 0..12 {
        groups.push(scene.group(&format!("group {number}"), bob).await?);
    }
    groups.sort_unstable();
    for group in groups.iter().rev() {
        scene.join(*group, alice).await?;
    }
    let listed = scene.groups.memberships(alice).await?;
    holds(
        "the role is normal",
        listed.iter().all(|own| own.role == Role::Normal),
    )?;
    holds(
        "each has two members",
        listed.iter().all(|own| own.group.members == 2),
    )?;
    let listed: Vec<_> = listed.into_iter().map(|own| own.group.id).collect();
    equal("the groups", listed, groups)?;
    equal(
        "a stranger's",
        scene.groups.memberships(unknown_user()?).await?,
        vec![],
    )
}

async fn pages_of_members_neither_skip_nor_repeat_while_others_come_and_go(scene: Scene<Stores>) -> Verdict {
    let mut ids = scene.user_ids(12).await?;
    ids.sort_unstable();
    let (creator, late) = (ids.remove(6), [ids.remove(9), ids.remove(0)]);
    let group = scene.group("rust", creator).await?;
    for user in ids.iter().rev() {
        scene.join(group, *user).await?;
    }
    let leaving = ids.remove(4);
    let mut listed: Vec<UserId> = Vec::new();
    for round in 0.. {
        let page = scene.groups.members(group, listed.last().copied(), 3).await?;
        holds("a page is within its limit", page.len() <= 3)?;
        if page.is_empty() {
            break;
        }
        listed.extend(page.into_iter().map(|member| member.user.id));
        if round == 0 {
            scene.groups.leave_group(group, leaving).await?;
            scene.join(group, late[0]).await?;
            scene.join(group, late[1]).await?;
        }
    }
    holds("the pages ascend", listed.is_sorted_by(|one, next| one < next))?;
    listed.retain(|id| !late.contains(id) && *id != leaving);
    ids.push(creator);
    ids.sort_unstable();
    equal("who was a member all along", listed, ids)?;
    let missing = scene.groups.members(unknown_group()?, None, PLENTY).await?;
    equal("members of no group", missing, vec![])
}

async fn joins_and_leaves_are_listed_as_recent_changes(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, _) = scene.two_users().await?;
    let carol = scene.user("carol").await?.id;
    let group = scene.group("rust", alice).await?;
    scene.join(group, bob).await?;
    scene.join(group, carol).await?;
    scene.groups.leave_group(group, carol).await?;
    let changed = scene.groups.changed_memberships(HOUR, None, PLENTY).await?;
    for user in [bob, carol] {
        let times = changed.iter().filter(|pair| **pair == (group, user)).count();
        equal("how often a pair is listed", times, 1)?;
    }
    Ok(())
}

async fn recent_membership_changes_come_in_pages(scene: Scene<Stores>) -> Verdict {
    let ids = scene.user_ids(5).await?;
    let creator = scene.user("creator").await?.id;
    let mut expected = Vec::new();
    for name in ["second", "first"] {
        let group = scene.group(name, creator).await?;
        for user in ids.iter().rev() {
            scene.join(group, *user).await?;
            expected.push((group, *user));
        }
    }
    expected.sort_unstable();
    let mut listed = Vec::new();
    loop {
        let page = scene
            .groups
            .changed_memberships(HOUR, listed.last().copied(), 3)
            .await?;
        holds("a page is within its limit", page.len() <= 3)?;
        if page.is_empty() {
            break;
        }
        listed.extend(page);
    }
    holds("the pages ascend", listed.is_sorted_by(|one, next| one < next))?;
    listed.retain(|(_, user)| *user != creator);
    equal("the changes", listed, expected)
}

async fn membership_changes_leave_the_window_as_time_passes(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, _) = scene.two_users().await?;
    let group = scene.group("rust", alice).await?;
    scene.join(group, bob).await?;
    // The runner's time limit ends this for a store whose window never closes.
    while !scene
        .groups
        .changed_memberships(Duration::ZERO, None, PLENTY)
        .await?
        .is_empty()
    {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}

async fn groups_survive_a_restart(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, _) = scene.two_users().await?;
    let group = scene.group("rust", alice).await?;
    scene.fill(ConversationId::group(group), alice, 1, 2).await?;
    let joined = scene.join(group, bob).await?;
    let scene = scene.restarted().await?;
    equal(
        "the membership",
        scene.groups.membership(group, bob).await?,
        Some(joined),
    )?;
    scene.group("another", alice).await.map(drop)
}
