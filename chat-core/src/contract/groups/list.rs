//! Memberships, members and recent changes, in order and in pages.

use std::time::Duration;

use crate::contract::check::{Verdict, equal, holds};
use crate::contract::runner::{Case, Scene, cases};
use crate::contract::scene::{PLENTY, unknown_group, unknown_user};
use crate::ports::Stores;
use crate::types::{Role, UserId};

const HOUR: Duration = Duration::from_secs(3_600);

pub(super) fn cases() -> Vec<Case<Stores>> {
    cases! {
        Nothing {
            memberships_come_by_ascending_group,
            pages_of_members_neither_skip_nor_repeat_while_others_come_and_go,
            joins_and_leaves_are_listed_as_recent_changes,
            recent_membership_changes_come_in_pages,
            membership_changes_leave_the_window_as_time_passes,
        }
    }
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
