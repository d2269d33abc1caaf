//! Connections that break, stall, or are all in use.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use chat_adapters::mysql::MySqlStore;
use chat_core::BackendErrorKind;
use chat_core::ports::{AddFriend, Appended, FriendStore, MessageStore, UserStore};
use chat_core::types::Seq;
use chat_test_services::TcpProxy;
use sqlx::{AssertSqlSafe, MySqlConnection};

use crate::harness::Setting;
use crate::relay::{NextCommit, Relay, options_at, server};
use crate::scene::{
    connect, eventually, execute, message, open, open_with, sessions, users, wait_for_lock_wait,
};

/// Ends a session; one that has ended by itself is well.
async fn kill(connection: &mut MySqlConnection, id: i64) {
    let statement = AssertSqlSafe(format!("KILL {id}"));
    let killed = sqlx::raw_sql(statement).execute(connection).await;
    assert!(killed.is_ok() || killed.unwrap_err().to_string().contains("Unknown thread id"));
}

pub(crate) async fn connections_killed_between_calls_cost_no_call(setting: Setting) {
    let store = open_with(&setting.database, |options| options.min_connections = 3).await;
    let ids = users(&store, 2).await;
    let mut admin = connect(&setting.database).await;
    let idle = sessions(&mut admin, &setting.database).await;
    assert_eq!(idle.len(), 3);
    for id in idle {
        kill(&mut admin, id).await;
    }
    assert_eq!(store.users(&ids).await.unwrap().len(), 2);
    assert_eq!(setting.retries("connection_lost"), 1, "the others were tried too");
    let appended = store
        .append(&[message(ids[0], ids[1], "m", "hello")])
        .await
        .unwrap();
    assert_eq!(
        appended,
        [Appended::Stored {
            seq: Seq::ZERO.next()
        }]
    );
}

pub(crate) async fn a_connection_killed_during_a_call_is_replaced(setting: Setting) {
    let store = open(&setting.database).await;
    let ids = users(&store, 2).await;
    let first = message(ids[0], ids[1], "first", "hello");
    store.append(&[first]).await.unwrap();
    let mut other = connect(&setting.database).await;
    execute(&mut other, "BEGIN; SELECT * FROM Conversation FOR UPDATE").await;
    let batch = [message(ids[0], ids[1], "second", "hello")];
    let interference = async {
        wait_for_lock_wait(&setting.database).await;
        for id in sessions(&mut other, &setting.database).await {
            kill(&mut other, id).await;
        }
        execute(&mut other, "ROLLBACK").await;
    };
    let (appended, ()) = tokio::join!(store.append(&batch), interference);
    let second = Appended::Stored {
        seq: Seq::new(2).unwrap(),
    };
    assert_eq!(appended.unwrap(), [second]);
    assert_eq!(setting.retries("connection_lost"), 1);
}

pub(crate) async fn a_server_that_does_not_answer_costs_a_call_its_deadline_and_the_next_one_nothing(
    setting: Setting,
) {
    const DEADLINE: Duration = Duration::from_secs(1);
    let proxy = TcpProxy::start(server(&setting.database)).unwrap();
    let mut options = options_at(&setting.database, proxy.address());
    options.call_timeout = DEADLINE;
    // Each call has a connection on which it comes as far as its first statement.
    options.min_connections = 3;
    let ids = users(&open(&setting.database).await, 2).await;
    let store = MySqlStore::open(options).await.unwrap();
    store.users(&ids).await.unwrap();
    proxy.stall().unwrap();
    let begun = Instant::now();
    let (read, befriended, states) = tokio::join!(
        store.users(&ids),
        store.add_friend(ids[0], ids[1], 10),
        store.set_states(&ids, true)
    );
    assert!(begun.elapsed() < 3 * DEADLINE, "{:?}", begun.elapsed());
    assert_eq!(read.unwrap_err().kind(), BackendErrorKind::NotDone);
    // What is in a transaction has not reached its commit; what is one statement may be done.
    assert_eq!(befriended.unwrap_err().kind(), BackendErrorKind::NotDone);
    assert_eq!(states.unwrap_err().kind(), BackendErrorKind::Unknown);
    proxy.resume().unwrap();
    let found = store.users(&ids).await.unwrap();
    assert_eq!(found.iter().map(|user| user.id).collect::<Vec<_>>(), ids);
    let added = store.add_friend(ids[0], ids[1], 10).await.unwrap();
    assert_eq!(added, AddFriend::Added);
}

