//! The messages that are stored, and what stores them.

use std::collections::BTreeMap;

/// About what people write to each other on an average day.
pub(crate) const BODY: &str =
    "A message of about a hundred bytes, which is what people write to each other on an average day.";
/// Any time will do.
pub(crate) const AT: i64 = 1_790_000_000_000;

/// A message from a user to the next one, whose number says in which conversation it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// The conversation's lower user, who writes all of it.
    pub(crate) sender: i64,
    pub(crate) number: u64,
}

impl Row {
    /// The message of this number, if as many conversations take turns.
    pub(crate) fn new(number: u64, conversations: u64) -> Self {
        let sender = number % conversations.max(1) + 1;
        Self {
            sender: i64::try_from(sender).unwrap_or(i64::MAX),
            number,
        }
    }

    pub(crate) fn conversation(&self) -> String {
        format!("d:{}:{}", self.sender, self.receiver())
    }

    pub(crate) const fn receiver(&self) -> i64 {
        self.sender + 1
    }

    /// The client's own id of the message.
    pub(crate) fn id(&self) -> String {
        format!("c-{}", self.number)
    }
}

/// Stores messages, durably before it answers.
pub(crate) trait Append: Send + 'static {
    /// Stores a batch in one transaction.
    fn append(&mut self, batch: &[Row]) -> impl Future<Output = anyhow::Result<()>> + Send;

    /// Lets the database end in order.
    fn close(self) -> impl Future<Output = anyhow::Result<()>> + Send;
}

/// Conversations of a batch in the order of their ids, each with its messages' count and a message of it.
pub(crate) fn conversations(batch: &[Row]) -> Vec<(String, i64, Row)> {
    let mut counts = BTreeMap::new();
    for row in batch {
        counts.entry(row.conversation()).or_insert((0, *row)).0 += 1;
    }
    counts
        .into_iter()
        .map(|(id, (count, row))| (id, count, row))
        .collect()
}

/// Gives the messages of a batch their numbers, from how far each conversation has come with all of them.
pub(crate) fn numbered(
    batch: &[Row],
    last: impl IntoIterator<Item = (String, i64)>,
    counts: &[(String, i64, Row)],
) -> anyhow::Result<Vec<(String, i64, Row)>> {
    let mut next: BTreeMap<String, i64> = last.into_iter().collect();
    for (id, count, _) in counts {
        let last = next
            .get_mut(id)
            .ok_or_else(|| anyhow::anyhow!("the conversation {id} is missing"))?;
        *last -= count;
    }
    let number = |row: &Row| {
        let id = row.conversation();
        let seq = next.get_mut(&id).map(|last| {
            *last += 1;
            *last
        });
        Ok((id, seq.unwrap_or_default(), *row))
    };
    batch.iter().map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_messages_of_a_batch_get_the_numbers_that_their_conversation_was_raised_by() {
        let batch: Vec<_> = (0..5).map(|number| Row::new(number, 2)).collect();
        let counts = conversations(&batch);
        let counted: Vec<_> = counts
            .iter()
            .map(|(id, count, _)| (id.as_str(), *count))
            .collect();
        assert_eq!(counted, [("d:1:2", 3), ("d:2:3", 2)]);
        let last = [("d:1:2".to_owned(), 13), ("d:2:3".to_owned(), 2)];
        let numbered: Vec<_> = numbered(&batch, last, &counts)
            .unwrap()
            .into_iter()
            .map(|(id, seq, _)| (id, seq))
            .collect();
        let expected = [
            ("d:1:2", 11),
            ("d:2:3", 1),
            ("d:1:2", 12),
            ("d:2:3", 2),
            ("d:1:2", 13),
        ];
        assert_eq!(numbered, expected.map(|(id, seq)| (id.to_owned(), seq)));
    }
}
