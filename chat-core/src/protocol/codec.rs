//! Line framing without I/O: bytes in, frames out.

use bytes::{Buf, Bytes, BytesMut};

/// A frame is longer than the limit; nothing after it can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the frame is longer than {max_frame} bytes")]
pub struct FrameTooLarge {
    /// The limit, in bytes without the line end.
    pub max_frame: usize,
}

/// Splits a byte stream into frames: one a line, ended by LF, CRLF tolerated, empty lines left out.
///
/// Frames are slices of the buffer, so that nothing is copied. The buffer holds at most one
/// unfinished frame of `max_frame` bytes once [`next_frame`](Self::next_frame) has answered
/// `None`, and no memory at all when every byte has been consumed.
///
/// ```
/// use chat_core::protocol::LineDecoder;
///
/// let mut decoder = LineDecoder::new(65_536);
/// decoder.extend(b"{\"type\":\"ping\"}\r\n\n{\"ty");
/// assert_eq!(decoder.next_frame()?.as_deref(), Some(&b"{\"type\":\"ping\"}"[..]));
/// assert_eq!(decoder.next_frame()?, None);
/// # Ok::<(), chat_core::protocol::FrameTooLarge>(())
/// ```
#[derive(Debug)]
pub struct LineDecoder {
    buffer: BytesMut,
    /// How much of the buffer holds no line end, so that no byte is looked at twice.
    searched: usize,
    max_frame: usize,
}

impl LineDecoder {
    /// A decoder for frames of at most `max_frame` bytes without their line ends.
    pub fn new(max_frame: usize) -> Self {
        Self {
            buffer: BytesMut::new(),
            searched: 0,
            max_frame,
        }
    }

    /// Adds bytes as they came.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The buffer to read into directly; only append to it.
    pub const fn buffer_mut(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// Takes the next whole frame, without its line end; `None` where more bytes are needed.
    ///
    /// # Errors
    /// [`FrameTooLarge`] as soon as a frame is known to be too long, also before its end came.
    pub fn next_frame(&mut self) -> Result<Option<Bytes>, FrameTooLarge> {
        loop {
            let unsearched = self.buffer.get(self.searched..).unwrap_or_default();
            let Some(offset) = memchr::memchr(b'\n', unsearched) else {
                return self.wait_for_more();
            };
            let mut line = self.buffer.split_to(self.searched + offset);
            self.buffer.advance(1);
            self.searched = 0;
            if line.last() == Some(&b'\r') {
                line.truncate(line.len() - 1);
            }
            if line.len() > self.max_frame {
                return Err(FrameTooLarge {
                    max_frame: self.max_frame,
                });
            }
            if !line.is_empty() {
                return Ok(Some(line.freeze()));
            }
        }
    }

    /// Whether part of a frame waits for its end.
    pub fn has_partial(&self) -> bool {
        !self.buffer.is_empty()
    }

    fn wait_for_more(&mut self) -> Result<Option<Bytes>, FrameTooLarge> {
        self.searched = self.buffer.len();
        let ends_in_cr = self.buffer.last() == Some(&b'\r');
        if self.searched - usize::from(ends_in_cr) > self.max_frame {
            return Err(FrameTooLarge {
                max_frame: self.max_frame,
            });
        }
        if self.buffer.is_empty() {
            // An idle connection keeps no buffer.
            self.buffer = BytesMut::new();
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frames(decoder: &mut LineDecoder) -> Result<Vec<Bytes>, FrameTooLarge> {
        std::iter::from_fn(|| decoder.next_frame().transpose()).collect()
    }

    #[test]
    fn a_frame_of_exactly_the_limit_passes_and_one_byte_more_does_not() {
        for end in ["\n", "\r\n"] {
            let mut decoder = LineDecoder::new(4);
            decoder.extend(format!("abcd{end}").as_bytes());
            assert_eq!(frames(&mut decoder).unwrap(), [&b"abcd"[..]]);
            decoder.extend(format!("abcde{end}").as_bytes());
            assert_eq!(frames(&mut decoder), Err(FrameTooLarge { max_frame: 4 }));
        }
    }

    #[test]
    fn a_line_without_end_is_refused_before_it_fills_memory() {
        let mut decoder = LineDecoder::new(4);
        decoder.extend(b"abcd");
        assert_eq!(decoder.next_frame(), Ok(None));
        decoder.extend(b"e");
        assert!(decoder.next_frame().is_err());
    }

    #[test]
    fn no_memory_is_kept_when_all_is_consumed() {
        let mut decoder = LineDecoder::new(100);
        decoder.extend(b"abc\n");
        assert_eq!(frames(&mut decoder).unwrap().len(), 1);
        assert_eq!(decoder.buffer.capacity(), 0);
        assert!(!decoder.has_partial());
    }

    proptest! {
        #[test]
        fn frames_do_not_depend_on_how_the_bytes_arrive(
            lines in prop::collection::vec("[^\r\n]{0,30}", 0..20),
            cuts in prop::collection::vec(1_usize..40, 1..50),
        ) {
            let stream: String = lines.iter().map(|line| format!("{line}\n")).collect();
            let mut decoder = LineDecoder::new(200);
            let (mut rest, mut decoded) = (stream.as_bytes(), Vec::new());
            for cut in cuts.iter().cycle() {
                let (now, later) = rest.split_at((*cut).min(rest.len()));
                decoder.extend(now);
                decoded.extend(frames(&mut decoder).unwrap());
                rest = later;
                if rest.is_empty() {
                    break;
                }
            }
            let expected: Vec<&str> = lines.iter().map(String::as_str).filter(|line| !line.is_empty()).collect();
            prop_assert_eq!(decoded, expected);
        }

        #[test]
        fn any_bytes_give_frames_within_the_limit_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut decoder = LineDecoder::new(64);
            decoder.extend(&bytes);
            while let Ok(Some(frame)) = decoder.next_frame() {
                prop_assert!(!frame.is_empty() && frame.len() <= 64);
                let _ = crate::protocol::ClientFrame::decode(&frame);
                let _ = crate::protocol::ServerFrame::decode(&frame);
            }
        }
    }
}
