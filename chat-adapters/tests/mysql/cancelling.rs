//! A call whose future is dropped is done or not done, and leaves the store usable.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use chat_core::ports::{Appended, MessageStore};
use chat_core::types::Seq;

use crate::harness::Setting;
use crate::scene::{message, open, users};

/// Polls a future at most `polls` times and drops it then; `None` where it was not ready.
async fn cancelled_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// How often a call is cancelled after no poll, one, two and so on, until it is done in time.
const ROUNDS: usize = 10;

pub(crate) async fn an_append_cancelled_at_any_moment_is_done_as_a_whole_or_not_at_all(setting: Setting) {
    let store = open(&setting.database).await;
    let ids = users(&store, 2).await;
    let mut batches = 0;
    for round in 0..ROUNDS {
        for polls in 0.. {
            let batch: Vec<_> = (0..3)
                .map(|n| message(ids[0], ids[1], &format!("{round}-{polls}-{n}"), "text"))
                .collect();
            let finished = cancelled_after(polls, store.append(&batch)).await;
            let again = store.append(&batch).await.unwrap();
            let duplicates = again
                .iter()
                .filter(|outcome| matches!(outcome, Appended::Duplicate { .. }))
                .count();
            assert!(
                [0, 3].contains(&duplicates),
                "half done after {polls} polls: {again:?}"
            );
            batches += 1;
            if let Some(outcomes) = finished {
                assert!(
                    outcomes.is_ok() && duplicates == 3,
                    "{outcomes:?}, then {again:?}"
                );
                break;
            }
        }
    }
    let conversation = message(ids[0], ids[1], "x", "x").conversation;
    let stored = store.read_after(conversation, Seq::ZERO, 10_000).await.unwrap();
    let numbers: Vec<u64> = stored.iter().map(|message| message.seq.get()).collect();
    assert_eq!(numbers, (1..=3 * batches).collect::<Vec<u64>>());
}
