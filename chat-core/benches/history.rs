//! What it takes to judge a history, which has to grow with its length and not with the square of that.
#![allow(missing_docs, reason = "criterion's macros make public items")]
#![allow(clippy::unwrap_used, reason = "a bench that fails has nothing to measure")]

use chat_core::contract::history::{History, Record};
use chat_core::types::{ConversationId, Device, GroupId, MessageId, Seq, UserId};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const MEMBERS: u64 = 100;

fn user(id: u64) -> UserId {
    UserId::new(id).unwrap()
}

/// A group in which all write and all but the writer get each message.
fn crowd(messages: u64) -> Vec<Record> {
    let group = GroupId::new(1).unwrap();
    let conversation = ConversationId::group(group);
    let begun = (1..=MEMBERS).flat_map(|id| {
        let user = user(id);
        let device = Device::default();
        [
            Record::Joined { user, group },
            Record::Opened {
                session: id,
                user,
                device,
            },
        ]
    });
    let told = (1..=messages).flat_map(|number| {
        let (seq, sender) = (Seq::new(number).unwrap(), number % MEMBERS + 1);
        let sent = Record::Sent {
            session: sender,
            conversation,
            seq,
            id: MessageId::parse(&format!("m-{number}")).unwrap(),
            duplicate: false,
        };
        let receivers = (1..=MEMBERS).filter(move |&session| session != sender);
        let delivered = receivers.map(move |session| Record::Delivered {
            session,
            conversation,
            seq,
            from: user(sender),
            id: None,
        });
        std::iter::once(sent).chain(delivered)
    });
    let ends = (1..=MEMBERS).map(|session| Record::ReadToEnd { session });
    begun.chain(told).chain(ends).collect()
}

fn judge(criterion: &mut Criterion) {
    let mut benches = criterion.benchmark_group("history/judge");
    benches.sample_size(10);
    for messages in [100, 800] {
        let records = crowd(messages);
        benches.throughput(Throughput::Elements(records.len() as u64));
        benches.bench_function(BenchmarkId::new("messages to 99 members", messages), |bencher| {
            bencher.iter(|| {
                let history: History = records.iter().cloned().collect();
                assert_eq!(history.violations(), []);
            });
        });
    }
    benches.finish();
}

criterion_group!(benches, judge);
criterion_main!(benches);
