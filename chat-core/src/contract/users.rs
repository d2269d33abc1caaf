//! Cases of [`UserStore`](crate::ports::UserStore).

use tokio::task::JoinSet;

use super::check::{Verdict, equal, holds, present};
use super::runner::{Case, Scene, cases};
use super::scene::{PLENTY, given_user, new_user, unknown_user};
use crate::ports::{CreateUser, NewUser, Stores, UserSelector};
use crate::types::{PasswordHash, UserName};

pub(super) fn cases() -> Vec<Case<Stores>> {
    cases! {
        Nothing {
            a_created_user_is_found_by_id_and_by_name,
            creating_a_user_again_answers_the_first,
            names_are_compared_without_case_also_beyond_ascii,
            names_that_differ_in_more_than_case_are_different,
            of_creations_of_one_name_at_once_one_creates,
            a_given_id_is_kept,
            a_given_id_that_is_taken_is_answered_before_the_name,
            chosen_ids_are_never_given_ones,
            of_creations_with_one_given_id_at_once_one_creates,
            a_password_hash_comes_back_and_so_does_its_absence,
            an_unknown_user_has_no_credentials,
            names_come_back_as_they_were_written,
            users_come_by_ascending_id_each_once_without_the_unknown,
            no_ids_find_no_users,
            states_are_listed_in_pages_by_ascending_id,
            a_state_is_written_any_number_of_times,
            states_of_unknown_users_are_ignored,
        }
        Restart { accounts_survive_a_restart }
    }
}

async fn a_created_user_is_found_by_id_and_by_name(scene: Scene<Stores>) -> Verdict {
    let alice = scene.user("alice").await?;
    scene.user("bob").await?;
    for selector in [UserSelector::Id(alice.id), UserSelector::Name(alice.name.clone())] {
        let found = scene.users.credentials(&selector).await?;
        equal(
            "the user found",
            found.map(|found| found.user),
            Some(alice.clone()),
        )?;
    }
    Ok(())
}

async fn creating_a_user_again_answers_the_first(scene: Scene<Stores>) -> Verdict {
    let alice = scene.user("alice").await?;
    let again = scene.users.create_user(&new_user("alice")?).await?;
    equal("the second creation", again, CreateUser::NameTaken(alice))
}

