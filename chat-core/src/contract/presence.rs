//! Cases of [`Presence`].

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::check::{Failure, Verdict, equal, holds};
use super::runner::{Case, Scene, cases};
use super::scene::{PLENTY, at};
use crate::ports::Presence;
use crate::types::{NodeId, UserId};

type PresenceScene = Scene<Arc<dyn Presence>>;

/// Every lease of these cases lasts this long.
const TTL: Duration = Duration::from_millis(100);

pub(super) fn cases() -> Vec<Case<Arc<dyn Presence>>> {
    cases! {
        Nothing {
            a_first_lease_brings_its_user_online_once,
            a_second_node_changes_nothing,
            giving_back_the_last_lease_takes_its_user_offline_once,
            giving_back_what_one_does_not_hold_changes_nothing,
            a_lease_ends_by_the_time_passed,
            a_renewed_lease_lasts_from_its_renewal,
            one_nodes_lease_outlasts_anothers,
            a_renewal_after_the_end_brings_its_user_online_again,
            a_sweep_answers_who_went_offline_once,
            a_sweep_answers_at_most_its_limit,
            a_sweep_leaves_out_whom_another_node_holds,
            a_lease_that_has_ended_is_told_by_the_sweep_and_not_by_giving_it_back,
            who_was_given_back_is_not_swept,
            of_two_nodes_racing_one_brings_a_user_online_and_one_takes_them_offline,
            of_two_sweeps_racing_one_answers_each_user,
            online_answers_in_the_order_asked,
            a_count_has_each_user_once_while_a_lease_lasts,
            no_users_are_no_error,
        }
        Processes { a_lease_outlives_the_handle_that_took_it }
    }
}

fn user(id: u64) -> Result<UserId, Failure> {
    Ok(UserId::new(id)?)
}

fn users<const N: usize>(ids: [u64; N]) -> Result<Vec<UserId>, Failure> {
    ids.into_iter().map(user).collect()
}

fn node(name: &str) -> Result<NodeId, Failure> {
    Ok(NodeId::parse(name)?)
}

fn sorted(mut users: Vec<UserId>) -> Vec<UserId> {
    users.sort_unstable();
    users
}

impl PresenceScene {
    /// Takes or renews leases of these users; answers who came online.
    async fn renewed<const N: usize>(
        &self,
        name: &str,
        ids: [u64; N],
        millis: u64,
    ) -> Result<Vec<UserId>, Failure> {
        let (node, users) = (node(name)?, users(ids)?);
        Ok(sorted(self.renew(&node, &users, at(millis), TTL).await?))
    }

    /// Gives leases of these users back; answers who went offline.
    async fn released<const N: usize>(
        &self,
        name: &str,
        ids: [u64; N],
        millis: u64,
    ) -> Result<Vec<UserId>, Failure> {
        let (node, users) = (node(name)?, users(ids)?);
        Ok(sorted(self.release(&node, &users, at(millis)).await?))
    }

    async fn swept(&self, millis: u64) -> Result<Vec<UserId>, Failure> {
        Ok(sorted(self.sweep(at(millis), PLENTY).await?))
    }

    async fn expect_online<const N: usize>(
        &self,
        ids: [u64; N],
        millis: u64,
        expected: [bool; N],
    ) -> Verdict {
        let online = self.online(&users(ids)?, at(millis)).await?;
        equal(&format!("who is online at {millis}"), online, expected.to_vec())
    }
}

async fn a_first_lease_brings_its_user_online_once(scene: PresenceScene) -> Verdict {
    scene.expect_online([1, 2], 0, [false, false]).await?;
    equal(
        "the first lease",
        scene.renewed("n1", [1, 2], 0).await?,
        users([1, 2])?,
    )?;
    equal("its repetition", scene.renewed("n1", [1, 2], 0).await?, vec![])?;
    equal(
        "with one more",
        scene.renewed("n1", [2, 3, 1], 1).await?,
        users([3])?,
    )?;
    scene
        .expect_online([1, 2, 3, 4], 2, [true, true, true, false])
        .await
}

async fn a_second_node_changes_nothing(scene: PresenceScene) -> Verdict {
    scene.renewed("n1", [1], 0).await?;
    equal(
        "the second node",
        scene.renewed("n2", [1, 2], 1).await?,
        users([2])?,
    )?;
    equal("one gives back", scene.released("n1", [1], 2).await?, vec![])?;
    scene.expect_online([1], 2, [true]).await?;
    equal(
        "the other gives back",
        scene.released("n2", [1], 3).await?,
        users([1])?,
    )
}

