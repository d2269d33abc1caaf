//! Cases of [`Bus`].

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;

use super::check::{Failure, Verdict, equal, holds, present};
use super::runner::{Case, Scene, cases};
use super::scene::{PLENTY, device, seq};
use crate::ports::{Bus, BusItem, BusSubscription, Notice, NoticeKind, Topic};
use crate::types::{ConversationId, GroupId, NodeId, SessionId, UserId};

type BusScene = Scene<Arc<dyn Bus>>;

/// What does not arrive within this time is missing.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) fn cases() -> Vec<Case<Arc<dyn Bus>>> {
    cases! {
        Nothing {
            a_notice_reaches_every_subscription_of_its_topic,
            notices_of_other_topics_do_not_arrive,
            a_user_and_a_group_of_one_number_are_two_topics,
            a_topics_notices_keep_their_order,
            every_kind_of_notice_arrives_as_it_was_published,
            a_topic_added_twice_counts_once,
            a_topic_removed_once_is_gone_however_often_it_was_added,
            removing_topics_leaves_the_others,
            what_is_missed_is_covered_by_a_gap,
            a_subscription_works_on_after_a_gap,
            publishing_never_waits_for_receivers,
            a_dropped_subscription_leaves_the_others,
            a_dropped_wait_loses_nothing,
            what_is_there_is_answered_at_once_up_to_the_limit,
            a_nodes_own_notices_do_not_come_back_to_it,
            a_node_that_another_listens_to_is_not_alone,
            nothing_is_no_error,
        }
    }
}

fn user_topic(id: u64) -> Result<Topic, Failure> {
    Ok(Topic::User(UserId::new(id)?))
}

fn group_topic(id: u64) -> Result<Topic, Failure> {
    Ok(Topic::Group(GroupId::new(id)?))
}

/// The node that listens, which is another one than the notices come from.
fn reader() -> Result<NodeId, Failure> {
    Ok(NodeId::parse("n2")?)
}

/// A notice that is told apart by its number.
fn notice(topic: Topic, number: u64) -> Result<Notice, Failure> {
    Ok(Notice {
        topic,
        origin: NodeId::parse("n1")?,
        kind: NoticeKind::Event {
            frame: Bytes::from(format!("{{\"number\":{number}}}")),
        },
    })
}

impl BusScene {
    async fn listen(&self, topics: &[Topic]) -> Result<Box<dyn BusSubscription>, Failure> {
        let subscription = self.subscribe(&reader()?, PLENTY).await?;
        subscription.add(topics).await?;
        Ok(subscription)
    }

    async fn publish_one(&self, topic: Topic, number: u64) -> Verdict {
        Ok(self.publish(&[notice(topic, number)?]).await?)
    }
}

async fn next(subscription: &dyn BusSubscription) -> Result<BusItem, Failure> {
    let items = tokio::time::timeout(PATIENCE, subscription.next(1)).await;
    let items = items.map_err(|_| Failure::new("nothing arrives at a subscription"))?;
    holds("at most one item was asked for", items.len() < 2)?;
    present("the next item", items.into_iter().next())
}

/// Fails unless the next item is this notice.
async fn expect(subscription: &dyn BusSubscription, topic: Topic, number: u64) -> Verdict {
    let expected = BusItem::Notice(notice(topic, number)?);
    equal("the next item", next(subscription).await?, expected)
}

async fn a_notice_reaches_every_subscription_of_its_topic(scene: BusScene) -> Verdict {
    let topic = group_topic(1)?;
    let (here, other) = (scene.listen(&[topic]).await?, scene.another().await?);
    let there = other.subscribe(&reader()?, PLENTY).await?;
    there.add(&[topic]).await?;
    scene.publish_one(topic, 1).await?;
    other.publish(&[notice(topic, 2)?]).await?;
    for subscription in [here, there] {
        // Order is promised within one publisher only.
        let mut items = [next(&*subscription).await?, next(&*subscription).await?];
        let first = BusItem::Notice(notice(topic, 1)?);
        items.sort_by_key(|item| *item != first);
        equal("the items", items, [first, BusItem::Notice(notice(topic, 2)?)])?;
    }
    Ok(())
}

async fn notices_of_other_topics_do_not_arrive(scene: BusScene) -> Verdict {
    let (mine, other) = (user_topic(1)?, user_topic(2)?);
    let idle = scene.listen(&[]).await?;
    let listening = scene.listen(&[mine]).await?;
    scene.publish_one(other, 1).await?;
    scene.publish_one(mine, 2).await?;
    expect(&*listening, mine, 2).await?;
    idle.add(&[user_topic(3)?]).await?;
    scene.publish_one(user_topic(3)?, 3).await?;
    expect(&*idle, user_topic(3)?, 3).await
}

