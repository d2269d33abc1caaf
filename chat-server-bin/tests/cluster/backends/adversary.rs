//! Somebody sends rubbish to the port of a backend, which nobody else notices.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::watch::{Calls, all_nodes_reach};
use crate::stage::Stage;

/// Connections that say nothing and stay.
const SILENT: usize = 200;
/// How long it goes on, in milliseconds.
const ATTACK: std::ops::Range<u64> = 5_000..5_001;
/// What a server may need at the most while it is attacked: a message of 16 MiB for each of a few calls.
const MEMORY_BYTES: usize = 512 * 1_024 * 1_024;
/// How long an answer to rubbish is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// The start of HTTP/2, and settings that change nothing.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

const HEADERS: u8 = 1;
const DATA: u8 = 0;
const END_HEADERS: u8 = 4;

/// Garbage, other protocols, oversized frames and messages, and silence.
pub(super) fn sends_rubbish(stage: &mut Stage) {
    let calls = Calls::begin(stage);
    let target = stage.cluster.backends[0].address();
    let goes_on = AtomicBool::new(true);
    thread::scope(|scope| {
        let attack = scope.spawn(|| {
            let silent: Vec<_> = (0..SILENT).map(|_| TcpStream::connect(target)).collect();
            let mut rounds = 0;
            while goes_on.load(Ordering::Relaxed) {
                for rubbish in kinds_of_rubbish() {
                    is_refused(target, &rubbish);
                }
                rounds += 1;
            }
            (rounds, silent.into_iter().filter(Result::is_ok).count())
        });
        stage.goes_on("somebody sends rubbish");
        stage.crowd.pass(ATTACK);
        stage.goes_on("somebody still sends rubbish");
        goes_on.store(false, Ordering::Relaxed);
        let (rounds, silent) = attack.join().expect("rubbish is refused in time");
        println!("{rounds} rounds beside {silent} silent connections");
        assert!(rounds > 5, "{rounds} rounds");
        assert_eq!(silent, SILENT, "connections are taken");
    });
    let memory = stage.cluster.backends[0].peak_memory();
    assert!(memory < MEMORY_BYTES, "{memory} bytes");
    all_nodes_reach(stage, 2);
    calls.nobody_noticed(stage);
}

fn kinds_of_rubbish() -> Vec<Vec<u8>> {
    let mut random = fastrand::Rng::new();
    let garbage = (0..10_000).map(|_| random.u8(..)).collect();
    vec![
        garbage,
        b"GET /chat.backend.v1.MessageService/Append HTTP/1.1\r\nHost: backend\r\n\r\n".to_vec(),
        b"{\"type\":\"login\"}\n".to_vec(),
        // A frame that says that it is longer than any may be.
        [PREFACE, b"\xff\xff\xff\0\0\0\0\0\x01", &[7; 100_000]].concat(),
        // A message that says that it is longer than any may be.
        [PREFACE, &call(), &frame(DATA, 0, b"\0\xff\xff\xff\xffthe start")].concat(),
        // A message that is no protobuf.
        [PREFACE, &call(), &frame(DATA, 1, b"\0\0\0\0\x04\xff\xff\xff\xff")].concat(),
    ]
}

/// The header of a call that appends messages, in its simplest form: names by their number in HPACK's table, values as
/// they are.
fn call() -> Vec<u8> {
    let path = b"/chat.backend.v1.MessageService/Append";
    let kind = b"application/grpc";
    // POST, http, a path, and a content type.
    let mut block = vec![0x83, 0x86, 0x04, path.len() as u8];
    block.extend(path);
    block.extend([0x0f, 0x10, kind.len() as u8]);
    block.extend(kind);
    frame(HEADERS, END_HEADERS, &block)
}

/// A frame of HTTP/2, of stream 1.
fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags, 0, 0, 0, 1], payload].concat()
}

/// The server says so, or ends the connection; it does not wait for more.
fn is_refused(target: SocketAddr, rubbish: &[u8]) {
    let begun = Instant::now();
    let answer = answer_to(target, rubbish);
    let took = begun.elapsed();
    assert!(
        took < PATIENCE,
        "{answer:?} after {took:?} to {:?}",
        &rubbish[..20.min(rubbish.len())]
    );
}

/// All that comes until the end of the connection.
fn answer_to(target: SocketAddr, rubbish: &[u8]) -> io::Result<usize> {
    let mut connection = TcpStream::connect(target)?;
    connection.set_read_timeout(Some(PATIENCE))?;
    connection.write_all(rubbish)?;
    connection.shutdown(Shutdown::Write)?;
    connection.read_to_end(&mut Vec::new())
}
