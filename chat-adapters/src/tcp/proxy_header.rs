//! Headers of the PROXY protocol, versions 1 and 2, without I/O.
//!
//! Source: <https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt>

use std::net::IpAddr;

use ppp::{v1, v2};

/// The longest header of version 1 with its line end, as the specification counts it.
const LONGEST_TEXT: usize = 107;
/// What the longest header of version 2 may have: addresses take 36 bytes, or 216 for local
/// sockets, and the rest is for extensions, of which none is read here.
pub(super) const LONGEST_HEADER: usize = 4_096;
/// How a header of version 1 begins.
const TEXT_PREFIX: &[u8] = b"PROXY ";
/// The bytes of version 2 before those whose count they hold at the end.
const FIXED_BYTES: usize = 16;

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Its bytes; what follows is the client's.
    pub(super) length: usize,
    /// The client's address; `None` where the load balancer speaks for itself, or cannot say.
    pub(super) client: Option<IpAddr>,
}

/// Why bytes are no header, whatever comes after them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadHeader {
    /// They begin otherwise.
    Absent,
    /// They begin like one and are not.
    Malformed,
    /// It would be longer than any that is taken.
    TooLong,
}

/// The header that `bytes` begin with; `None` where more bytes are needed.
pub(super) fn read_header(bytes: &[u8]) -> Result<Option<Header>, BadHeader> {
    if begins_like(bytes, v2::PROTOCOL_PREFIX) {
        read_binary(bytes)
    } else if begins_like(bytes, TEXT_PREFIX) {
        read_text(bytes)
    } else {
        Err(BadHeader::Absent)
    }
}

/// Whether `bytes` begin with `prefix` as far as both go.
fn begins_like(bytes: &[u8], prefix: &[u8]) -> bool {
    bytes.iter().zip(prefix).all(|(byte, expected)| byte == expected)
}

/// The parser is given whole lines only: it takes some parts of a line for wrong ones.
fn read_text(bytes: &[u8]) -> Result<Option<Header>, BadHeader> {
    let Some(end) = bytes.iter().take(LONGEST_TEXT).position(|&byte| byte == b'\n') else {
        return if bytes.len() < LONGEST_TEXT {
            Ok(None)
        } else {
            Err(BadHeader::TooLong)
        };
    };
    let line = bytes.get(..=end).unwrap_or_default();
    let header = v1::Header::try_from(line).map_err(|_| BadHeader::Malformed)?;
    if header.header.len() != line.len() {
        return Err(BadHeader::Malformed);
    }
    let client = match header.addresses {
        v1::Addresses::Tcp4(addresses) => Some(addresses.source_address.into()),
        v1::Addresses::Tcp6(addresses) => Some(addresses.source_address.into()),
        v1::Addresses::Unknown => None,
    };
    Ok(Some(header_of(line.len(), client)))
}

fn read_binary(bytes: &[u8]) -> Result<Option<Header>, BadHeader> {
    if let Some(&[high, low]) = bytes.get(FIXED_BYTES - 2..FIXED_BYTES)
        && FIXED_BYTES + usize::from(u16::from_be_bytes([high, low])) > LONGEST_HEADER
    {
        return Err(BadHeader::TooLong);
    }
    let header = match v2::Header::try_from(bytes) {
        Ok(header) => header,
        Err(v2::ParseError::Incomplete(_) | v2::ParseError::Partial(..)) => return Ok(None),
        Err(_) => return Err(BadHeader::Malformed),
    };
    let client = match (header.command, header.protocol, header.addresses) {
        (v2::Command::Proxy, v2::Protocol::Stream, v2::Addresses::IPv4(addresses)) => {
            Some(addresses.source_address.into())
        }
        (v2::Command::Proxy, v2::Protocol::Stream, v2::Addresses::IPv6(addresses)) => {
            Some(addresses.source_address.into())
        }
        _ => None,
    };
    Ok(Some(header_of(header.as_bytes().len(), client)))
}