async fn a_user_and_a_group_of_one_number_are_two_topics(scene: BusScene) -> Verdict {
    let (user, group) = (user_topic(1)?, group_topic(1)?);
    let of_user = scene.listen(&[user]).await?;
    let of_group = scene.listen(&[group]).await?;
    let both = scene.listen(&[user, group]).await?;
    scene.publish(&[notice(group, 1)?, notice(user, 2)?]).await?;
    expect(&*of_user, user, 2).await?;
    expect(&*of_group, group, 1).await?;
    for _ in 0..2 {
        next(&*both).await?;
    }
    Ok(())
}

async fn a_topics_notices_keep_their_order(scene: BusScene) -> Verdict {
    let (group, user) = (group_topic(1)?, user_topic(1)?);
    let subscription = scene.listen(&[group, user]).await?;
    let mut batch = Vec::new();
    for number in 0..500 {
        batch.extend([notice(group, number)?, notice(user, number)?]);
    }
    for part in batch.chunks(77) {
        scene.publish(part).await?;
    }
    let (mut of_group, mut of_user) = (0, 0);
    for _ in 0..batch.len() {
        let BusItem::Notice(received) = next(&*subscription).await? else {
            return Err(Failure::new("a gap although there is room"));
        };
        let number = if received.topic == group {
            &mut of_group
        } else {
            &mut of_user
        };
        equal(
            "the next of a topic",
            &received,
            &notice(received.topic, *number)?,
        )?;
        *number += 1;
    }
    Ok(())
}

async fn every_kind_of_notice_arrives_as_it_was_published(scene: BusScene) -> Verdict {
    let topic = user_topic(u64::from(u32::MAX) + 7)?;
    let frame = Bytes::from("{\"type\":\"message\",\"body\":\"a\\u0000 '\\\" 李雷 🦀\"}");
    let direct = ConversationId::direct(UserId::new(9)?, UserId::new(7)?);
    let message = |conversation, session| NoticeKind::Message {
        conversation,
        seq: seq(9_007_199_254_740_991),
        session,
        frame: frame.clone(),
    };
    let kinds = [
        message(direct, Some(SessionId::new(12))),
        message(ConversationId::group(GroupId::new(3)?), None),
        NoticeKind::Event { frame: frame.clone() },
        NoticeKind::DeviceOpened {
            device: device("my-laptop_2.home")?,
            epoch: 9,
        },
        NoticeKind::MembershipChanged {
            group: GroupId::new(3)?,
        },
        NoticeKind::Expelled {
            device: Some(device("phone")?),
        },
        NoticeKind::Expelled { device: None },
    ];
    let subscription = scene.listen(&[topic]).await?;
    let origin = NodeId::parse("node:1._-A")?;
    let published = kinds.map(|kind| Notice {
        topic,
        origin: origin.clone(),
        kind,
    });
    scene.publish(&published).await?;
    for notice in published {
        equal(
            "the next item",
            next(&*subscription).await?,
            BusItem::Notice(notice),
        )?;
    }
    Ok(())
}

async fn a_topic_added_twice_counts_once(scene: BusScene) -> Verdict {
    let topic = user_topic(1)?;
    let subscription = scene.listen(&[topic, topic]).await?;
    subscription.add(&[topic]).await?;
    for number in 1..=3 {
        scene.publish_one(topic, number).await?;
    }
    for number in 1..=3 {
        expect(&*subscription, topic, number).await?;
    }
    Ok(())
}

async fn a_topic_removed_once_is_gone_however_often_it_was_added(scene: BusScene) -> Verdict {
    let (gone, kept) = (user_topic(1)?, user_topic(2)?);
    let subscription = scene.listen(&[gone, kept]).await?;
    subscription.add(&[gone]).await?;
    for _ in 0..2 {
        subscription.remove(&[gone]).await?;
    }
    scene.publish_one(gone, 1).await?;
    scene.publish_one(kept, 2).await?;
    expect(&*subscription, kept, 2).await?;
    subscription.add(&[gone]).await?;
    scene.publish_one(gone, 3).await?;
    expect(&*subscription, gone, 3).await
}

async fn removing_topics_leaves_the_others(scene: BusScene) -> Verdict {
    let (gone, kept) = (group_topic(1)?, group_topic(2)?);
    let (one, other) = (scene.listen(&[gone, kept]).await?, scene.listen(&[gone]).await?);
    one.remove(&[gone, user_topic(9)?]).await?;
    scene.publish(&[notice(gone, 1)?, notice(kept, 2)?]).await?;
    expect(&*one, kept, 2).await?;
    expect(&*other, gone, 1).await
}

/// Publishes far more than a small subscription buffers, and reads up to the gap.
async fn overflown(scene: &BusScene, topic: Topic) -> Result<Box<dyn BusSubscription>, Failure> {
    let subscription = scene.subscribe(&reader()?, 4).await?;
    subscription.add(&[topic]).await?;
    let batch: Result<Vec<_>, _> = (0..200).map(|number| notice(topic, number)).collect();
    scene.publish(&batch?).await?;
    let last = notice(topic, 200)?;
    let mut expected = 0;
    loop {
        match next(&*subscription).await? {
            BusItem::Gap => return Ok(subscription),
            BusItem::Notice(received) => {
                equal("the next item before a gap", &received, &notice(topic, expected)?)?;
                if received == last {
                    return Ok(subscription);
                }
            }
        }
        if expected == 0 {
            // There is room for at least one more, which ends the reading.
            scene.publish(std::slice::from_ref(&last)).await?;
        }
        expected += 1;
    }
}

