//! Sends through sessions into the store in memory, with ever more of them under way at once.
#![allow(missing_docs, reason = "criterion's macros make public items")]
#![allow(clippy::unwrap_used, reason = "a bench that fails has nothing to measure")]

mod scene;

use std::time::{Duration, Instant};

use chat_core::protocol::{OutgoingMessage, Recipient};
use chat_core::{Session, SessionOptions};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use futures_util::future::join_all;
use scene::{Scene, TEXT};

/// What a client has under way at most.
const SENDS_OF_A_SESSION: usize = 64;

/// Sessions, each of which writes to a user of its own who is away.
async fn senders(scene: &Scene, count: usize) -> Vec<(Session, Recipient)> {
    let mut senders = Vec::new();
    for number in 0..count {
        let sender = scene.user(2 * number).await;
        let receiver = scene.user(2 * number + 1).await;
        let session = scene.chat.session(sender.id, SessionOptions::default());
        senders.push((session.await.unwrap(), Recipient::User(receiver.id)));
    }
    senders
}

/// Sends as many messages as may be under way, and waits for all of them; the sessions are read
/// after it, as their own messages are to be passed over.
async fn round(senders: &mut [(Session, Recipient)], sends: usize) -> Duration {
    let begun = Instant::now();
    let all = (0..sends).map(|number| {
        let (session, to) = senders.get(number % senders.len()).unwrap();
        session.send(OutgoingMessage::text(*to, TEXT).unwrap())
    });
    for sent in join_all(all).await {
        sent.unwrap();
    }
    let taken = begun.elapsed();
    for (session, _) in senders {
        // Nothing is delivered: asking once makes the session look at what is its own.
        let _ = futures_util::poll!(std::pin::pin!(session.next_event()));
    }
    taken
}

fn sends(criterion: &mut Criterion) {
    let mut benches = criterion.benchmark_group("writer/sends in flight");
    for in_flight in [1_usize, 64, 1_000] {
        benches.throughput(Throughput::Elements(u64::try_from(in_flight).unwrap()));
        benches.bench_function(BenchmarkId::from_parameter(in_flight), |bencher| {
            let runtime = scene::runtime();
            bencher.iter_custom(|rounds| {
                // A chat of its own each time, so that what is stored does not grow for ever.
                runtime.block_on(async {
                    let scene = Scene::start();
                    let mut senders = senders(&scene, in_flight.div_ceil(SENDS_OF_A_SESSION)).await;
                    let mut taken = Duration::ZERO;
                    for _ in 0..rounds {
                        taken += round(&mut senders, in_flight).await;
                    }
                    scene.chat.shutdown().await;
                    taken
                })
            });
        });
    }
    benches.finish();
}

criterion_group!(benches, sends);
criterion_main!(benches);
