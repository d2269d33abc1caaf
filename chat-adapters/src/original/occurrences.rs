//! Telling identical rows apart, in the same way at every reading.

use std::collections::HashMap;

use sha2::{Digest as _, Sha256};

/// What identifies a waiting message by its content: equal for every user that one group message
/// waits for, and the same at every reading of the database.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageKey {
    /// The start of the text's SHA-256, in hexadecimal digits.
    pub hash: String,
    /// Which of the identical rows of one user it is, from 1.
    pub occurrence: u32,
}

type Hash = [u8; 32];

/// How many bytes of the hash a key has.
const KEY_BYTES: usize = 20;

/// Counts identical rows of one user. It holds only texts that are known to be there more than once.
#[derive(Debug, Default)]
pub struct Occurrences(HashMap<(i64, Hash), u32>);

impl Occurrences {
    /// Notes that a text, by the hexadecimal digits of its SHA-256, waits more than once for a user.
    pub(super) fn expect(&mut self, user: i64, hash: &str) {
        let mut bytes = Hash::default();
        let digits = hash.as_bytes().chunks_exact(2);
        for (byte, pair) in bytes.iter_mut().zip(digits) {
            let pair = std::str::from_utf8(pair).unwrap_or_default();
            *byte = u8::from_str_radix(pair, 16).unwrap_or_default();
        }
        self.0.insert((user, bytes), 0);
    }

    /// Counts a row and answers its key.
    pub fn count(&mut self, user: i64, message: &str) -> MessageKey {
        let hash: Hash = Sha256::digest(message.as_bytes()).into();
        let occurrence = self.0.get_mut(&(user, hash)).map_or(1, |count| {
            *count += 1;
            *count
        });
        let hash = hash.iter().take(KEY_BYTES).map(|byte| format!("{byte:02x}"));
        MessageKey {
            hash: hash.collect(),
            occurrence,
        }
    }

    /// Begins anew, for another reading of the table.
    pub fn restart(&mut self) {
        for count in self.0.values_mut() {
            *count = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identical_rows_of_one_user_are_numbered_and_those_of_two_users_are_one_message() {
        let hi = "8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4";
        let mut occurrences = Occurrences::default();
        occurrences.expect(1, hi);
        occurrences.expect(2, hi);
        for _ in 0..2 {
            let mut count = |user, text| occurrences.count(user, text);
            let (first, second) = (count(1, "hi"), count(1, "hi"));
            assert_eq!(first.hash, hi[..40]);
            assert_eq!((first.occurrence, second.occurrence), (1, 2));
            assert_eq!((count(2, "hi"), count(2, "hi")), (first, second));
            assert_eq!(count(3, "hi").occurrence, 1);
            assert_eq!(count(1, "ho").occurrence, 1);
            occurrences.restart();
        }
    }
}
