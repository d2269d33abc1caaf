//! One message of a group, from its `send` to the frames of every other member's connection.
#![allow(missing_docs, reason = "criterion's macros make public items")]
#![allow(clippy::unwrap_used, reason = "a bench that fails has nothing to measure")]

mod scene;

use chat_core::protocol::AckMode;
use chat_core::types::GroupId;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use scene::{Client, Scene, TEXT};

/// A sender, and the members who receive.
async fn members(scene: &Scene, count: usize) -> (GroupId, Client, Vec<Client>) {
    let mut users = Vec::new();
    for number in 0..=count {
        users.push(scene.user(number).await);
    }
    let group = scene.group("fan out", &users).await;
    let mut clients = Vec::new();
    for user in &users {
        clients.push(scene.connect(user, "default", AckMode::Auto).await.0);
    }
    let sender = clients.remove(0);
    (group, sender, clients)
}

fn fan_out(criterion: &mut Criterion) {
    let mut benches = criterion.benchmark_group("fan-out");
    for count in [10, 100, 1_000] {
        let runtime = scene::runtime();
        let (_scene, (group, mut sender, mut members)) = runtime.block_on(async {
            let scene = Scene::start();
            let members = members(&scene, count).await;
            (scene, members)
        });
        let send = format!(r#"{{"type":"send","to":{{"group":{group}}},"body":"{TEXT}"}}"#);
        benches.throughput(Throughput::Elements(u64::try_from(count).unwrap()));
        benches.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher.iter(|| {
                runtime.block_on(async {
                    sender.receive(send.as_bytes());
                    sender.until("sent", 1).await;
                    for member in &mut members {
                        member.until("message", 1).await;
                    }
                });
            });
        });
    }
    benches.finish();
}

criterion_group!(benches, fan_out);
criterion_main!(benches);
