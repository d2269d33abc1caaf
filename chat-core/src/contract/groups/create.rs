//! Making groups.

use tokio::task::JoinSet;

use crate::contract::check::{Verdict, equal, holds, present};
use crate::contract::runner::{Case, Scene, cases};
use crate::contract::scene::{PLENTY, given_group, message, new_group, seq, unknown_group, unknown_user};
use crate::ports::{Appended, CreateGroup, NewGroup, Stores};
use crate::types::{ConversationId, Role};

pub(super) fn cases() -> Vec<Case<Stores>> {
    cases! {
        Nothing {
            a_new_group_has_its_creator_as_the_only_member,
            texts_of_a_group_come_back_as_they_were_written,
            group_names_are_compared_without_case_also_beyond_ascii,
            of_group_creations_with_one_name_at_once_one_creates,
            a_given_id_is_kept,
            a_given_id_that_is_taken_is_answered_before_all_else,
            chosen_ids_are_never_given_ones,
            of_group_creations_with_one_given_id_at_once_one_creates,
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

async fn a_given_id_is_kept(scene: Scene<Stores>) -> Verdict {
    let alice = scene.user("alice").await?.id;
    for (id, name) in [(4_711, "rust"), (17, "sailing")] {
        let new = given_group(id, name, alice)?;
        let CreateGroup::Created(made) = scene.groups.create_group(&new, PLENTY).await? else {
            return holds("the group is made", false);
        };
        equal("the id", made.group.id.get(), id)?;
        let found = scene.groups.group(made.group.id).await?;
        equal("the group", found, Some(made.group))?;
        let conversation = ConversationId::group(new.id.unwrap_or(unknown_group()?));
        let message = message(conversation, alice, "m-1")?;
        equal(
            "a message there",
            scene.messages.append(&[message]).await?,
            vec![Appended::Stored { seq: seq(1) }],
        )?;
    }
    Ok(())
}

async fn a_given_id_that_is_taken_is_answered_before_all_else(scene: Scene<Stores>) -> Verdict {
    let alice = scene.user("alice").await?.id;
    let rust = scene.group("rust", alice).await?.get();
    for (name, creator, limit) in [
        ("sailing", alice, PLENTY),
        ("rust", alice, PLENTY),
        ("sailing", unknown_user()?, PLENTY),
        ("sailing", alice, 1),
    ] {
        let new = given_group(rust, name, creator)?;
        let taken = scene.groups.create_group(&new, limit).await?;
        equal("with an id in use", taken, CreateGroup::IdTaken)?;
    }
    let new = given_group(4_711, "RUST", alice)?;
    let taken = scene.groups.create_group(&new, PLENTY).await?;
    equal("with a name in use", taken, CreateGroup::NameTaken)?;
    let memberships = scene.groups.memberships(alice).await?;
    equal("how many groups there are", memberships.len(), 1)
}

async fn chosen_ids_are_never_given_ones(scene: Scene<Stores>) -> Verdict {
    let alice = scene.user("alice").await?.id;
    let mut ids = vec![scene.group("first", alice).await?.get()];
    let next = ids.iter().sum::<u64>() + 1;
    for given in [next, 5_000, 4_999, 6_000] {
        let new = given_group(given, &format!("given {given}"), alice)?;
        let outcome = scene.groups.create_group(&new, PLENTY).await?;
        holds("it is made", matches!(outcome, CreateGroup::Created(_)))?;
        ids.push(given);
        for number in 0..3 {
            let name = format!("chosen {given} {number}");
            ids.push(scene.group(&name, alice).await?.get());
        }
    }
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    equal("how many ids differ", ids.len(), count)
}

async fn of_group_creations_with_one_given_id_at_once_one_creates(scene: Scene<Stores>) -> Verdict {
    let handles = [scene.groups.clone(), scene.another().await?.groups];
    let mut calls = JoinSet::new();
    for (groups, user) in handles.into_iter().cycle().zip(scene.user_ids(12).await?) {
        let new = given_group(4_711, &format!("group of {user}"), user)?;
        calls.spawn(async move { groups.create_group(&new, PLENTY).await });
    }
    let mut created = 0;
    while let Some(outcome) = calls.join_next().await {
        match outcome?? {
            CreateGroup::Created(_) => created += 1,
            CreateGroup::IdTaken => {}
            other => return equal("creating", Some(other), None),
        }
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
