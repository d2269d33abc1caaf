//! A wire that is always ready in both directions.

use std::io::{Error, ErrorKind};
use std::sync::{Arc, Mutex};

use chat_core::protocol::{Goodbye, OutgoingMessage, Recipient};
use chat_core::{Chat, Limits, SessionOptions, memory};
use tokio::io::{Empty, empty};

use super::*;

/// How often the wire is read before it breaks.
const READS: usize = 20;

/// What was done on a wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Done {
    Read,
    Written,
}

/// Its peer sends without end what is no frame yet, and takes whatever there is.
struct BusyWire {
    reads: usize,
    done: Arc<Mutex<Vec<Done>>>,
}

impl BusyWire {
    fn note(&self, done: Done) {
        self.done.lock().unwrap().push(done);
    }
}

impl Wire for BusyWire {
    type Socket = Empty;

    fn poll_read(&mut self, _: &mut Context<'_>) -> Poll<io::Result<Option<usize>>> {
        self.note(Done::Read);
        self.reads += 1;
        let is_broken = self.reads == READS;
        Poll::Ready(if is_broken {
            Err(Error::from(ErrorKind::BrokenPipe))
        } else {
            Ok(Some(1))
        })
    }

    fn next_frame(&mut self) -> Result<Option<Bytes>, Unreadable> {
        Ok(None)
    }

    fn poll_write(&mut self, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.note(Done::Written);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn pack(&mut self, frames: &mut Vec<Bytes>, outgoing: &mut Outgoing) {
        outgoing.take(frames, 0, |frame, bytes| bytes.extend_from_slice(frame));
    }

    fn poll_own(&mut self, _: &mut Context<'_>, _: bool, _: &mut Outgoing) -> Poll<io::Result<()>> {
        Poll::Pending
    }

    fn end(self, _: Option<&Goodbye>, _: &mut Outgoing) -> Empty {
        empty()
    }
}

/// A connection of a user for whom many messages are stored, each of which is written for itself.
async fn connection_with_news() -> Connection {
    let limits = Limits {
        outbox_bytes: 1,
        ..Limits::default()
    };
    let chat = Chat::builder(memory::backends()).limits(limits).start();
    let alice = chat.ensure_user("alice".parse().unwrap()).await.unwrap();
    let bob = chat.ensure_user("bob".parse().unwrap()).await.unwrap();
    let session = chat.session(alice.id, SessionOptions::default()).await.unwrap();
    let (writer, _events) = session.split();
    for _ in 0..READS {
        let message = OutgoingMessage {
            to: Recipient::User(bob.id),
            body: "hello".parse().unwrap(),
            id: None,
            data: None,
        };
        writer.send(message).await.unwrap();
    }
    chat.accept_as(bob.id, SessionOptions::default(), None)
        .await
        .unwrap()
}

#[tokio::test]
async fn reading_and_writing_take_turns_where_both_are_always_ready() {
    let done = Arc::new(Mutex::new(Vec::new()));
    let wire = BusyWire {
        reads: 0,
        done: Arc::clone(&done),
    };
    let traffic = Traffic {
        received: Counter::noop(),
        sent: Counter::noop(),
    };
    let mut link = Link::new(wire, connection_with_news().await, Duration::ZERO, traffic);
    assert_eq!(link.exchange().await.unwrap_err().kind(), ErrorKind::BrokenPipe);
    let done = done.lock().unwrap();
    let alone = done.windows(2).filter(|pair| pair[0] == pair[1]).count();
    assert_eq!(alone, 0, "{done:?}");
}