async fn what_is_missed_is_covered_by_a_gap(scene: BusScene) -> Verdict {
    overflown(&scene, user_topic(1)?).await.map(drop)
}

async fn a_subscription_works_on_after_a_gap(scene: BusScene) -> Verdict {
    let topic = user_topic(1)?;
    let subscription = overflown(&scene, topic).await?;
    let fresh = user_topic(2)?;
    subscription.add(&[fresh]).await?;
    for number in 0.. {
        scene.publish_one(fresh, number).await?;
        if let BusItem::Notice(received) = next(&*subscription).await?
            && received.topic == fresh
        {
            break;
        }
    }
    Ok(())
}

async fn publishing_never_waits_for_receivers(scene: BusScene) -> Verdict {
    let topic = group_topic(1)?;
    let sleeping = scene.subscribe(&reader()?, 1).await?;
    sleeping.add(&[topic]).await?;
    let batch: Result<Vec<_>, _> = (0..1_000).map(|number| notice(topic, number)).collect();
    let batch = batch?;
    let publish = async {
        for _ in 0..5 {
            scene.publish(&batch).await?;
        }
        Ok::<_, Failure>(())
    };
    let published = tokio::time::timeout(PATIENCE, publish).await;
    published.map_err(|_| Failure::new("publishing waits for a receiver that sleeps"))?
}

async fn a_dropped_subscription_leaves_the_others(scene: BusScene) -> Verdict {
    let topic = user_topic(1)?;
    let (ended, kept) = (scene.listen(&[topic]).await?, scene.listen(&[topic]).await?);
    drop(ended);
    scene.publish_one(topic, 1).await?;
    expect(&*kept, topic, 1).await
}

async fn a_dropped_wait_loses_nothing(scene: BusScene) -> Verdict {
    let topic = user_topic(1)?;
    let subscription = scene.listen(&[topic]).await?;
    for number in 0..50 {
        let abandoned = subscription.next(9).now_or_never();
        holds("nothing was published yet", abandoned.is_none())?;
        let mut waiting = subscription.next(9);
        holds(
            "nothing was published yet",
            (&mut waiting).now_or_never().is_none(),
        )?;
        scene.publish_one(topic, number).await?;
        drop(waiting);
        expect(&*subscription, topic, number).await?;
    }
    Ok(())
}

async fn what_is_there_is_answered_at_once_up_to_the_limit(scene: BusScene) -> Verdict {
    let topic = group_topic(1)?;
    let subscription = scene.listen(&[topic]).await?;
    let batch: Result<Vec<_>, _> = (0..50).map(|number| notice(topic, number)).collect();
    let expected: Vec<_> = batch?.into_iter().map(BusItem::Notice).collect();
    for item in &expected {
        let BusItem::Notice(notice) = item else { continue };
        scene.publish(std::slice::from_ref(notice)).await?;
    }
    let mut items = Vec::new();
    while items.len() < expected.len() {
        let more = tokio::time::timeout(PATIENCE, subscription.next(7)).await;
        let more = more.map_err(|_| Failure::new("nothing arrives at a subscription"))?;
        holds("an open bus answers something", !more.is_empty())?;
        holds("no more than the limit is answered", more.len() <= 7)?;
        items.extend(more);
    }
    equal("the items", items, expected)
}

async fn a_nodes_own_notices_do_not_come_back_to_it(scene: BusScene) -> Verdict {
    let (topic, own) = (user_topic(1)?, NodeId::parse("n1")?);
    let subscription = scene.subscribe(&own, PLENTY).await?;
    subscription.add(&[topic]).await?;
    let others = |number| {
        let origin = reader()?;
        Ok::<_, Failure>(Notice {
            origin,
            ..notice(topic, number)?
        })
    };
    scene
        .publish(&[notice(topic, 1)?, others(2)?, notice(topic, 3)?, others(4)?])
        .await?;
    for number in [2, 4] {
        let expected = BusItem::Notice(others(number)?);
        equal("the next item", next(&*subscription).await?, expected)?;
    }
    Ok(())
}

async fn a_node_that_another_listens_to_is_not_alone(scene: BusScene) -> Verdict {
    let node = NodeId::parse("n1")?;
    let _own = scene.subscribe(&node, PLENTY).await?;
    let other = scene.another().await?;
    let _there = other.subscribe(&reader()?, PLENTY).await?;
    holds("another node listens", !scene.is_alone(&node))
}

async fn nothing_is_no_error(scene: BusScene) -> Verdict {
    let subscription = scene.listen(&[]).await?;
    subscription.remove(&[]).await?;
    scene.publish(&[]).await?;
    scene.publish_one(user_topic(1)?, 1).await
}
