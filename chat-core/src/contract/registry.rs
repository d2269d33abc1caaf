//! Cases of [`Registry`].

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::join;

use super::check::{Failure, Verdict, equal};
use super::runner::{Case, Scene, cases};
use crate::ports::{Peer, Registry};
use crate::types::NodeId;

type RegistryScene = Scene<Arc<dyn Registry>>;

pub(super) fn cases() -> Vec<Case<Arc<dyn Registry>>> {
    cases! {
        Nothing {
            an_announced_peer_becomes_known_to_everyone,
            peers_come_sorted,
            who_knows_all_waits_for_the_next_change,
            a_withdrawn_peer_is_unknown_at_once,
            withdrawing_twice_is_no_error,
            a_dropped_announcement_withdraws_in_time,
            announcing_again_replaces_the_address,
            a_dropped_wait_loses_nothing,
        }
    }
}

fn peer(name: &str, address: &str) -> Result<Peer, Failure> {
    Ok(Peer {
        node: NodeId::parse(name)?,
        address: address.to_owned(),
    })
}

/// Follows the changes until these peers are known; the runner's time limit ends the waiting.
async fn until_known(registry: &dyn Registry, expected: &[Peer]) -> Verdict {
    let mut known = Vec::new();
    while known != expected {
        known = registry.changed(&known).await?;
    }
    Ok(())
}

async fn an_announced_peer_becomes_known_to_everyone(scene: RegistryScene) -> Verdict {
    let other = scene.another().await?;
    let one = peer("n1", "127.0.0.1:7001")?;
    let _kept = scene.announce(&one).await?;
    for registry in [&*scene, &other] {
        until_known(&**registry, std::slice::from_ref(&one)).await?;
    }
    Ok(())
}

async fn peers_come_sorted(scene: RegistryScene) -> Verdict {
    let peers = [peer("a", "z:1")?, peer("b", "[::1]:7000")?, peer("c", "a:1")?];
    let mut kept = Vec::new();
    for peer in peers.iter().cycle().skip(1).take(peers.len()) {
        kept.push(scene.announce(peer).await?);
    }
    until_known(&**scene, &peers).await
}

async fn who_knows_all_waits_for_the_next_change(scene: RegistryScene) -> Verdict {
    let (one, two) = (peer("n1", "a:1")?, peer("n2", "a:2")?);
    let _one = scene.announce(&one).await?;
    until_known(&**scene, std::slice::from_ref(&one)).await?;
    let known = [one.clone()];
    let (changed, announced) = join(scene.changed(&known), scene.announce(&two)).await;
    let _two = announced?;
    equal("the changed peers", changed?, vec![one, two])
}

async fn a_withdrawn_peer_is_unknown_at_once(scene: RegistryScene) -> Verdict {
    let (gone, kept) = (peer("n1", "a:1")?, peer("n2", "a:2")?);
    let announcement = scene.announce(&gone).await?;
    let _kept = scene.announce(&kept).await?;
    until_known(&**scene, &[gone, kept.clone()]).await?;
    announcement.withdraw().await?;
    let fresh = scene.another().await?;
    equal(
        "what a new handle learns",
        fresh.changed(&[]).await?,
        vec![kept.clone()],
    )?;
    until_known(&**scene, &[kept]).await
}

async fn withdrawing_twice_is_no_error(scene: RegistryScene) -> Verdict {
    let announcement = scene.announce(&peer("n1", "a:1")?).await?;
    for _ in 0..2 {
        announcement.withdraw().await?;
    }
    let again = peer("n1", "a:9")?;
    let _kept = scene.announce(&again).await?;
    drop(announcement);
    until_known(&**scene, &[again]).await
}

async fn a_dropped_announcement_withdraws_in_time(scene: RegistryScene) -> Verdict {
    let (gone, kept) = (peer("n1", "a:1")?, peer("n2", "a:2")?);
    let announcement = scene.announce(&gone).await?;
    let _kept = scene.announce(&kept).await?;
    until_known(&**scene, &[gone, kept.clone()]).await?;
    drop(announcement);
    until_known(&**scene, &[kept]).await
}

async fn announcing_again_replaces_the_address(scene: RegistryScene) -> Verdict {
    let (before, after) = (peer("n1", "a:1")?, peer("n1", "a:2")?);
    let _before = scene.announce(&before).await?;
    until_known(&**scene, &[before]).await?;
    let _after = scene.announce(&after).await?;
    until_known(&**scene, &[after]).await
}

async fn a_dropped_wait_loses_nothing(scene: RegistryScene) -> Verdict {
    let one = peer("n1", "a:1")?;
    let mut waiting = scene.changed(&[]);
    equal(
        "nobody is known yet",
        (&mut waiting).now_or_never().is_some(),
        false,
    )?;
    let _kept = scene.announce(&one).await?;
    drop(waiting);
    until_known(&**scene, &[one]).await
}
