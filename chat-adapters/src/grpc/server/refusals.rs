//! Peers that are refused, each told to the log once and not again and again.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::meters::{CONNECTIONS_REFUSED, REQUESTS_REFUSED};

/// The time in which an address is not told of again for the same reason.
const PAUSE: Duration = Duration::from_secs(60);
/// How many addresses are remembered at once; while there are more, the others are only counted.
const REMEMBERED: usize = 1_024;

/// Counts and tells what was refused.
#[derive(Debug, Default)]
pub(super) struct Refusals(Mutex<HashMap<(IpAddr, &'static str), Told>>);

#[derive(Debug)]
struct Told {
    at: Instant,
    repeated: u64,
}

impl Refusals {
    /// A connection was closed.
    pub(super) fn connection(&self, peer: SocketAddr, reason: &'static str, why: &dyn fmt::Display) {
        CONNECTIONS_REFUSED.count(&[reason]).increment(1);
        if let Some(repeated) = self.is_told(peer.ip(), reason) {
            tracing::warn!(%peer, reason, %why, repeated, "a connection to this backend was refused");
        }
    }

    /// A request was answered before a call came of it.
    pub(super) fn request(&self, peer: SocketAddr, reason: &'static str, why: &dyn fmt::Display) {
        REQUESTS_REFUSED.count(&[reason]).increment(1);
        if let Some(repeated) = self.is_told(peer.ip(), reason) {
            tracing::warn!(%peer, reason, %why, repeated, "a request to this backend was refused");
        }
    }

    /// Whether it is to be told; and how often it has happened since it was told last.
    fn is_told(&self, address: IpAddr, reason: &'static str) -> Option<u64> {
        let now = Instant::now();
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (address.to_canonical(), reason);
        if let Some(before) = told.get_mut(&key) {
            if now < before.at + PAUSE {
                before.repeated += 1;
                return None;
            }
            let repeated = before.repeated;
            *before = Told { at: now, repeated: 0 };
            return Some(repeated);
        }
        if told.len() >= REMEMBERED {
            told.retain(|_, told| now < told.at + PAUSE);
        }
        if told.len() >= REMEMBERED {
            return None;
        }
        told.insert(key, Told { at: now, repeated: 0 });
        Some(0)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn address(number: u32) -> IpAddr {
        Ipv4Addr::from(number).into()
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_is_told_of_once_a_minute_for_each_reason() {
        let refusals = Refusals::default();
        assert_eq!(refusals.is_told(address(1), "tls"), Some(0));
        assert_eq!(refusals.is_told(address(1), "tls"), None);
        assert_eq!(refusals.is_told(address(1), "late"), Some(0));
        assert_eq!(refusals.is_told(address(2), "tls"), Some(0));
        assert_eq!(refusals.is_told(address(1), "tls"), None);
        tokio::time::advance(PAUSE).await;
        assert_eq!(refusals.is_told(address(1), "tls"), Some(2));
        assert_eq!(refusals.is_told(address(1), "tls"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_memory_for_addresses_is_bounded() {
        let refusals = Refusals::default();
        let told = (0..100_000).filter(|number| refusals.is_told(address(*number), "tls").is_some());
        assert_eq!(told.count(), REMEMBERED);
        tokio::time::advance(PAUSE).await;
        assert_eq!(refusals.is_told(address(200_000), "tls"), Some(0));
        assert_eq!(refusals.0.lock().unwrap().len(), 1);
    }
}
