//! Transactions that want the same rows.

use std::time::{Duration, Instant};

use chat_adapters::mysql::MySqlStore;
use chat_core::BackendErrorKind;
use chat_core::ports::{Appended, MessageStore, UserStore};
use chat_core::types::{ConversationId, Seq, UserId};
use tokio::task::JoinSet;

use crate::harness::Setting;
use crate::scene::{connect, execute, message, open, open_with, users, wait_for_lock_wait};

async fn numbers(store: &MySqlStore, conversation: ConversationId) -> Vec<u64> {
    let stored = store.read_after(conversation, Seq::ZERO, 10_000).await.unwrap();
    stored.iter().map(|message| message.seq.get()).collect()
}

pub(crate) async fn appenders_of_one_new_conversation_number_it_densely(setting: Setting) {
    const APPENDERS: u64 = 32;
    const BATCHES: u64 = 5;
    let nodes = [open(&setting.database).await, open(&setting.database).await];
    let ids = users(&nodes[0], 2).await;
    let (one, other) = (ids[0], ids[1]);
    let mut appenders = JoinSet::new();
    for appender in 0..APPENDERS {
        let store = nodes[usize::from(appender % 2 == 0)].clone();
        appenders.spawn(async move {
            for batch in 0..BATCHES {
                let batch = [message(one, other, &format!("{appender}-{batch}"), "text")];
                store.append(&batch).await.unwrap();
            }
        });
    }
    appenders.join_all().await;
    let conversation = ConversationId::direct(one, other);
    let expected: Vec<u64> = (1..=APPENDERS * BATCHES).collect();
    assert_eq!(numbers(&nodes[1], conversation).await, expected);
}

pub(crate) async fn appenders_in_opposite_orders_all_succeed(setting: Setting) {
    const APPENDERS: usize = 12;
    const ROUNDS: usize = 8;
    let nodes = [open(&setting.database).await, open(&setting.database).await];
    let ids = users(&nodes[0], 8).await;
    let pairs: Vec<(UserId, UserId)> = (1..ids.len()).map(|place| (ids[place - 1], ids[place])).collect();
    let mut appenders = JoinSet::new();
    for appender in 0..APPENDERS {
        let (store, mut pairs) = (nodes[appender % 2].clone(), pairs.clone());
        if appender % 4 < 2 {
            pairs.reverse();
        }
        appenders.spawn(async move {
            for round in 0..ROUNDS {
                let id = format!("{appender}-{round}");
                let batch: Vec<_> = pairs
                    .iter()
                    .map(|(one, other)| message(*one, *other, &id, "text"))
                    .collect();
                store.append(&batch).await.unwrap();
            }
        });
    }
    appenders.join_all().await;
    let count = u64::try_from(APPENDERS * ROUNDS).unwrap();
    for (one, other) in pairs {
        let conversation = ConversationId::direct(one, other);
        let expected: Vec<u64> = (1..=count).collect();
        assert_eq!(numbers(&nodes[0], conversation).await, expected);
    }
}

pub(crate) async fn states_written_by_two_nodes_at_once_are_all_written(setting: Setting) {
    let nodes = [open(&setting.database).await, open(&setting.database).await];
    let ids = users(&nodes[0], 40).await;
    let mut writers = JoinSet::new();
    for (number, store) in nodes.iter().cycle().take(8).enumerate() {
        let (store, mut ids) = (store.clone(), ids.clone());
        if number % 4 < 2 {
            ids.reverse();
        }
        writers.spawn(async move {
            for _ in 0..10 {
                store.set_states(&ids, false).await.unwrap();
                store.set_states(&ids, true).await.unwrap();
            }
        });
    }
    writers.join_all().await;
    assert_eq!(nodes[0].online_states(None, 100).await.unwrap(), ids);
    assert_eq!(
        setting.retries("deadlock"),
        0,
        "rows are locked in the order of their keys"
    );
}

/// Another program locks the second conversation and then the first one. It has changed more rows, so
/// the store's transaction is the one that the server ends.
pub(crate) async fn a_deadlock_is_got_over_and_counted(setting: Setting) {
    let store = open(&setting.database).await;
    let ids = users(&store, 20).await;
    let batch = |id| {
        [
            message(ids[0], ids[1], id, "one"),
            message(ids[0], ids[2], id, "two"),
        ]
    };
    store.append(&batch("first")).await.unwrap();
    let [first, second] = batch("x").map(|new| new.conversation);
    let lock = |id| format!("SELECT * FROM Conversation WHERE id = '{id}' FOR UPDATE");
    let mut other = connect(&setting.database).await;
    execute(
        &mut other,
        &format!(
            "BEGIN; UPDATE User SET forgotten_epoch = forgotten_epoch + 1; {}",
            lock(second)
        ),
    )
    .await;
    let interference = async {
        wait_for_lock_wait(&setting.database).await;
        execute(&mut other, &format!("{}; COMMIT", lock(first))).await;
    };
    let again = batch("second");
    let (appended, ()) = tokio::join!(store.append(&again), interference);
    let seq = Seq::new(2).unwrap();
    assert_eq!(appended.unwrap(), [Appended::Stored { seq }; 2]);
    assert!(setting.retries("deadlock") > 0);
}

pub(crate) async fn a_lock_that_another_program_keeps_ends_the_call_in_time_and_no_other(setting: Setting) {
    const DEADLINE: Duration = Duration::from_secs(3);
    let store = open_with(&setting.database, |options| options.call_timeout = DEADLINE).await;
    let ids = users(&store, 3).await;
    store
        .append(&[message(ids[0], ids[1], "first", "text")])
        .await
        .unwrap();
    let mut other = connect(&setting.database).await;
    execute(&mut other, "BEGIN; SELECT * FROM Conversation FOR UPDATE").await;
    let batch = [message(ids[0], ids[1], "second", "text")];
    let begun = Instant::now();
    let error = store.append(&batch).await.unwrap_err();
    assert_eq!(error.kind(), BackendErrorKind::NotDone, "{error:?}");
    let took = begun.elapsed();
    assert!(took < 2 * DEADLINE, "{took:?}");
    assert!(setting.retries("lock_timeout") > 0);
    assert_eq!(store.users(&ids).await.unwrap().len(), 3);
    execute(&mut other, "ROLLBACK").await;
    let seq = Seq::new(2).unwrap();
    assert_eq!(store.append(&batch).await.unwrap(), [Appended::Stored { seq }]);
}