pub(crate) async fn calls_beyond_the_connections_wait_and_are_then_not_done(setting: Setting) {
    let store = open_with(&setting.database, |options| {
        options.max_connections = NonZeroU32::MIN;
        options.acquire_timeout = Duration::from_millis(100);
    })
    .await;
    let ids = users(&store, 2).await;
    let mut other = connect(&setting.database).await;
    execute(&mut other, "BEGIN; SELECT * FROM User FOR UPDATE").await;
    let pushed = async {
        wait_for_lock_wait(&setting.database).await;
        let refused = store.users(&ids).await.unwrap_err();
        execute(&mut other, "ROLLBACK").await;
        refused
    };
    let (done, refused) = tokio::join!(store.set_states(&ids, true), pushed);
    done.unwrap();
    assert_eq!(refused.kind(), BackendErrorKind::NotDone, "{refused:?}");
    assert_eq!(store.users(&ids).await.unwrap().len(), 2);
}

pub(crate) async fn a_commit_that_is_not_answered_may_be_done_and_can_be_repeated(setting: Setting) {
    let relay = Relay::start(&setting.database).await;
    let options = relay.options(&setting.database);
    let store = MySqlStore::open(options).await.unwrap();
    let ids = users(&store, 2).await;
    let one = Seq::ZERO.next();
    let batch = [message(ids[0], ids[1], "m", "hello")];
    relay.set_next_commit(NextCommit::LostBefore);
    let error = store.append(&batch).await.unwrap_err();
    assert_eq!(error.kind(), BackendErrorKind::Unknown, "{error:?}");
    relay.set_next_commit(NextCommit::LostAfter);
    let error = store.append(&batch).await.unwrap_err();
    assert_eq!(error.kind(), BackendErrorKind::Unknown, "{error:?}");
    let again = store.append(&batch).await.unwrap();
    let at = batch[0].at;
    assert_eq!(again, [Appended::Duplicate { seq: one, at }]);
    assert_eq!(setting.retries("connection_lost"), 0);
}

pub(crate) async fn a_commit_that_takes_too_long_may_be_done(setting: Setting) {
    let relay = Relay::start(&setting.database).await;
    let mut options = relay.options(&setting.database);
    options.call_timeout = Duration::from_secs(1);
    let ids = users(&open(&setting.database).await, 2).await;
    let store = MySqlStore::open(options).await.unwrap();
    relay.set_next_commit(NextCommit::Held);
    let error = store.add_friend(ids[0], ids[1], 10).await.unwrap_err();
    assert_eq!(error.kind(), BackendErrorKind::Unknown, "{error:?}");
    let found = store.users(&ids).await.unwrap();
    assert_eq!(found.len(), 2);
}

/// Only MariaDB can be told to.
pub(crate) async fn who_stands_still_in_a_transaction_keeps_no_locks(setting: Setting) {
    const DEADLINE: Duration = Duration::from_secs(1);
    let mut admin = connect(&setting.database).await;
    let (version,): (String,) = sqlx::query_as("SELECT VERSION()")
        .fetch_one(&mut admin)
        .await
        .unwrap();
    if !version.contains("MariaDB") {
        return;
    }
    let relay = Relay::start(&setting.database).await;
    let mut options = relay.options(&setting.database);
    options.call_timeout = DEADLINE;
    let store = open(&setting.database).await;
    let ids = users(&store, 2).await;
    let still = MySqlStore::open(options).await.unwrap();
    let before = sessions(&mut admin, &setting.database).await;
    relay.set_next_commit(NextCommit::Held);
    let first = message(ids[0], ids[1], "first", "hello");
    let error = still.append(&[first]).await.unwrap_err();
    assert_eq!(error.kind(), BackendErrorKind::Unknown, "{error:?}");
    // The server sees nothing of that, and the relay holds the connection.
    eventually(async || {
        let sessions = sessions(&mut admin, &setting.database).await;
        before.iter().any(|session| !sessions.contains(session))
    })
    .await;
    let second = message(ids[0], ids[1], "second", "hello");
    let appended = store.append(&[second]).await.unwrap();
    let seq = Seq::ZERO.next();
    assert_eq!(appended, [Appended::Stored { seq }], "the first was taken back");
}

pub(crate) async fn connections_idle_for_long_are_closed_down_to_the_fewest(setting: Setting) {
    let store = open(&setting.database).await;
    let ids = users(&store, 1).await;
    let (one, two, three) = tokio::join!(store.users(&ids), store.users(&ids), store.users(&ids));
    assert!(one.is_ok() && two.is_ok() && three.is_ok());
    let mut admin = connect(&setting.database).await;
    assert_eq!(sessions(&mut admin, &setting.database).await.len(), 3);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(601)).await;
    tokio::time::resume();
    store.users(&ids).await.unwrap();
    eventually(async || sessions(&mut admin, &setting.database).await.len() == 1).await;
}

pub(crate) async fn closing_ends_every_connection_and_takes_no_further_call(setting: Setting) {
    let store = open_with(&setting.database, |options| options.min_connections = 2).await;
    let ids = users(&store, 1).await;
    store.close().await;
    let error = store.users(&ids).await.unwrap_err();
    assert_eq!(error.kind(), BackendErrorKind::NotDone);
    let mut admin = connect(&setting.database).await;
    eventually(async || sessions(&mut admin, &setting.database).await.is_empty()).await;
}
