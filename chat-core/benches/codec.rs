//! Reading and writing the frames of the hot path, and cutting a stream into them.
#![allow(missing_docs, reason = "criterion's macros make public items")]
#![allow(clippy::unwrap_used, reason = "these frames are right")]

use std::hint::black_box;

use chat_core::protocol::{ClientFrame, LineDecoder, ServerFrame};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// What clients send.
const REQUESTS: &[(&str, &str)] = &[
    (
        "send",
        r#"{"type":"send","to":{"user":2},"id":"c-1718","body":"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789","ref":3}"#,
    ),
    (
        "send with data",
        r#"{"type":"send","to":{"group":7},"id":"c-1718","body":"look","data":{"kind":"image","url":"https://example.org/1","size":[640,480]},"ref":3}"#,
    ),
    ("ack", r#"{"type":"ack","conversation":"d:1:2","seq":1718}"#),
    ("ping", r#"{"type":"ping","ref":7}"#),
    (
        "history",
        r#"{"type":"history","conversation":"g:7","before":1718,"limit":50,"ref":8}"#,
    ),
];

/// What a server sends.
const ANSWERS: &[(&str, &str)] = &[
    (
        "message",
        r#"{"type":"message","conversation":"d:1:2","seq":1718,"from":{"id":1,"name":"alice"},"body":"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789","at":1790000000123,"id":"c-1718"}"#,
    ),
    (
        "sent",
        r#"{"type":"sent","conversation":"d:1:2","seq":1718,"at":1790000000123,"id":"c-1718","ref":3}"#,
    ),
    ("acked", r#"{"type":"acked","ref":4}"#),
    ("pong", r#"{"type":"pong","at":1790000000123,"ref":7}"#),
    (
        "error",
        r#"{"type":"error","code":"not_found","message":"there is no such user","ref":3}"#,
    ),
    ("synced", r#"{"type":"synced"}"#),
];

fn requests(criterion: &mut Criterion) {
    let mut decode = criterion.benchmark_group("codec/decode request");
    for &(name, frame) in REQUESTS {
        decode.bench_function(name, |bencher| {
            bencher.iter(|| ClientFrame::decode(black_box(frame.as_bytes())).unwrap());
        });
    }
    decode.finish();
    let mut encode = criterion.benchmark_group("codec/encode request");
    for &(name, frame) in REQUESTS {
        let frame = ClientFrame::decode(frame.as_bytes()).unwrap();
        encode.bench_function(name, |bencher| {
            bencher.iter(|| black_box(&frame).encode().unwrap());
        });
    }
    encode.finish();
}

fn answers(criterion: &mut Criterion) {
    let mut encode = criterion.benchmark_group("codec/encode answer");
    for &(name, frame) in ANSWERS {
        let frame = ServerFrame::decode(frame.as_bytes()).unwrap();
        encode.bench_function(name, |bencher| {
            bencher.iter(|| black_box(&frame).encode().unwrap());
        });
    }
    encode.finish();
    let mut decode = criterion.benchmark_group("codec/decode answer");
    for &(name, frame) in ANSWERS {
        decode.bench_function(name, |bencher| {
            bencher.iter(|| ServerFrame::decode(black_box(frame.as_bytes())).unwrap());
        });
    }
    decode.finish();
}

/// A read of 16 KiB, as a busy socket gives it, in frames of the size of a `send`.
fn lines(criterion: &mut Criterion) {
    let (_, send) = REQUESTS.first().unwrap();
    let line = format!("{send}\n");
    let read = line.repeat(16_384 / line.len());
    let mut group = criterion.benchmark_group("codec/cut into frames");
    group.throughput(Throughput::Bytes(u64::try_from(read.len()).unwrap()));
    group.bench_function("16 KiB", |bencher| {
        let mut decoder = LineDecoder::new(65_536);
        bencher.iter(|| {
            decoder.extend(read.as_bytes());
            while let Some(frame) = decoder.next_frame().unwrap() {
                black_box(frame);
            }
        });
    });
    group.finish();
}

criterion_group!(benches, requests, answers, lines);
criterion_main!(benches);
