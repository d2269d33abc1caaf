//! The messages of one conversation in memory, by number and by id.

use std::hash::BuildHasher;

use foldhash::quality::RandomState;
use hashbrown::HashTable;

use crate::types::{Message, MessageId, Seq, UserId};

/// How many rows lie side by side. A list in chunks is never copied as it grows.
const CHUNK: usize = 256;

/// Messages of which number `n` stands at place `n - 1`, none with the sender and id of another.
#[derive(Debug, Default)]
pub(super) struct MessageRows {
    chunks: Vec<Vec<Message>>,
    /// The numbers by their messages' senders and ids, beside the hashes of those, so that growing reads no message.
    numbers: HashTable<(u64, Seq)>,
    /// Clients choose ids but see no hash: a seed of each process's own keeps them from choosing ones that collide.
    hasher: RandomState,
}

impl MessageRows {
    pub(super) fn len(&self) -> usize {
        let full = self.chunks.len().saturating_sub(1) * CHUNK;
        full + self.chunks.last().map_or(0, Vec::len)
    }

    pub(super) fn last(&self) -> Option<&Message> {
        self.chunks.last()?.last()
    }

    pub(super) fn get(&self, seq: Seq) -> Option<&Message> {
        let place = usize::try_from(seq.get()).ok()?.checked_sub(1)?;
        self.chunks.get(place / CHUNK)?.get(place % CHUNK)
    }

    /// Those from place `start` on, before place `end`.
    pub(super) fn between(&self, start: usize, end: usize) -> impl Iterator<Item = &Message> {
        let chunks = self.chunks.iter().skip(start / CHUNK);
        chunks
            .flatten()
            .skip(start % CHUNK)
            .take(end.saturating_sub(start))
    }

    /// Where a message with this sender and id stands, or would.
    pub(super) fn find(&self, sender: UserId, id: &MessageId) -> Result<&Message, Vacant> {
        let hash = self.hasher.hash_one((sender, id));
        let is_it = |message: &&Message| message.from.id == sender && message.id == *id;
        let number = self.numbers.find(hash, |(other, seq)| {
            *other == hash && self.get(*seq).as_ref().is_some_and(is_it)
        });
        let found = number.and_then(|(_, seq)| self.get(*seq));
        found.ok_or(Vacant { hash })
    }

    /// Adds the next message, for which there was no other.
    pub(super) fn push(&mut self, Vacant { hash }: Vacant, message: Message) {
        self.numbers
            .insert_unique(hash, (hash, message.seq), |(hash, _)| *hash);
        match self.chunks.last_mut() {
            Some(chunk) if chunk.len() < CHUNK => chunk.push(message),
            Some(_) => {
                let mut chunk = Vec::with_capacity(CHUNK);
                chunk.push(message);
                self.chunks.push(chunk);
            }
            // Most conversations are short.
            None => self.chunks.push(vec![message]),
        }
    }
}

/// Says that no message has a sender and id.
#[derive(Debug)]
pub(super) struct Vacant {
    hash: u64,
}
