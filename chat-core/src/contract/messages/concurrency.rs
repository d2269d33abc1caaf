//! Storing messages from several sides at once.

use std::collections::BTreeMap;

use tokio::task::JoinSet;

use crate::contract::check::{Verdict, equal, holds};
use crate::contract::runner::{Case, Scene, cases};
use crate::contract::scene::{PLENTY, message, messages, seq};
use crate::ports::{Appended, JoinGroup, NewMessage, Stores};
use crate::types::{ConversationId, Seq};

pub(super) fn cases() -> Vec<Case<Stores>> {
    cases! {
        Nothing {
            thirty_two_appenders_on_two_handles_leave_no_gap,
            batches_over_crossing_conversations_at_once_all_succeed,
            one_id_from_two_handles_at_once_is_stored_once,
            every_message_is_before_the_join_or_delivered_after_it,
        }
    }
}

async fn thirty_two_appenders_on_two_handles_leave_no_gap(scene: Scene<Stores>) -> Verdict {
    const EACH: u64 = 6;
    let ids = scene.user_ids(32).await?;
    let creator = scene.user("creator").await?.id;
    let group = scene.group("rust", creator).await?;
    let conversation = ConversationId::group(group);
    for user in &ids {
        scene.join(group, *user).await?;
    }
    let handles = [scene.messages.clone(), scene.another().await?.messages];
    let mut appenders = JoinSet::new();
    for (store, user) in handles.into_iter().cycle().zip(ids) {
        let batches: Vec<Vec<NewMessage>> = vec![
            messages(conversation, user, 1..=2)?,
            messages(conversation, user, 3..=3)?,
            messages(conversation, user, 4..=EACH)?,
        ];
        appenders.spawn(async move {
            let mut answers = Vec::new();
            for batch in batches {
                answers.extend(store.append(&batch).await?);
            }
            Ok::<_, crate::BackendError>((user, answers))
        });
    }
    let mut answered = BTreeMap::new();
    while let Some(appender) = appenders.join_next().await {
        let (user, answers) = appender??;
        for (appended, number) in answers.into_iter().zip(1..) {
            let Appended::Stored { seq } = appended else {
                return equal("an append", Some(appended), None);
            };
            answered.insert(seq, (user, format!("m-{number}")));
        }
    }
    let read = scene.messages.read_after(conversation, Seq::ZERO, PLENTY).await?;
    let numbers: Vec<_> = read.iter().map(|message| message.seq).collect();
    equal(
        "the numbers",
        numbers,
        (1..=32 * EACH).map(seq).collect::<Vec<_>>(),
    )?;
    let read = read.into_iter();
    let read = read.map(|message| (message.seq, (message.from.id, message.id.as_str().to_owned())));
    equal("who got which number", read.collect::<BTreeMap<_, _>>(), answered)
}

async fn batches_over_crossing_conversations_at_once_all_succeed(scene: Scene<Stores>) -> Verdict {
    let alice = scene.user("alice").await?.id;
    let others = scene.user_ids(6).await?;
    let conversations: Vec<_> = others
        .iter()
        .map(|other| ConversationId::direct(alice, *other))
        .collect();
    let handles = [scene.messages.clone(), scene.another().await?.messages];
    let mut appenders = JoinSet::new();
    for (store, number) in handles.into_iter().cycle().zip(0..8) {
        let mut batch = Vec::new();
        for conversation in &conversations {
            batch.extend(messages(*conversation, alice, [number])?);
        }
        // Each in another order, as several nodes would.
        batch.rotate_left(usize::try_from(number)? % conversations.len());
        if number % 2 == 1 {
            batch.reverse();
        }
        appenders.spawn(async move { store.append(&batch).await });
    }
    while let Some(answers) = appenders.join_next().await {
        let all_stored = answers??
            .iter()
            .all(|answer| matches!(answer, Appended::Stored { .. }));
        holds("the whole batch is stored", all_stored)?;
    }
    for conversation in conversations {
        let read = scene.messages.read_after(conversation, Seq::ZERO, PLENTY).await?;
        let numbers: Vec<_> = read.iter().map(|message| message.seq).collect();
        equal("the numbers", numbers, (1..=8).map(seq).collect::<Vec<_>>())?;
    }
    Ok(())
}

async fn one_id_from_two_handles_at_once_is_stored_once(scene: Scene<Stores>) -> Verdict {
    let (alice, _, conversation) = scene.two_users().await?;
    let handles = [scene.messages.clone(), scene.another().await?.messages];
    for round in 1..=8 {
        let new = message(conversation, alice, &format!("m-{round}"))?;
        let mut appenders = JoinSet::new();
        for store in handles.clone().into_iter().cycle().take(4) {
            let new = new.clone();
            appenders.spawn(async move { store.append(&[new]).await });
        }
        let mut answers = Vec::new();
        while let Some(answer) = appenders.join_next().await {
            answers.extend(answer??);
        }
        let stored = Appended::Stored { seq: seq(round) };
        let duplicate = Appended::Duplicate {
            seq: seq(round),
            at: new.at,
        };
        let count = |wanted| answers.iter().filter(|answer| **answer == wanted).count();
        equal("how many stored it", count(stored), 1)?;
        equal("how many answered the first one", count(duplicate), 3)?;
    }
    Ok(())
}

async fn every_message_is_before_the_join_or_delivered_after_it(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, _) = scene.two_users().await?;
    let group = scene.group("rust", alice).await?;
    let conversation = ConversationId::group(group);
    scene.open(bob, "phone", 0).await?;
    let (writer, other) = (scene.messages.clone(), scene.another().await?);
    let batch = messages(conversation, alice, 1..=30)?;
    let mut calls = JoinSet::new();
    calls.spawn(async move {
        for new in batch.chunks(3) {
            writer.append(new).await?;
        }
        Ok(None)
    });
    calls.spawn(async move {
        other
            .groups
            .join_group(group, bob, PLENTY, PLENTY)
            .await
            .map(Some)
    });
    let mut joined = None;
    while let Some(outcome) = calls.join_next().await {
        if let Some(JoinGroup::Joined(membership)) = outcome?? {
            joined = Some(membership.joined_seq);
        }
    }
    let position = scene.position(bob, "phone", conversation).await?;
    equal(
        "where delivery begins",
        position.map(|position| position.acked_seq),
        joined,
    )?;
    let delivered = scene
        .messages
        .read_after(conversation, joined.unwrap_or_default(), PLENTY)
        .await?;
    let before = joined.map_or(0, Seq::get);
    equal("before and after the join", before + delivered.len() as u64, 30)
}
