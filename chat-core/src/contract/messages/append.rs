//! Storing messages: numbers, duplicates, batches, and what comes back.

use crate::contract::check::{Verdict, equal};
use crate::contract::runner::{Case, Scene, cases};
use crate::contract::scene::{PLENTY, at, message, messages, seq, stored};
use crate::ports::{Appended, NewMessage, Stores};
use crate::types::{ConversationId, Data, MessageIdOrigin, Seq};

pub(super) fn cases() -> Vec<Case<Stores>> {
    cases! {
        Nothing {
            numbers_begin_at_one_and_have_no_gaps,
            each_conversation_counts_by_itself,
            append_twice_with_one_id_stores_once,
            a_duplicate_inside_a_batch_is_stored_once,
            one_id_in_another_conversation_or_of_another_sender_is_new,
            ids_are_compared_by_case,
            a_batch_that_was_stored_answers_duplicates_throughout,
            an_empty_batch_answers_nothing,
            a_batch_of_500_over_100_conversations_keeps_its_order,
            everything_of_a_message_comes_back_as_it_was_sent,
            bodies_and_data_come_back_byte_for_byte,
        }
        Restart {
            messages_survive_a_restart,
            numbers_go_on_after_a_restart,
        }
    }
}

async fn numbers_begin_at_one_and_have_no_gaps(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, conversation) = scene.two_users().await?;
    scene.fill(conversation, alice, 1, 1).await?;
    scene.fill(conversation, bob, 2, 4).await?;
    scene.fill(conversation, alice, 5, 5).await
}

async fn each_conversation_counts_by_itself(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, direct) = scene.two_users().await?;
    let group = ConversationId::group(scene.group("rust", alice).await?);
    let notes = ConversationId::direct(alice, alice);
    let all = [direct, group, notes, ConversationId::direct(bob, bob)];
    for conversation in all {
        let sender = if conversation.other(bob) == Some(bob) {
            bob
        } else {
            alice
        };
        scene.fill(conversation, sender, 1, 2).await?;
    }
    Ok(())
}

async fn append_twice_with_one_id_stores_once(scene: Scene<Stores>) -> Verdict {
    let (alice, _, conversation) = scene.two_users().await?;
    let first = message(conversation, alice, "m-2")?;
    scene.fill(conversation, alice, 1, 3).await?;
    let again = NewMessage {
        at: at(99_999),
        body: "changed".parse()?,
        ..first.clone()
    };
    let other = scene.another().await?;
    for store in [&*scene, &other] {
        let answered = store.messages.append(std::slice::from_ref(&again)).await?;
        let duplicate = Appended::Duplicate {
            seq: seq(2),
            at: first.at,
        };
        equal("the second append", answered, vec![duplicate])?;
    }
    let all = scene.messages.read_after(conversation, Seq::ZERO, PLENTY).await?;
    equal("the number of messages", all.len(), 3)?;
    let bodies: Vec<_> = all.into_iter().map(|message| message.body).collect();
    equal("the first body stays", bodies.contains(&again.body), false)?;
    scene.fill(conversation, alice, 4, 4).await
}

async fn a_duplicate_inside_a_batch_is_stored_once(scene: Scene<Stores>) -> Verdict {
    let (alice, _, conversation) = scene.two_users().await?;
    let (one, two) = (
        message(conversation, alice, "one")?,
        message(conversation, alice, "two")?,
    );
    let again = NewMessage {
        at: at(99_999),
        ..one.clone()
    };
    let batch = [one.clone(), again.clone(), two, again];
    let duplicate = Appended::Duplicate {
        seq: seq(1),
        at: one.at,
    };
    let [first, second] = [1, 2].map(|number| Appended::Stored { seq: seq(number) });
    let answered = scene.messages.append(&batch).await?;
    equal("the batch", answered, vec![first, duplicate, second, duplicate])
}

async fn one_id_in_another_conversation_or_of_another_sender_is_new(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, conversation) = scene.two_users().await?;
    let notes = ConversationId::direct(alice, alice);
    let batch = [
        message(conversation, alice, "same")?,
        message(conversation, bob, "same")?,
        message(notes, alice, "same")?,
    ];
    let answered = scene.messages.append(&batch).await?;
    equal("the batch", answered, stored([1, 2, 1]))
}

async fn ids_are_compared_by_case(scene: Scene<Stores>) -> Verdict {
    let (alice, _, conversation) = scene.two_users().await?;
    let longest = "x".repeat(64);
    let ids = ["a", "A", "a.", "a_", "a-", "a:", "01", "1", &longest];
    let batch: Result<Vec<_>, _> = ids.iter().map(|id| message(conversation, alice, id)).collect();
    let answered = scene.messages.append(&batch?).await?;
    equal("ids that differ", answered, stored(1..=9))
}

async fn a_batch_that_was_stored_answers_duplicates_throughout(scene: Scene<Stores>) -> Verdict {
    let (alice, bob, conversation) = scene.two_users().await?;
    let mut batch = messages(conversation, alice, 1..=3)?;
    batch.extend(messages(conversation, bob, 1..=3)?);
    scene.messages.append(&batch).await?;
    batch.push(message(conversation, alice, "new")?);
    let answered = scene.messages.append(&batch).await?;
    let expected = batch.iter().zip(1..).map(|(new, number)| match number {
        7 => Appended::Stored { seq: seq(7) },
        _ => Appended::Duplicate {
            seq: seq(number),
            at: new.at,
        },
    });
    equal("the batch again", answered, expected.collect::<Vec<_>>())
}

