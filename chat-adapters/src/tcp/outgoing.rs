//! The bytes of one batch of frames on their way to a socket.

use std::mem;

use bytes::Bytes;

/// A batch with its line ends in one piece, so that it takes one system call, and how much of it
/// has been written. Holds no memory when all is written.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    bytes: Vec<u8>,
    written: usize,
}

impl Outgoing {
    /// Adds the frames, each with its line end, and leaves the list empty and without memory.
    pub(super) fn take(&mut self, frames: &mut Vec<Bytes>) {
        let frames = mem::take(frames);
        self.bytes
            .reserve_exact(frames.iter().map(|frame| frame.len() + 1).sum());
        for frame in &frames {
            self.bytes.extend_from_slice(frame);
            self.bytes.push(b'\n');
        }
    }

    /// What is still to be written.
    pub(super) fn rest(&self) -> &[u8] {
        self.bytes.get(self.written..).unwrap_or_default()
    }

    /// Whether nothing is left to be written.
    pub(super) const fn is_empty(&self) -> bool {
        self.written >= self.bytes.len()
    }

    /// Notes that `count` further bytes were written.
    pub(super) fn advance(&mut self, count: usize) {
        self.written += count;
        if self.is_empty() {
            *self = Self::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_one_piece_of_lines_and_leaves_no_memory_behind() {
        let mut outgoing = Outgoing::default();
        let mut frames = vec![Bytes::from_static(b"a"), Bytes::from_static(b"bc")];
        outgoing.take(&mut frames);
        assert_eq!((outgoing.rest(), frames.capacity()), (&b"a\nbc\n"[..], 0));
        outgoing.advance(3);
        assert_eq!((outgoing.rest(), outgoing.is_empty()), (&b"c\n"[..], false));
        outgoing.advance(2);
        assert!(outgoing.is_empty());
        assert_eq!(outgoing.bytes.capacity(), 0);
    }
}
