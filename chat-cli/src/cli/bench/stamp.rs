//! What the text of each message says: who sent it, its number and its time.

/// Hexadecimal digits of a run, a sender and a number.
pub(super) const SHORT: usize = 8;
/// Hexadecimal digits of a time.
pub(super) const LONG: usize = 16;
/// Where the number stands in a text.
pub(super) const NUMBER_AT: usize = 2 * (SHORT + 1);
/// Where the time stands in a text.
pub(super) const TIME_AT: usize = NUMBER_AT + SHORT + 1;
/// The length of a stamp.
pub(super) const LENGTH: usize = TIME_AT + LONG;

/// Which run of the program a message is of, in hexadecimal digits.
pub(super) type Run = [u8; SHORT];

/// `RUN SENDER NUMBER TIME`, at the beginning of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) sender: u32,
    pub(super) number: u32,
    /// Nanoseconds since the run's start.
    pub(super) at: u64,
}

impl Stamp {
    /// The text of a message, of this many bytes or what a stamp takes.
    pub(super) fn text(self, run: Run, size: usize) -> Vec<u8> {
        let mut text = vec![b'x'; size.max(LENGTH)];
        let Self { sender, number, at } = self;
        let stamp = format!(
            "{} {sender:08x} {number:08x} {at:016x}",
            String::from_utf8_lossy(&run)
        );
        for (place, byte) in text.iter_mut().zip(stamp.bytes()) {
            *place = byte;
        }
        text
    }

    /// The stamp of a text of this run.
    #[inline]
    pub(super) fn read(run: Run, text: &[u8]) -> Option<Self> {
        let stamp = text.first_chunk::<LENGTH>()?.strip_prefix(&run)?;
        let (sender, rest) = field::<SHORT>(stamp)?;
        let (number, rest) = field::<SHORT>(rest)?;
        let (at, _) = field::<LONG>(rest)?;
        Some(Self {
            sender: u32::try_from(sender).ok()?,
            number: u32::try_from(number).ok()?,
            at,
        })
    }
}

/// A space and a number of so many digits, and what follows.
#[inline]
fn field<const DIGITS: usize>(text: &[u8]) -> Option<(u64, &[u8])> {
    let (digits, rest) = text.strip_prefix(b" ")?.split_first_chunk::<DIGITS>()?;
    Some((read_hex(digits)?, rest))
}

/// Reads hexadecimal digits, lower case.
#[inline]
pub(super) fn read_hex(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |value, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(value << 4 | u64::from(digit))
    })
}

/// Writes a number in hexadecimal digits, as many as there is room for.
#[inline]
pub(super) fn write_hex(mut value: u64, digits: &mut [u8]) {
    for digit in digits.iter_mut().rev() {
        let low = (value & 0xf) as u8;
        *digit = if low < 10 { b'0' + low } else { b'a' + low - 10 };
        value >>= 4;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: Run = *b"0badcafe";

    #[test]
    fn a_stamp_reads_back_as_written() {
        let stamp = Stamp {
            sender: 0x00ab_cdef,
            number: u32::MAX,
            at: 0x0123_4567_89ab_cdef,
        };
        let text = stamp.text(RUN, 100);
        assert_eq!(text.len(), 100);
        assert_eq!(Stamp::read(RUN, &text), Some(stamp));
        assert_eq!(stamp.text(RUN, 0).len(), LENGTH);
    }

    #[test]
    fn other_texts_have_no_stamp_of_this_run() {
        let stamp = Stamp {
            sender: 1,
            number: 2,
            at: 3,
        };
        let text = stamp.text(RUN, 0);
        assert_eq!(Stamp::read(*b"00000000", &text), None);
        assert_eq!(Stamp::read(RUN, &text[..LENGTH - 1]), None);
        assert_eq!(Stamp::read(RUN, b"hello"), None);
        let mut spoiled = text;
        spoiled[NUMBER_AT] = b'x';
        assert_eq!(Stamp::read(RUN, &spoiled), None);
    }

    #[test]
    fn hexadecimal_fills_the_room_that_it_has() {
        let mut digits = [0; 8];
        write_hex(0xbeef, &mut digits);
        assert_eq!(&digits, b"0000beef");
        assert_eq!(read_hex(&digits), Some(0xbeef));
        assert_eq!(read_hex(b"G"), None);
    }
}
