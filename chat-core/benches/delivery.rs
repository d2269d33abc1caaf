//! What a device was missing, and what happens while it is there, from the session to the frames.
#![allow(missing_docs, reason = "criterion's macros make public items")]
#![allow(clippy::unwrap_used, reason = "a bench that fails has nothing to measure")]

mod scene;

use chat_core::SessionOptions;
use chat_core::protocol::{AckMode, OutgoingMessage, Recipient};
use chat_core::types::User;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use scene::{Scene, TEXT};

/// Messages that are under way to a live connection at once.
const WINDOWS: [usize; 2] = [1, 64];

/// A user whose device acknowledges nothing, so that it misses the same messages each time.
async fn user_with_news(scene: &Scene, conversations: usize, messages: usize) -> User {
    let user = scene.user(0).await;
    // A device starts where the user's furthest one stands: it has to be there before the messages.
    drop(scene.connect(&user, "phone", AckMode::Client).await);
    for number in 1..=conversations {
        let sender = scene.user(number).await;
        let session = scene
            .chat
            .session(sender.id, SessionOptions::default())
            .await
            .unwrap();
        for _ in 0..messages {
            let message = OutgoingMessage::text(Recipient::User(user.id), TEXT).unwrap();
            session.send(message).await.unwrap();
        }
    }
    user
}

fn catch_up(criterion: &mut Criterion) {
    let mut benches = criterion.benchmark_group("delivery/catch-up of 1,000 messages");
    for (conversations, messages) in [(1, 1_000), (100, 10)] {
        let runtime = scene::runtime();
        let (scene, user) = runtime.block_on(async {
            let scene = Scene::start();
            let user = user_with_news(&scene, conversations, messages).await;
            (scene, user)
        });
        benches.throughput(Throughput::Elements(1_000));
        let id = BenchmarkId::new("conversations", conversations);
        benches.bench_function(id, |bencher| {
            bencher.iter(|| {
                let connected = scene.connect(&user, "phone", AckMode::Client);
                let (_, delivered) = runtime.block_on(connected);
                assert_eq!(delivered, 1_000);
            });
        });
    }
    benches.finish();
}

/// Between two connections: what is sent is answered, delivered and acknowledged.
fn live(criterion: &mut Criterion) {
    let mut benches = criterion.benchmark_group("delivery/live, messages under way");
    for window in WINDOWS {
        let runtime = scene::runtime();
        let (_scene, to, mut sender, mut receiver) = runtime.block_on(async {
            let scene = Scene::start();
            let (alice, bob) = (scene.user(1).await, scene.user(2).await);
            let (sender, _) = scene.connect(&alice, "default", AckMode::Auto).await;
            let (receiver, _) = scene.connect(&bob, "default", AckMode::Client).await;
            (scene, bob.id, sender, receiver)
        });
        let send = format!(r#"{{"type":"send","to":{{"user":{to}}},"body":"{TEXT}"}}"#);
        let mut seq = 0;
        benches.throughput(Throughput::Elements(u64::try_from(window).unwrap()));
        benches.bench_function(BenchmarkId::from_parameter(window), |bencher| {
            bencher.iter(|| {
                runtime.block_on(async {
                    for _ in 0..window {
                        sender.receive(send.as_bytes());
                    }
                    sender.until("sent", window).await;
                    receiver.until("message", window).await;
                    seq += window;
                    let ack = format!(r#"{{"type":"ack","conversation":"d:1:2","seq":{seq},"ref":1}}"#);
                    receiver.receive(ack.as_bytes());
                    receiver.until("acked", 1).await;
                });
            });
        });
    }
    benches.finish();
}

criterion_group!(benches, catch_up, live);
criterion_main!(benches);
