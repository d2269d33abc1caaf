//! Which server of a cluster has which slots.

use redis::Value;

use super::Address;
use super::error::CallError;

/// A cluster has this many slots. Source: the Redis Cluster specification.
pub(super) const SLOTS: u16 = 16_384;

/// The slot of a key or a channel: of what stands between the first `{` and the next `}`, where
/// that is not empty.
pub(super) fn slot_of(key: &str) -> u16 {
    let tag = key.split_once('{').and_then(|(_, rest)| rest.split_once('}'));
    let tag = tag.map(|(tag, _)| tag).filter(|tag| !tag.is_empty());
    crc16::State::<crc16::XMODEM>::calculate(tag.unwrap_or(key).as_bytes()) % SLOTS
}

/// Which server has which slots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SlotMap {
    /// By ascending first slot.
    ranges: Vec<SlotRange>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct SlotRange {
    first: u16,
    last: u16,
    owner: Address,
}

impl SlotMap {
    /// One server has them all.
    pub(super) fn single(owner: Address) -> Self {
        let (first, last) = (0, SLOTS - 1);
        Self {
            ranges: vec![SlotRange { first, last, owner }],
        }
    }

    /// Reads the answer to `CLUSTER SLOTS` of the server at `asked`.
    pub(super) fn read(answer: Value, asked: &Address) -> Result<Self, CallError> {
        let unexpected = CallError::Unexpected {
            command: "CLUSTER SLOTS",
        };
        let entries: Vec<Vec<Value>> = redis::from_redis_value(answer).map_err(|_| unexpected.clone())?;
        let ranges = entries.into_iter().map(|entry| read_range(entry, asked));
        let mut ranges: Vec<_> = ranges.collect::<Option<_>>().ok_or(unexpected)?;
        ranges.sort_unstable_by_key(|range| range.first);
        Ok(Self { ranges })
    }

    pub(super) fn owner(&self, slot: u16) -> Option<&Address> {
        let after = self.ranges.partition_point(|range| range.first <= slot);
        let range = self.ranges.get(after.checked_sub(1)?)?;
        (slot <= range.last).then_some(&range.owner)
    }

    pub(super) fn owners(&self) -> impl Iterator<Item = &Address> {
        self.ranges.iter().map(|range| &range.owner)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }
}

/// Reads `[first, last, [host, port, …], replicas…]`. A server that does not know its own host
/// leaves it empty, which means the one that was asked.
fn read_range(entry: Vec<Value>, asked: &Address) -> Option<SlotRange> {
    let mut entry = entry.into_iter();
    let first = redis::from_redis_value(entry.next()?).ok()?;
    let last = redis::from_redis_value(entry.next()?).ok()?;
    let owner: Vec<Value> = redis::from_redis_value(entry.next()?).ok()?;
    let mut owner = owner.into_iter();
    let host: Option<String> = redis::from_redis_value(owner.next()?).ok()?;
    let port = redis::from_redis_value(owner.next()?).ok()?;
    let host = host.filter(|host| !host.is_empty() && host != "?");
    let host = host.unwrap_or_else(|| asked.host.clone());
    let owner = Address { host, port };
    (first <= last && last < SLOTS).then_some(SlotRange { first, last, owner })
}

/// Reads `host:port` as a redirection has it.
pub(super) fn read_address(text: &str, asked: &Address) -> Option<Address> {
    let (host, port) = text.rsplit_once(':')?;
    let host = if host.is_empty() { &asked.host } else { host };
    Some(Address::new(host, port.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keys_slot_is_that_of_its_hash_tag() {
        // The values of the Redis Cluster specification and of CLUSTER KEYSLOT.
        assert_eq!(slot_of("123456789"), 0x31c3);
        assert_eq!(slot_of("foo"), 12_182);
        assert_eq!(slot_of("{foo}.bar"), 12_182);
        assert_eq!(slot_of("x{foo}{bar}"), 12_182);
        assert_ne!(slot_of("{}foo"), 12_182);
    }

    #[test]
    fn a_slots_owner_is_found_and_holes_have_none() {
        let answer =
            b"*2\r\n*3\r\n:100\r\n:200\r\n*2\r\n$3\r\ntwo\r\n:2\r\n*3\r\n:0\r\n:50\r\n*2\r\n$-1\r\n:1\r\n";
        let value = redis::parse_redis_value(answer).unwrap();
        let map = SlotMap::read(value, &Address::new("asked", 9)).unwrap();
        assert_eq!(map.owner(0), Some(&Address::new("asked", 1)));
        assert_eq!(map.owner(50), Some(&Address::new("asked", 1)));
        assert_eq!(map.owner(51), None);
        assert_eq!(map.owner(100), Some(&Address::new("two", 2)));
        assert_eq!(map.owner(201), None);
        assert_eq!(SlotMap::default().owner(0), None);
        assert_eq!(
            SlotMap::single(Address::new("one", 1)).owner(16_383),
            Some(&Address::new("one", 1))
        );
    }

    #[test]
    fn what_is_no_slot_map_is_refused() {
        for answer in [
            "+OK\r\n",
            "*1\r\n*2\r\n:1\r\n:2\r\n",
            "*1\r\n*3\r\n:5\r\n:2\r\n*2\r\n+h\r\n:1\r\n",
        ] {
            let value = redis::parse_redis_value(answer.as_bytes()).unwrap();
            assert!(SlotMap::read(value, &Address::new("h", 1)).is_err(), "{answer}");
        }
    }

    #[test]
    fn a_redirection_without_a_host_stays_at_the_one_asked() {
        let asked = Address::new("::1", 7);
        assert_eq!(
            read_address("10.0.0.1:8", &asked),
            Some(Address::new("10.0.0.1", 8))
        );
        assert_eq!(read_address(":8", &asked), Some(Address::new("::1", 8)));
        assert_eq!(read_address("nothing", &asked), None);
    }
}