async fn names_are_compared_without_case_also_beyond_ascii(scene: Scene<Stores>) -> Verdict {
    for (first, second) in [
        ("Alice", "aLICE"),
        ("Ärger", "ÄRGER"),
        ("e\u{301}clair", "ÉCLAIR"),
        ("straße", "STRASSE"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("Ｂｏｂ", "bob"),
    ] {
        let user = scene.user(first).await?;
        let taken = scene.users.create_user(&new_user(second)?).await?;
        equal(second, taken, CreateUser::NameTaken(user.clone()))?;
        let selector = UserSelector::Name(UserName::parse(second)?);
        let found = scene.users.credentials(&selector).await?;
        equal(second, found.map(|found| found.user), Some(user))?;
    }
    Ok(())
}

async fn names_that_differ_in_more_than_case_are_different(scene: Scene<Stores>) -> Verdict {
    let mut ids = Vec::new();
    for name in [
        "a", "ä", "a b", "ab", "a_b", "a%b", "李雷", "李磊", "🦀", "🦞", "ı", "i",
    ] {
        ids.push(scene.user(name).await?.id);
    }
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    equal("the number of users", ids.len(), count)
}

async fn of_creations_of_one_name_at_once_one_creates(scene: Scene<Stores>) -> Verdict {
    let handles = [scene.users.clone(), scene.another().await?.users];
    let mut calls = JoinSet::new();
    for number in 0..16 {
        let users = handles.iter().cycle().nth(number).cloned();
        let users = present("a handle", users)?;
        let user = new_user(if number % 3 == 0 { "ÄNNE" } else { "änne" })?;
        calls.spawn(async move { users.create_user(&user).await });
    }
    let (mut created, mut seen) = (0, Vec::new());
    while let Some(outcome) = calls.join_next().await {
        match outcome?? {
            CreateUser::Created(user) => {
                created += 1;
                seen.push(user);
            }
            CreateUser::NameTaken(user) | CreateUser::IdTaken(user) => seen.push(user),
        }
    }
    equal("how many created", created, 1)?;
    seen.dedup();
    equal("how many different users were answered", seen.len(), 1)
}

async fn a_given_id_is_kept(scene: Scene<Stores>) -> Verdict {
    for (id, name) in [(4_711, "alice"), (17, "bob")] {
        let new = given_user(id, name)?;
        let CreateUser::Created(user) = scene.users.create_user(&new).await? else {
            return holds("the user is made", false);
        };
        equal("the id", user.id.get(), id)?;
        equal("the name", &user.name, &new.name)?;
        for selector in [UserSelector::Id(user.id), UserSelector::Name(new.name)] {
            let found = scene.users.credentials(&selector).await?;
            equal(
                "the user found",
                found.map(|found| found.user),
                Some(user.clone()),
            )?;
        }
    }
    Ok(())
}

async fn a_given_id_that_is_taken_is_answered_before_the_name(scene: Scene<Stores>) -> Verdict {
    let (alice, bob) = (scene.user("alice").await?, scene.user("bob").await?);
    for name in ["carol", "bob", "alice"] {
        let new = given_user(alice.id.get(), name)?;
        let taken = scene.users.create_user(&new).await?;
        equal("with an id in use", taken, CreateUser::IdTaken(alice.clone()))?;
    }
    let new = given_user(4_711, "BOB")?;
    let taken = scene.users.create_user(&new).await?;
    equal("with a name in use", taken, CreateUser::NameTaken(bob))?;
    let found = scene.users.users(&[alice.id, new.id.unwrap_or(alice.id)]).await?;
    equal("the users", found, vec![alice])
}

async fn chosen_ids_are_never_given_ones(scene: Scene<Stores>) -> Verdict {
    let mut ids = vec![scene.user("first").await?.id.get()];
    let next = ids.iter().sum::<u64>() + 1;
    for given in [next, 5_000, 4_999, 6_000] {
        let new = given_user(given, &format!("given {given}"))?;
        let outcome = scene.users.create_user(&new).await?;
        holds("it is made", matches!(outcome, CreateUser::Created(_)))?;
        ids.push(given);
        for number in 0..3 {
            ids.push(scene.user(&format!("chosen {given} {number}")).await?.id.get());
        }
    }
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    equal("how many ids differ", ids.len(), count)
}

async fn of_creations_with_one_given_id_at_once_one_creates(scene: Scene<Stores>) -> Verdict {
    let handles = [scene.users.clone(), scene.another().await?.users];
    let mut calls = JoinSet::new();
    for (users, number) in handles.into_iter().cycle().zip(0..12) {
        let user = given_user(4_711, &format!("user {number}"))?;
        calls.spawn(async move { users.create_user(&user).await });
    }
    let (mut created, mut seen) = (0, Vec::new());
    while let Some(outcome) = calls.join_next().await {
        match outcome?? {
            CreateUser::Created(user) => {
                created += 1;
                seen.push(user);
            }
            CreateUser::IdTaken(user) => seen.push(user),
            taken @ CreateUser::NameTaken(_) => return equal("creating", Some(taken), None),
        }
    }
    equal("how many created", created, 1)?;
    seen.dedup();
    equal("how many different users were answered", seen.len(), 1)
}

async fn a_password_hash_comes_back_and_so_does_its_absence(scene: Scene<Stores>) -> Verdict {
    let hash = PasswordHash::new("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$4bU8Zf+/abc");
    for (name, password) in [("with", Some(hash)), ("without", None)] {
        let user = NewUser {
            id: None,
            name: UserName::parse(name)?,
            password: password.clone(),
        };
        scene.users.create_user(&user).await?;
        let found = scene.users.credentials(&UserSelector::Name(user.name)).await?;
        holds(name, present("the user", found)?.password == password)?;
    }
    Ok(())
}

async fn an_unknown_user_has_no_credentials(scene: Scene<Stores>) -> Verdict {
    scene.user("alice").await?;
    let name = UserName::parse("nobody")?;
    for selector in [UserSelector::Id(unknown_user()?), UserSelector::Name(name)] {
        let found = scene.users.credentials(&selector).await?;
        equal("the user found", found, None)?;
    }
    Ok(())
}

async fn names_come_back_as_they_were_written(scene: Scene<Stores>) -> Verdict {
    let fifty = "👩🏽".chars().cycle().take(50).collect::<String>();
    for name in [
        "O'Brien",
        "a\"b\\c",
        "李雷",
        "Ärger",
        "A\u{308}rger 2",
        "%_--;",
        &fifty,
    ] {
        let user = scene.user(name).await?;
        equal("the name answered", user.name.as_str(), name)?;
        let found = scene.users.users(&[user.id]).await?;
        equal("the user found", found, vec![user])?;
    }
    Ok(())
}

async fn users_come_by_ascending_id_each_once_without_the_unknown(scene: Scene<Stores>) -> Verdict {
    let mut users = vec![
        scene.user("zoe").await?,
        scene.user("amy").await?,
        scene.user("mia").await?,
    ];
    users.sort_by_key(|user| user.id);
    let mut asked: Vec<_> = users.iter().rev().map(|user| user.id).collect();
    asked.extend(asked.clone());
    asked.push(unknown_user()?);
    equal("the users found", scene.users.users(&asked).await?, users)
}

async fn no_ids_find_no_users(scene: Scene<Stores>) -> Verdict {
    scene.user("alice").await?;
    equal("the users found", scene.users.users(&[]).await?, vec![])?;
    Ok(scene.users.set_states(&[], true).await?)
}

async fn states_are_listed_in_pages_by_ascending_id(scene: Scene<Stores>) -> Verdict {
    let mut ids = scene.user_ids(7).await?;
    ids.sort_unstable();
    let offline = ids.remove(3);
    let reversed: Vec<_> = ids.iter().rev().copied().collect();
    scene.users.set_states(&reversed, true).await?;
    let mut listed = Vec::new();
    loop {
        let page = scene.users.online_states(listed.last().copied(), 2).await?;
        holds("a page is within its limit", page.len() <= 2)?;
        if page.is_empty() {
            break;
        }
        listed.extend(page);
    }
    holds("who was never online is not listed", !listed.contains(&offline))?;
    equal("all users whose state is online", listed, ids)
}

async fn a_state_is_written_any_number_of_times(scene: Scene<Stores>) -> Verdict {
    let ids = scene.user_ids(2).await?;
    for online in [true, true, false, false, true, false] {
        scene.users.set_states(&ids, online).await?;
        let listed = scene.users.online_states(None, PLENTY).await?;
        equal("who is online", listed, if online { ids.clone() } else { vec![] })?;
    }
    Ok(())
}

async fn states_of_unknown_users_are_ignored(scene: Scene<Stores>) -> Verdict {
    let alice = scene.user("alice").await?.id;
    for online in [false, true] {
        scene.users.set_states(&[unknown_user()?, alice], online).await?;
    }
    let listed = scene.users.online_states(None, PLENTY).await?;
    equal("who is online", listed, vec![alice])
}

async fn accounts_survive_a_restart(scene: Scene<Stores>) -> Verdict {
    let alice = scene.user("alice").await?;
    let scene = scene.restarted().await?;
    equal(
        "the user found",
        scene.users.users(&[alice.id]).await?,
        vec![alice],
    )?;
    scene.user("bob").await.map(drop)
}
