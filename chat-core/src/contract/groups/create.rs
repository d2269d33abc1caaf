//! Making groups.

use tokio::task::JoinSet;

use crate::contract::check::{Verdict, equal, present};
use crate::contract::runner::{Case, Scene, cases};
use crate::contract::scene::{PLENTY, new_group, seq, unknown_user};
use crate::ports::{CreateGroup, NewGroup, Stores};
use crate::types::{ConversationId, Role};

pub(super) fn cases() -> Vec<Case<Stores>> {
    cases! {
        Nothing {
            a_new_group_has_its_creator_as_the_only_member,
            texts_of_a_group_come_back_as_they_were_written,
            group_names_are_compared_without_case_also_beyond_ascii,
            of_group_creations_with_one_name_at_once_one_creates,
            a_group_needs_a_creator_who_exists_and_is_in_few_enough_groups,
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
            id: None,
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
