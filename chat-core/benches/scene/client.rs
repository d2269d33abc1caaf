//! The other end of a connection, which looks at no more of a frame than its type.

use bytes::Bytes;
use chat_core::{Connection, Next};

/// A connection, and what the last frames from it were.
pub(crate) struct Client {
    connection: Connection,
    frames: Vec<Bytes>,
}

impl Client {
    pub(crate) const fn new(connection: Connection) -> Self {
        Self {
            connection,
            frames: Vec::new(),
        }
    }

    /// Passes a frame on as it came from the wire.
    pub(crate) fn receive(&mut self, frame: &[u8]) {
        self.connection.receive(frame);
    }

    /// Takes frames until as many of a type have come, and says that they are written.
    pub(crate) async fn until(&mut self, kind: &str, count: usize) {
        let mut missing = count;
        while missing > 0 {
            self.next().await;
            missing = missing.saturating_sub(self.count(kind));
        }
    }

    /// The messages that come before `synced`.
    pub(crate) async fn until_synced(&mut self) -> usize {
        let mut messages = 0;
        loop {
            self.next().await;
            messages += self.count("message");
            if self.count("synced") > 0 {
                return messages;
            }
        }
    }

    async fn next(&mut self) {
        self.frames.clear();
        let next = self.connection.next_frames(&mut self.frames).await;
        assert_eq!(next, Next::Write, "the connection ended");
        self.connection.written();
    }

    fn count(&self, kind: &str) -> usize {
        let beginning = format!(r#"{{"type":"{kind}""#);
        let is_one = |frame: &&Bytes| frame.starts_with(beginning.as_bytes());
        self.frames.iter().filter(is_one).count()
    }
}