async fn giving_back_the_last_lease_takes_its_user_offline_once(scene: PresenceScene) -> Verdict {
    scene.renewed("n1", [1, 2], 0).await?;
    equal("giving back", scene.released("n1", [1], 1).await?, users([1])?)?;
    equal("once more", scene.released("n1", [1], 1).await?, vec![])?;
    scene.expect_online([1, 2], 1, [false, true]).await?;
    equal("a new lease", scene.renewed("n1", [1], 2).await?, users([1])?)
}

async fn giving_back_what_one_does_not_hold_changes_nothing(scene: PresenceScene) -> Verdict {
    scene.renewed("n1", [1], 0).await?;
    equal("another node", scene.released("n2", [1], 1).await?, vec![])?;
    equal("a user offline", scene.released("n1", [2], 1).await?, vec![])?;
    scene.expect_online([1, 2], 1, [true, false]).await
}

async fn a_lease_ends_by_the_time_passed(scene: PresenceScene) -> Verdict {
    scene.renewed("n1", [1], 0).await?;
    scene.expect_online([1], 99, [true]).await?;
    scene.expect_online([1], 100, [false]).await?;
    scene.expect_online([1], 101, [false]).await
}

async fn a_renewed_lease_lasts_from_its_renewal(scene: PresenceScene) -> Verdict {
    scene.renewed("n1", [1], 0).await?;
    equal("the renewal", scene.renewed("n1", [1], 60).await?, vec![])?;
    equal("the sweep between", scene.swept(120).await?, vec![])?;
    scene.expect_online([1], 159, [true]).await?;
    scene.expect_online([1], 160, [false]).await
}

async fn one_nodes_lease_outlasts_anothers(scene: PresenceScene) -> Verdict {
    scene.renewed("n1", [1], 0).await?;
    scene.renewed("n2", [1], 50).await?;
    scene.expect_online([1], 120, [true]).await?;
    equal(
        "the last valid lease is given back",
        scene.released("n2", [1], 130).await?,
        users([1])?,
    )?;
    equal("the sweep after it", scene.swept(200).await?, vec![])
}

async fn a_renewal_after_the_end_brings_its_user_online_again(scene: PresenceScene) -> Verdict {
    scene.renewed("n1", [1], 0).await?;
    equal("after the end", scene.renewed("n1", [1], 100).await?, users([1])?)?;
    equal("the sweep", scene.swept(101).await?, vec![])?;
    scene.expect_online([1], 101, [true]).await
}

async fn a_sweep_answers_who_went_offline_once(scene: PresenceScene) -> Verdict {
    scene.renewed("n1", [1, 2], 0).await?;
    scene.renewed("n2", [1], 0).await?;
    scene.renewed("n1", [3], 50).await?;
    equal("before the end", scene.swept(99).await?, vec![])?;
    equal("at the end", scene.swept(100).await?, users([1, 2])?)?;
    equal("once more", scene.swept(100).await?, vec![])?;
    equal("the next end", scene.swept(150).await?, users([3])?)?;
    equal("a new lease", scene.renewed("n1", [1], 151).await?, users([1])?)
}

async fn a_sweep_answers_at_most_its_limit(scene: PresenceScene) -> Verdict {
    scene.renewed("n1", [1, 2, 3, 4, 5], 0).await?;
    equal("a sweep of nobody", scene.sweep(at(100), 0).await?, vec![])?;
    let mut swept = Vec::new();
    for expected in [2, 2, 1, 0] {
        let page = scene.sweep(at(100), 2).await?;
        equal("how many were swept", page.len(), expected)?;
        swept.extend(page);
    }
    equal("all who were swept", sorted(swept), users([1, 2, 3, 4, 5])?)
}

async fn a_sweep_leaves_out_whom_another_node_holds(scene: PresenceScene) -> Verdict {
    scene.renewed("n1", [1], 0).await?;
    scene.renewed("n2", [1], 50).await?;
    equal("one lease has ended", scene.swept(100).await?, vec![])?;
    equal("the other has", scene.swept(150).await?, users([1])?)
}

