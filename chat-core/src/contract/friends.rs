//! Cases of [`FriendStore`](crate::ports::FriendStore).

use tokio::task::JoinSet;

use super::check::{Verdict, equal};
use super::runner::{Case, Scene, cases};
use super::scene::{PLENTY, unknown_user};
use crate::ports::{AddFriend, RemoveFriend, Stores};

pub(super) fn cases() -> Vec<Case<Stores>> {
    cases! {
        Nothing {
            friendship_is_mutual,
            adding_a_friend_again_from_either_side_changes_nothing,
            one_may_befriend_oneself_once,
            a_friend_must_exist_and_so_must_the_one_who_asks,
            nobody_gets_more_friends_than_allowed,
            being_friends_already_comes_before_having_too_many,
            adding_each_other_at_once_adds_once,
            the_limit_holds_also_for_additions_at_once,
            a_friendship_ends_for_both_at_once,
            ending_a_friendship_again_changes_nothing,
            friends_come_by_ascending_id,
            an_unknown_user_has_no_friends,
        }
        Restart { friendships_survive_a_restart }
    }
}

async fn friendship_is_mutual(scene: Scene<Stores>) -> Verdict {
    let (alice, bob) = (scene.user("alice").await?, scene.user("bob").await?);
    scene.befriend(bob.id, alice.id).await?;
    equal(
        "alice's friends",
        scene.friends.friends(alice.id).await?,
        vec![bob.clone()],
    )?;
    equal("bob's friends", scene.friends.friends(bob.id).await?, vec![alice])
}

async fn adding_a_friend_again_from_either_side_changes_nothing(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, _) = scene.two_users().await?;
    scene.befriend(alice, bob).await?;
    for (user, friend) in [(alice, bob), (bob, alice)] {
        let again = scene.friends.add_friend(user, friend, PLENTY).await?;
        equal("adding again", again, AddFriend::AlreadyFriends)?;
        equal(
            "the number of friends",
            scene.friends.friends(user).await?.len(),
            1,
        )?;
    }
    Ok(())
}

async fn one_may_befriend_oneself_once(scene: Scene<Stores>) -> Verdict {
    let alice = scene.user("alice").await?;
    let added = scene.friends.add_friend(alice.id, alice.id, 1).await?;
    equal("befriending oneself", added, AddFriend::Added)?;
    let again = scene.friends.add_friend(alice.id, alice.id, 1).await?;
    equal("once more", again, AddFriend::AlreadyFriends)?;
    equal(
        "the friends",
        scene.friends.friends(alice.id).await?,
        vec![alice.clone()],
    )?;
    let removed = scene.friends.remove_friend(alice.id, alice.id).await?;
    equal("ending it", removed, RemoveFriend::Removed)?;
    equal("the friends", scene.friends.friends(alice.id).await?, vec![])
}

async fn a_friend_must_exist_and_so_must_the_one_who_asks(scene: Scene<Stores>) -> Verdict {
    let (alice, nobody) = (scene.user("alice").await?.id, unknown_user()?);
    for (user, friend) in [(alice, nobody), (nobody, alice), (nobody, nobody)] {
        let added = scene.friends.add_friend(user, friend, PLENTY).await?;
        equal("adding", added, AddFriend::NoSuchUser)?;
    }
    equal("alice's friends", scene.friends.friends(alice).await?, vec![])
}

async fn nobody_gets_more_friends_than_allowed(scene: Scene<Stores>) -> Verdict {
    let ids = scene.user_ids(4).await?;
    let [one, two, three, four] = ids[..] else {
        return equal("users", ids.len(), 4);
    };
    for friend in [two, three] {
        let added = scene.friends.add_friend(one, friend, 2).await?;
        equal("up to the limit", added, AddFriend::Added)?;
    }
    for (user, friend) in [(one, four), (four, one)] {
        let added = scene.friends.add_friend(user, friend, 2).await?;
        equal("beyond the limit", added, AddFriend::TooMany)?;
    }
    equal(
        "the friends of the refused",
        scene.friends.friends(four).await?,
        vec![],
    )
}

