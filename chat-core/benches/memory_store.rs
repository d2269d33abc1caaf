//! The store in memory by itself: what every other figure in memory stands on.
#![allow(missing_docs, reason = "criterion's macros make public items")]
#![allow(clippy::unwrap_used, reason = "a bench that fails has nothing to measure")]

mod scene;

use std::hint::black_box;
use std::time::{Duration, Instant};

use chat_core::Timestamp;
use chat_core::memory::MemoryStore;
use chat_core::ports::{
    CreateUser, CursorAdvance, DeviceStore, MessageStore, NewMessage, NewUser, SendPolicy, UserStore,
};
use chat_core::types::{Body, ConversationId, Device, MessageId, MessageIdOrigin, Seq, UserId};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const DEPTH: u64 = 10_000;

/// A store with one user who has a direct conversation with each of the others.
struct Stored {
    store: MemoryStore,
    user: UserId,
    conversations: Vec<ConversationId>,
    device: Device,
}

impl Stored {
    async fn new(conversations: usize) -> Self {
        let store = MemoryStore::default();
        let user = create_user(&store, "user").await;
        let mut others = Vec::new();
        for number in 0..conversations {
            let other = create_user(&store, &format!("other {number}")).await;
            others.push(ConversationId::direct(user, other));
        }
        let device = Device::default();
        let at = Timestamp::from_millis(1);
        store.open_device(user, &device, at, usize::MAX).await.unwrap();
        Self {
            store,
            user,
            conversations: others,
            device,
        }
    }

    /// Messages to the conversations in turn, numbered from `first`.
    fn batch(&self, first: u64, size: u64) -> Vec<NewMessage> {
        let numbers = first..first + size;
        numbers
            .zip(self.conversations.iter().cycle())
            .map(|(number, &conversation)| NewMessage {
                conversation,
                sender: self.user,
                id: MessageId::parse(&format!("c-{number}")).unwrap(),
                id_origin: MessageIdOrigin::Client,
                body: Body::parse(scene::TEXT).unwrap(),
                data: None,
                at: Timestamp::from_millis(number),
                policy: SendPolicy::Anyone,
            })
            .collect()
    }
}

async fn create_user(store: &MemoryStore, name: &str) -> UserId {
    let new = NewUser {
        id: None,
        name: name.parse().unwrap(),
        password: None,
    };
    match store.create_user(&new).await.unwrap() {
        CreateUser::Created(user) | CreateUser::NameTaken(user) | CreateUser::IdTaken(user) => user.id,
    }
}

fn append(criterion: &mut Criterion) {
    let runtime = scene::runtime();
    let mut benches = criterion.benchmark_group("memory store/append");
    for size in [1, 64, 512] {
        benches.throughput(Throughput::Elements(size));
        benches.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter_custom(|rounds| {
                runtime.block_on(async {
                    let stored = Stored::new(50).await;
                    let mut taken = Duration::ZERO;
                    for round in 0..rounds {
                        let batch = stored.batch(round * size, size);
                        let begun = Instant::now();
                        black_box(stored.store.append(&batch).await.unwrap());
                        taken += begun.elapsed();
                    }
                    taken
                })
            });
        });
    }
    benches.finish();
}

fn read(criterion: &mut Criterion) {
    let runtime = scene::runtime();
    let stored = runtime.block_on(async {
        let stored = Stored::new(1).await;
        stored.store.append(&stored.batch(0, DEPTH)).await.unwrap();
        stored
    });
    let conversation = *stored.conversations.first().unwrap();
    let middle = Seq::new(DEPTH / 2).unwrap();
    let mut benches = criterion.benchmark_group("memory store/read");
    benches.throughput(Throughput::Elements(100));
    benches.bench_function("100 after", |bencher| {
        bencher.iter(|| {
            runtime
                .block_on(stored.store.read_after(conversation, middle, 100))
                .unwrap()
        });
    });
    benches.bench_function("100 before", |bencher| {
        bencher.iter(|| {
            let read = stored.store.read_before(conversation, Some(middle), 100);
            runtime.block_on(read).unwrap()
        });
    });
    benches.finish();
}

/// What a login asks of a user with a thousand conversations, and what acknowledging them costs.
fn overview(criterion: &mut Criterion) {
    let runtime = scene::runtime();
    let stored = runtime.block_on(async {
        let stored = Stored::new(1_000).await;
        stored.store.append(&stored.batch(0, DEPTH)).await.unwrap();
        stored
    });
    let Stored {
        store, user, device, ..
    } = &stored;
    let mut benches = criterion.benchmark_group("memory store/1,000 conversations");
    benches.bench_function("positions", |bencher| {
        bencher.iter(|| {
            let positions = store.positions(*user, device, None, 1_000);
            runtime.block_on(positions).unwrap()
        });
    });
    benches.bench_function("50 heads", |bencher| {
        bencher.iter(|| runtime.block_on(store.heads(*user, device, 50)).unwrap());
    });
    let acks = stored.conversations.iter().map(|&conversation| CursorAdvance {
        user: *user,
        device: device.clone(),
        conversation,
        seq: Seq::ZERO.next(),
    });
    let acks: Vec<_> = acks.collect();
    benches.bench_function("advance cursors", |bencher| {
        bencher.iter(|| runtime.block_on(store.advance_cursors(black_box(&acks))).unwrap());
    });
    benches.finish();
}

criterion_group!(benches, append, read, overview);
criterion_main!(benches);
