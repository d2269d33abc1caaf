//! Whose request it is, where a proxy passed it on.

use std::net::IpAddr;

use axum::http::HeaderMap;
use ipnet::IpNet;

/// The header to which each proxy adds the address that it was asked from.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The client's address: that of the peer, or, as far as the peers are `proxies`, the one that they
/// name. What anybody else wrote into the header is not believed.
pub(super) fn client_address(peer: IpAddr, headers: &HeaderMap, proxies: &[IpNet]) -> IpAddr {
    let is_proxy = |address: &IpAddr| proxies.iter().any(|network| network.contains(address));
    let mut address = peer.to_canonical();
    let lines = headers.get_all(FORWARDED_FOR).iter().rev();
    let mut named = lines.flat_map(|line| line.to_str().unwrap_or_default().rsplit(','));
    while is_proxy(&address)
        && let Some(text) = named.next()
        && let Ok(before) = text.trim().parse::<IpAddr>()
    {
        address = before.to_canonical();
    }
    address
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    /// The address, where the peer is 10.0.0.1 and all of 10.0.0.0/8 are proxies.
    fn seen(lines: &[&str]) -> String {
        seen_from("10.0.0.1", lines)
    }

    fn seen_from(peer: &str, lines: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, HeaderValue::from_str(line).unwrap());
        }
        let proxies = ["10.0.0.0/8".parse().unwrap()];
        client_address(peer.parse().unwrap(), &headers, &proxies).to_string()
    }

    #[test]
    fn the_last_address_that_is_no_proxy_is_the_clients() {
        assert_eq!(seen(&["192.0.2.7"]), "192.0.2.7");
        assert_eq!(seen(&["198.51.100.1, 192.0.2.7"]), "192.0.2.7");
        assert_eq!(seen(&["198.51.100.1,192.0.2.7 , 10.0.0.2"]), "192.0.2.7");
        assert_eq!(seen(&["192.0.2.7", "10.0.0.2"]), "192.0.2.7");
        assert_eq!(seen(&["::ffff:192.0.2.7"]), "192.0.2.7");
        assert_eq!(seen(&["2001:db8::7"]), "2001:db8::7");
    }

    #[test]
    fn without_an_address_it_is_the_proxys_own() {
        for lines in [&[][..], &[""], &["unknown"], &["192.0.2.7, what"], &["10.0.0.1"]] {
            assert_eq!(seen(lines), "10.0.0.1", "{lines:?}");
        }
    }

    #[test]
    fn who_is_no_proxy_cannot_name_another() {
        assert_eq!(seen_from("192.0.2.9", &["198.51.100.1"]), "192.0.2.9");
        assert_eq!(seen_from("::ffff:192.0.2.9", &["198.51.100.1"]), "192.0.2.9");
    }
}