async fn being_friends_already_comes_before_having_too_many(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, _) = scene.two_users().await?;
    scene.befriend(alice, bob).await?;
    let again = scene.friends.add_friend(alice, bob, 1).await?;
    equal("adding again at the limit", again, AddFriend::AlreadyFriends)
}

async fn adding_each_other_at_once_adds_once(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, _) = scene.two_users().await?;
    let handles = [scene.friends.clone(), scene.another().await?.friends];
    let mut calls = JoinSet::new();
    for (friends, (user, friend)) in handles
        .into_iter()
        .cycle()
        .zip([(alice, bob), (bob, alice)].repeat(4))
    {
        calls.spawn(async move { friends.add_friend(user, friend, PLENTY).await });
    }
    let mut added = 0;
    while let Some(outcome) = calls.join_next().await {
        added += usize::from(outcome?? == AddFriend::Added);
    }
    equal("how many calls added", added, 1)?;
    equal("alice's friends", scene.friends.friends(alice).await?.len(), 1)
}

async fn the_limit_holds_also_for_additions_at_once(scene: Scene<Stores>) -> Verdict {
    let alice = scene.user("alice").await?.id;
    let handles = [scene.friends.clone(), scene.another().await?.friends];
    let mut calls = JoinSet::new();
    for (friends, friend) in handles.into_iter().cycle().zip(scene.user_ids(10).await?) {
        calls.spawn(async move { friends.add_friend(friend, alice, 3).await });
    }
    let mut added = 0;
    while let Some(outcome) = calls.join_next().await {
        added += usize::from(outcome?? == AddFriend::Added);
    }
    equal("how many were added", added, 3)?;
    equal("alice's friends", scene.friends.friends(alice).await?.len(), 3)
}

async fn a_friendship_ends_for_both_at_once(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, _) = scene.two_users().await?;
    let carol = scene.user("carol").await?;
    scene.befriend(alice, bob).await?;
    scene.befriend(alice, carol.id).await?;
    let removed = scene.friends.remove_friend(bob, alice).await?;
    equal("ending it", removed, RemoveFriend::Removed)?;
    equal(
        "alice's friends",
        scene.friends.friends(alice).await?,
        vec![carol],
    )?;
    equal("bob's friends", scene.friends.friends(bob).await?, vec![])
}

async fn ending_a_friendship_again_changes_nothing(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, _) = scene.two_users().await?;
    scene.befriend(alice, bob).await?;
    scene.friends.remove_friend(alice, bob).await?;
    for (user, friend) in [(alice, bob), (bob, alice), (alice, unknown_user()?)] {
        let removed = scene.friends.remove_friend(user, friend).await?;
        equal("ending it again", removed, RemoveFriend::WereNotFriends)?;
    }
    scene.befriend(bob, alice).await
}

async fn friends_come_by_ascending_id(scene: Scene<Stores>) -> Verdict {
    let alice = scene.user("alice").await?.id;
    let mut friends = scene.user_ids(12).await?;
    friends.sort_unstable();
    for friend in friends.iter().rev() {
        scene.befriend(alice, *friend).await?;
    }
    let listed = scene.friends.friends(alice).await?;
    let listed: Vec<_> = listed.into_iter().map(|friend| friend.id).collect();
    equal("the friends", listed, friends)
}

async fn an_unknown_user_has_no_friends(scene: Scene<Stores>) -> Verdict {
    equal(
        "the friends",
        scene.friends.friends(unknown_user()?).await?,
        vec![],
    )
}

async fn friendships_survive_a_restart(scene: Scene<Stores>) -> Verdict {
    let (alice, bob) = (scene.user("alice").await?, scene.user("bob").await?);
    scene.befriend(alice.id, bob.id).await?;
    let scene = scene.restarted().await?;
    equal(
        "alice's friends",
        scene.friends.friends(alice.id).await?,
        vec![bob],
    )
}
