//! Messages to a user who comes and goes.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use chat_test_services::eventually;
use serde_json::{Value, json};

use crate::harness::Cluster;
use crate::people::Person;

/// How often the receiver comes, reads, acknowledges and goes.
const ROUNDS: usize = 60;
/// The most messages that it gets after the stored ones before it acknowledges those.
const NEWS: usize = 4;

/// A user comes, reads what was stored, gets news, acknowledges only what was stored, and goes, while
/// another writes without a pause: every message comes, in order, and what was not acknowledged comes again.
pub(super) fn between_reading_and_clearing(cluster: &Cluster) {
    let sender = Person::register(cluster, "who writes without a pause");
    let receiver = Person::register(cluster, "who comes and goes");
    let (last_sent, over) = (AtomicU64::new(0), AtomicBool::new(false));
    let mut reader = Reader {
        receiver: &receiver,
        acknowledged: 0,
        seen: 0,
    };
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut session = sender.log_in(cluster);
            while !over.load(Ordering::SeqCst) {
                let sent = session.send(&json!({"user": receiver.id}), "news");
                last_sent.store(sent["seq"].as_u64().unwrap(), Ordering::SeqCst);
            }
        });
        // However this ends, the writer has to.
        let _over = Raise(&over);
        eventually("the first message", || {
            (last_sent.load(Ordering::SeqCst) > 0).then_some(())
        })
        .unwrap();
        for round in 0..ROUNDS {
            reader.visit(cluster, last_sent.load(Ordering::SeqCst), round % (NEWS + 1));
        }
    });
    let last_sent = last_sent.into_inner();
    reader.visit(cluster, last_sent, 0);
    assert_eq!(reader.seen, last_sent);
    // What was acknowledged is cleared, on every node.
    eventually("an empty store", || {
        receiver.log_in(cluster).stored.is_empty().then_some(())
    })
    .unwrap();
}

/// Raises its flag when it is dropped, also by a panic.
struct Raise<'a>(&'a AtomicBool);

impl Drop for Raise<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// A user who reads in many short sessions, and how far they have come.
struct Reader<'a> {
    receiver: &'a Person,
    acknowledged: u64,
    seen: u64,
}

impl Reader<'_> {
    /// One session: reads all up to `synced`, takes so many news, and acknowledges only what was there before.
    fn visit(&mut self, cluster: &Cluster, sent: u64, news: usize) {
        let mut session = self.receiver.log_in(cluster);
        let stored = session.stored.clone();
        let live: Vec<Value> = (0..news).map(|_| session.message()).collect();
        let all = [stored.clone(), live].concat();
        let seqs: Vec<u64> = all
            .iter()
            .map(|message| message["seq"].as_u64().unwrap())
            .collect();
        let Some(&first) = seqs.first() else {
            assert!(self.seen >= sent, "{sent} was not delivered");
            return;
        };
        // An acknowledgement may be late on another node: then messages come again.
        assert!(
            first <= self.acknowledged + 1,
            "{first} after {}",
            self.acknowledged
        );
        let without_gaps: Vec<u64> = (first..).take(seqs.len()).collect();
        assert_eq!(seqs, without_gaps);
        let end_of_stored = stored.last().map_or(self.acknowledged, seq_of);
        assert!(end_of_stored >= sent, "{sent} was not delivered before `synced`");
        self.seen = self.seen.max(seqs.last().copied().unwrap());
        if let Some(last) = stored.last() {
            session.acknowledge(last);
            self.acknowledged = seq_of(last);
        }
    }
}

fn seq_of(message: &Value) -> u64 {
    message["seq"].as_u64().unwrap()
}
