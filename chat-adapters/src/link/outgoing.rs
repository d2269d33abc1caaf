//! The bytes of one batch of frames on their way to a socket.

use std::mem;

use bytes::Bytes;

/// A batch of packed frames in one piece, so that it takes one system call, and how much of it has
/// been written. Holds no memory when all is written.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    bytes: Vec<u8>,
    written: usize,
}

impl Outgoing {
    /// Adds each frame as `pack` writes it, with at most so many bytes `around` it, and leaves the
    /// list empty and without memory.
    pub(crate) fn take(
        &mut self,
        frames: &mut Vec<Bytes>,
        around: usize,
        pack: impl Fn(&[u8], &mut Vec<u8>),
    ) {
        let frames = mem::take(frames);
        self.bytes
            .reserve_exact(frames.iter().map(|frame| frame.len() + around).sum());
        for frame in &frames {
            pack(frame, &mut self.bytes);
        }
    }

    /// Adds bytes as they are.
    #[cfg(feature = "websocket")]
    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// What is still to be written.
    pub(crate) fn rest(&self) -> &[u8] {
        self.bytes.get(self.written..).unwrap_or_default()
    }

    /// Whether nothing is left to be written.
    pub(crate) const fn is_empty(&self) -> bool {
        self.written >= self.bytes.len()
    }

    /// Notes that `count` further bytes were written.
    pub(crate) fn advance(&mut self, count: usize) {
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
    fn a_batch_is_one_piece_of_packed_frames_and_leaves_no_memory_behind() {
        let mut outgoing = Outgoing::default();
        let mut frames = vec![Bytes::from_static(b"a"), Bytes::from_static(b"bc")];
        outgoing.take(&mut frames, 1, |frame, bytes| {
            bytes.extend_from_slice(frame);
            bytes.push(b'\n');
        });
        assert_eq!((outgoing.rest(), frames.capacity()), (&b"a\nbc\n"[..], 0));
        assert_eq!(outgoing.bytes.capacity(), 5);
        outgoing.advance(3);
        assert_eq!((outgoing.rest(), outgoing.is_empty()), (&b"c\n"[..], false));
        outgoing.advance(2);
        assert!(outgoing.is_empty());
        assert_eq!(outgoing.bytes.capacity(), 0);
    }
}