async fn a_lease_that_has_ended_is_told_by_the_sweep_and_not_by_giving_it_back(
    scene: PresenceScene,
) -> Verdict {
    scene.renewed("n1", [1], 0).await?;
    equal("giving it back", scene.released("n1", [1], 100).await?, vec![])?;
    equal("the sweep", scene.swept(101).await?, users([1])?)
}

async fn who_was_given_back_is_not_swept(scene: PresenceScene) -> Verdict {
    scene.renewed("n1", [1, 2], 0).await?;
    scene.released("n1", [1], 50).await?;
    equal("the sweep", scene.swept(100).await?, users([2])?)
}

async fn of_two_nodes_racing_one_brings_a_user_online_and_one_takes_them_offline(
    scene: PresenceScene,
) -> Verdict {
    let handles = [scene.another().await?, scene.another().await?];
    let all = users([1, 2, 3, 4, 5, 6, 7, 8])?;
    for round in 0..8 {
        let mut calls = JoinSet::new();
        for (handle, name) in handles.iter().cloned().zip(["n1", "n2"]) {
            let (all, name) = (all.clone(), node(name)?);
            calls.spawn(async move { handle.renew(&name, &all, at(round), TTL).await });
        }
        equal("who came online", answers(calls).await?, all.clone())?;
        let mut calls = JoinSet::new();
        for (handle, name) in handles.iter().cloned().zip(["n1", "n2"]) {
            let (all, name) = (all.clone(), node(name)?);
            calls.spawn(async move { handle.release(&name, &all, at(round)).await });
        }
        equal("who went offline", answers(calls).await?, all.clone())?;
    }
    Ok(())
}

async fn of_two_sweeps_racing_one_answers_each_user(scene: PresenceScene) -> Verdict {
    scene.renewed("n1", [1, 2, 3, 4, 5, 6], 0).await?;
    let handles = [scene.another().await?, scene.another().await?];
    let mut calls = JoinSet::new();
    for handle in handles.into_iter().cycle().take(6) {
        calls.spawn(async move { handle.sweep(at(100), 4).await });
    }
    equal("who was swept", answers(calls).await?, users([1, 2, 3, 4, 5, 6])?)
}

/// What several calls answered, together, sorted.
async fn answers(
    mut calls: JoinSet<Result<Vec<UserId>, crate::BackendError>>,
) -> Result<Vec<UserId>, Failure> {
    let mut all = Vec::new();
    while let Some(answer) = calls.join_next().await {
        all.extend(answer??);
    }
    Ok(sorted(all))
}

async fn online_answers_in_the_order_asked(scene: PresenceScene) -> Verdict {
    scene.renewed("n1", [2, 4], 0).await?;
    scene
        .expect_online([4, 1, 2, 4, 3], 1, [true, false, true, true, false])
        .await
}

async fn a_count_has_each_user_once_while_a_lease_lasts(scene: PresenceScene) -> Verdict {
    equal("without anybody", scene.count(at(0)).await?, 0)?;
    scene.renewed("n1", [1, 2, 3], 0).await?;
    scene.renewed("n2", [2, 4], 50).await?;
    equal("over two nodes", scene.count(at(50)).await?, 4)?;
    scene.released("n1", [2, 3], 60).await?;
    equal("one has gone", scene.count(at(60)).await?, 3)?;
    equal("the last moment of a lease", scene.count(at(99)).await?, 3)?;
    equal("its end", scene.count(at(100)).await?, 2)?;
    equal("the end of all", scene.count(at(150)).await?, 0)
}

async fn no_users_are_no_error(scene: PresenceScene) -> Verdict {
    equal("renewing", scene.renewed("n1", [], 0).await?, vec![])?;
    equal("giving back", scene.released("n1", [], 0).await?, vec![])?;
    scene.expect_online([], 0, []).await?;
    equal("a sweep", scene.swept(0).await?, vec![])
}

async fn a_lease_outlives_the_handle_that_took_it(scene: PresenceScene) -> Verdict {
    scene.renewed("n1", [1], 0).await?;
    let scene = scene.restarted().await?;
    scene.expect_online([1], 99, [true]).await?;
    equal("a renewal", scene.renewed("n1", [1], 50).await?, vec![])?;
    let swept = scene.swept(150).await?;
    holds("the sweep answers the user", swept == users([1])?)
}
