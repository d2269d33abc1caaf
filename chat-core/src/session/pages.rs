//! How much of a page fits into a frame.

use serde::Serialize;

/// What a reply holds besides its items: its type, a `ref` of 64 escaped bytes, ids and brackets.
const ENVELOPE_BYTES: usize = 1_024;

/// The bound of replies that the protocol does not page.
pub(crate) const UNPAGED_BYTES: usize = 1 << 20;

/// How many of the items, from the first on, fit into a frame of `max_frame` bytes; at least one,
/// because a single item always fits into a frame of the default size.
pub(crate) fn fitting<'a, T: Serialize + 'a>(items: impl Iterator<Item = &'a T>, max_frame: usize) -> usize {
    let room = max_frame.saturating_sub(ENVELOPE_BYTES);
    let mut used = 0;
    let sizes = items.map(|item| serde_json::to_vec(item).map_or(0, |json| json.len() + 1));
    let fitting = sizes.take_while(|size| {
        used += size;
        used <= room
    });
    fitting.count().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_counted_until_the_frame_is_full() {
        let items = vec!["x".repeat(97); 100];
        assert_eq!(fitting(items.iter(), ENVELOPE_BYTES + 1_000), 10);
        assert_eq!(fitting(items.iter(), ENVELOPE_BYTES + 999), 9);
        assert_eq!(fitting(items.iter(), 10), 1);
    }
}