async fn an_empty_batch_answers_nothing(scene: Scene<Stores>) -> Verdict {
    equal("the answers", scene.messages.append(&[]).await?, vec![])?;
    Ok(scene.devices.advance_cursors(&[]).await?)
}

async fn a_batch_of_500_over_100_conversations_keeps_its_order(scene: Scene<Stores>) -> Verdict {
    let alice = scene.user("alice").await?.id;
    let mut conversations = Vec::new();
    for other in scene.user_ids(100).await? {
        conversations.push(ConversationId::direct(alice, other));
    }
    let mut batch = Vec::new();
    for round in 1..=5 {
        for conversation in &conversations {
            batch.extend(messages(*conversation, alice, [round])?);
        }
    }
    let answered = scene.messages.append(&batch).await?;
    let numbers = (1..=5).flat_map(|round| std::iter::repeat_n(round, 100));
    equal("the numbers", answered, stored(numbers))?;
    for conversation in conversations {
        let read = scene.messages.read_after(conversation, Seq::ZERO, PLENTY).await?;
        let ids: Vec<_> = read.iter().map(|message| message.id.as_str()).collect();
        equal(
            "the order of a conversation",
            ids,
            vec!["m-1", "m-2", "m-3", "m-4", "m-5"],
        )?;
    }
    Ok(())
}

async fn everything_of_a_message_comes_back_as_it_was_sent(scene: Scene<Stores>) -> Verdict {
    let alice = scene.user("Älice").await?;
    let conversation = ConversationId::group(scene.group("rust", alice.id).await?);
    let mut by_client = message(conversation, alice.id, "c-1")?;
    by_client.data = Some(Data::parse("{\"a\":1.00e5,\"a\":2}")?);
    let mut by_node = message(conversation, alice.id, "n-1")?;
    by_node.id_origin = MessageIdOrigin::Node;
    let batch = [by_client, by_node];
    scene.messages.append(&batch).await?;
    let read = scene.messages.read_after(conversation, Seq::ZERO, PLENTY).await?;
    equal("the number of messages", read.len(), 2)?;
    for ((message, new), number) in read.into_iter().zip(batch).zip(1..) {
        equal("conversation", message.conversation, conversation)?;
        equal("seq", message.seq, seq(number))?;
        equal("from", message.from, alice.clone())?;
        equal("id", message.id, new.id)?;
        equal("id_origin", message.id_origin, new.id_origin)?;
        equal("body", message.body.as_str(), new.body.as_str())?;
        equal("data", message.data, new.data)?;
        equal("at", message.at, new.at)?;
    }
    Ok(())
}

async fn bodies_and_data_come_back_byte_for_byte(scene: Scene<Stores>) -> Verdict {
    let (alice, _, conversation) = scene.two_users().await?;
    let longest = "é".repeat(4_096);
    let bodies = [
        "\0",
        "a\0b",
        " \t\r\n ",
        "'\"\\`%_--;",
        "李雷 🦀👩\u{200D}🚀",
        "\u{FEFF}x\u{10FFFF}",
        &longest,
    ];
    let long_data = format!("{{\"a\":\"{}\"}}", "x".repeat(8_000));
    let data = [
        r#"{}"#,
        r#"{ "a" : "\u0000\\'\"" }"#,
        r#"{"李":"🦀"}"#,
        r#"{"n":1e400,"z":-0}"#,
        &long_data,
    ];
    let mut batch = Vec::new();
    for (index, body) in bodies.iter().enumerate() {
        let mut new = message(conversation, alice, &format!("m-{index}"))?;
        new.body = body.parse()?;
        new.data = data.get(index).map(|json| Data::parse(json)).transpose()?;
        batch.push(new);
    }
    scene.messages.append(&batch).await?;
    let read = scene.messages.read_after(conversation, Seq::ZERO, PLENTY).await?;
    equal("the number of messages", read.len(), bodies.len())?;
    for (index, (message, body)) in read.iter().zip(bodies).enumerate() {
        equal("a body", message.body.as_str(), body)?;
        let json = message.data.as_ref().map(Data::as_str);
        equal("its data", json, data.get(index).copied())?;
    }
    Ok(())
}

async fn messages_survive_a_restart(scene: Scene<Stores>) -> Verdict {
    let (alice, _, conversation) = scene.two_users().await?;
    scene.fill(conversation, alice, 1, 3).await?;
    let before = scene.messages.read_after(conversation, Seq::ZERO, PLENTY).await?;
    let scene = scene.restarted().await?;
    let after = scene.messages.read_after(conversation, Seq::ZERO, PLENTY).await?;
    equal("the messages", after, before)
}

async fn numbers_go_on_after_a_restart(scene: Scene<Stores>) -> Verdict {
    let (alice, _, conversation) = scene.two_users().await?;
    scene.fill(conversation, alice, 1, 3).await?;
    let scene = scene.restarted().await?;
    let again = message(conversation, alice, "m-2")?;
    let answered = scene.messages.append(std::slice::from_ref(&again)).await?;
    equal(
        "a duplicate",
        answered,
        vec![Appended::Duplicate {
            seq: seq(2),
            at: again.at,
        }],
    )?;
    scene.fill(conversation, alice, 4, 4).await
}