fn header_of(length: usize, client: Option<IpAddr>) -> Header {
    Header {
        length,
        client: client.map(|address| address.to_canonical()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn binary(version_and_command: u8, family: u8, payload: &[u8]) -> Vec<u8> {
        let mut header = v2::PROTOCOL_PREFIX.to_vec();
        header.extend([version_and_command, family]);
        header.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
        header.extend(payload);
        header
    }

    const IPV4: [u8; 12] = [192, 0, 2, 7, 10, 0, 0, 1, 1, 2, 3, 4];

    fn headers() -> Vec<(Vec<u8>, Option<&'static str>)> {
        let mut ipv6 = [0; 36];
        ipv6[..4].copy_from_slice(&[0x20, 1, 0xd, 0xb8]);
        ipv6[15] = 7;
        let mut mapped = [0; 36];
        mapped[10..16].copy_from_slice(&[0xff, 0xff, 192, 0, 2, 7]);
        let extended = [&IPV4[..], &[4, 0, 1, 9]].concat();
        vec![
            (
                b"PROXY TCP4 192.0.2.7 10.0.0.1 65535 0\r\n".to_vec(),
                Some("192.0.2.7"),
            ),
            (
                b"PROXY TCP6 2001:db8::7 2001:db8::1 1 2\r\n".to_vec(),
                Some("2001:db8::7"),
            ),
            (
                b"PROXY TCP6 ::ffff:192.0.2.7 ::1 1 2\r\n".to_vec(),
                Some("192.0.2.7"),
            ),
            (b"PROXY UNKNOWN\r\n".to_vec(), None),
            (b"PROXY UNKNOWN 192.0.2.7 10.0.0.1 1 2\r\n".to_vec(), None),
            (binary(0x21, 0x11, &IPV4), Some("192.0.2.7")),
            (binary(0x21, 0x11, &extended), Some("192.0.2.7")),
            (binary(0x21, 0x21, &ipv6), Some("2001:db8::7")),
            (binary(0x21, 0x21, &mapped), Some("192.0.2.7")),
            (binary(0x20, 0x00, &[]), None),
            (binary(0x20, 0x11, &IPV4), None),
            (binary(0x21, 0x00, &[1, 2, 3]), None),
            (binary(0x21, 0x31, &[b'/'; 216]), None),
            (binary(0x21, 0x12, &IPV4), None),
        ]
    }

    #[test]
    fn a_whole_header_gives_the_address_and_every_part_of_it_asks_for_more() {
        for (bytes, client) in headers() {
            let client = client.map(|address| address.parse().unwrap());
            let expected = Header {
                length: bytes.len(),
                client,
            };
            assert_eq!(read_header(&bytes), Ok(Some(expected)), "{bytes:?}");
            let with_frames = [&bytes[..], b"{\"type\":\"ping\"}\n"].concat();
            assert_eq!(read_header(&with_frames), Ok(Some(expected)), "{bytes:?}");
            for end in 0..bytes.len() {
                assert_eq!(read_header(&bytes[..end]), Ok(None), "{:?}", &bytes[..end]);
            }
        }
    }

    #[test]
    fn what_is_no_header_is_known_by_its_first_wrong_byte() {
        for absent in [
            &b"{"[..],
            b"GET / HTTP/1.1\r\n",
            b"PROXX",
            b"\r\n\r\n\0\r\nQUIX",
            b"\n",
        ] {
            assert_eq!(read_header(absent), Err(BadHeader::Absent), "{absent:?}");
        }
    }

    #[test]
    fn wrong_headers_are_refused() {
        let lines: &[&[u8]] = &[
            b"PROXY \r\n",
            b"PROXY TCP4\r\n",
            b"PROXY TCP5 192.0.2.7 10.0.0.1 1 2\r\n",
            b"PROXY TCP4 192.0.2.7 10.0.0.1 1 2\n",
            b"PROXY TCP4 192.0.2.7 10.0.0.1 1 2 3\r\n",
            b"PROXY TCP4 192.0.2.700 10.0.0.1 1 2\r\n",
            b"PROXY TCP4 192.0.2.7 10.0.0.1 1 65536\r\n",
            b"PROXY TCP4 2001:db8::7 2001:db8::1 1 2\r\n",
            b"PROXY TCP4 192.0.2.7 10.0.0.1 1\r2\r\n",
            b"PROXY TCP4 \xff\xfe 10.0.0.1 1 2\r\n",
        ];
        for line in lines {
            assert_eq!(read_header(line), Err(BadHeader::Malformed), "{line:?}");
        }
        for header in [
            binary(0x11, 0x11, &IPV4),
            binary(0x22, 0x11, &IPV4),
            binary(0x21, 0x41, &IPV4),
            binary(0x21, 0x13, &IPV4),
            binary(0x21, 0x11, &IPV4[..11]),
        ] {
            assert_eq!(read_header(&header), Err(BadHeader::Malformed), "{header:?}");
        }
    }

    #[test]
    fn a_header_may_be_as_long_as_the_bound_and_no_longer() {
        let mut payload = vec![0; LONGEST_HEADER - FIXED_BYTES];
        assert!(read_header(&binary(0x21, 0x11, &payload)).unwrap().is_some());
        payload.push(0);
        let longer = binary(0x21, 0x11, &payload);
        assert_eq!(read_header(&longer[..FIXED_BYTES]), Err(BadHeader::TooLong));

        let widest = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
        let line = format!("PROXY UNKNOWN {widest} {widest} 65535 65535\r\n");
        assert_eq!(line.len(), LONGEST_TEXT);
        assert!(read_header(line.as_bytes()).unwrap().is_some());
        let longer = line.replacen("UNKNOWN", "UNKNOWNN", 1);
        assert_eq!(
            read_header(&longer.as_bytes()[..LONGEST_TEXT]),
            Err(BadHeader::TooLong)
        );
    }

    proptest! {
        /// Whatever comes, and however it is cut: no byte is asked for beyond the bound, a decision
        /// is never taken back, and a header is never longer than what came.
        #[test]
        fn any_bytes_are_decided_within_the_bound(
            start in prop::sample::select(headers()),
            kept in 0_usize..250,
            changed in prop::collection::vec((0_usize..60, any::<u8>()), 0..4),
            rest in prop::collection::vec(any::<u8>(), 0..5_000),
        ) {
            let mut bytes = start.0;
            bytes.truncate(kept);
            bytes.extend(rest);
            for (place, value) in changed {
                if let Some(byte) = bytes.get_mut(place) {
                    *byte = value;
                }
            }
            let decided = (0..=bytes.len()).find_map(|end| match read_header(&bytes[..end]) {
                Ok(None) => None,
                decision => Some((end, decision)),
            });
            if let Some((end, decision)) = decided {
                prop_assert!(end <= LONGEST_HEADER);
                prop_assert_eq!(read_header(&bytes), decision);
                if let Ok(Some(header)) = decision {
                    prop_assert_eq!(header.length, end);
                }
            } else {
                prop_assert!(bytes.len() < LONGEST_HEADER);
            }
        }
    }
}
