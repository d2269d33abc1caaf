//! Cuts bytes into lines.

/// The longest line that can be a record, in bytes; a longer one is passed over.
pub(super) const LONGEST_LINE: usize = 1 << 20;

/// Gathers bytes until lines are whole.
#[derive(Debug, Default)]
pub(super) struct Lines {
    bytes: Vec<u8>,
    /// So many of the bytes have been given out.
    given: usize,
    /// Up to here there is no end of a line.
    searched: usize,
    /// Whether the rest of a line that is too long is being passed over.
    skips: bool,
}

/// A whole line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// Without its end.
    Whole(&'a [u8]),
    /// It was longer than [`LONGEST_LINE`].
    TooLong,
}

impl Lines {
    /// Takes bytes that follow those taken before.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.given);
        self.searched -= self.given;
        self.given = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next line; `None` until more bytes have come.
    pub(super) fn next(&mut self) -> Option<Line<'_>> {
        let fresh = self.bytes.get(self.searched..).unwrap_or_default();
        let Some(length) = fresh.iter().position(|byte| *byte == b'\n') else {
            self.searched = self.bytes.len();
            if self.searched - self.given > LONGEST_LINE {
                self.forget();
                self.skips = true;
            }
            return None;
        };
        let (start, end) = (self.given, self.searched + length);
        (self.given, self.searched) = (end + 1, end + 1);
        if std::mem::take(&mut self.skips) || end - start > LONGEST_LINE {
            return Some(Line::TooLong);
        }
        self.bytes.get(start..end).map(Line::Whole)
    }

    /// The bytes of a line that has no end yet.
    pub(super) fn rest(&self) -> &[u8] {
        self.bytes.get(self.given..).unwrap_or_default()
    }

    /// Whether a line has begun that has no end yet.
    pub(super) fn has_rest(&self) -> bool {
        self.skips || !self.rest().is_empty()
    }

    /// Forgets the line that has no end yet.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(lines: &mut Lines) -> Vec<String> {
        let mut found = Vec::new();
        while let Some(line) = lines.next() {
            found.push(match line {
                Line::Whole(line) => String::from_utf8(line.to_vec()).unwrap(),
                Line::TooLong => "too long".to_owned(),
            });
        }
        found
    }

    #[test]
    fn lines_come_out_whole_however_the_bytes_come_in() {
        let text = b"one\n\ntwo\nthree";
        for size in 1..=text.len() {
            let mut lines = Lines::default();
            let mut found = Vec::new();
            for part in text.chunks(size) {
                lines.push(part);
                found.extend(whole(&mut lines));
            }
            assert_eq!(found, ["one", "", "two"], "in parts of {size}");
            assert_eq!(lines.rest(), b"three");
        }
    }

    #[test]
    fn a_line_without_end_takes_bounded_memory_and_the_next_line_is_found() {
        let mut lines = Lines::default();
        let part = vec![b'x'; 64 << 10];
        for _ in 0..100 {
            lines.push(&part);
            assert_eq!(lines.next(), None);
            assert!(lines.bytes.len() <= LONGEST_LINE + part.len());
            assert!(lines.has_rest());
        }
        lines.push(b"x\nnext\n");
        assert_eq!(whole(&mut lines), ["too long", "next"]);
        assert!(!lines.has_rest());
    }
}
