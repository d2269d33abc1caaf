use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, Ordering};

/// Below what systems give to outgoing connections: those can't take the port while a service restarts.
const PORTS: std::ops::Range<u16> = 10_000..32_000;
const TRIES: usize = 100;

/// How many were given out, from any number on: whoever got one may not have bound it yet, or may be restarting, so it
/// is not given out again before all others were.
static GIVEN: LazyLock<AtomicU16> = LazyLock::new(|| AtomicU16::new(fastrand::u16(..)));

/// A port of 127.0.0.1 where nothing listens. It stays free as long as no other program chooses it.
///
/// # Errors
/// Where no port can be bound.
pub fn free_port() -> io::Result<SocketAddr> {
    let mut refused = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..TRIES {
        let place = GIVEN.fetch_add(1, Ordering::Relaxed) % (PORTS.end - PORTS.start);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, PORTS.start + place));
        match TcpListener::bind(address) {
            Ok(_) => return Ok(address),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_port_is_given_out_twice_in_a_row_of_many() {
        let ports: HashSet<_> = (0..5_000).map(|_| free_port().unwrap().port()).collect();
        assert_eq!(ports.len(), 5_000);
        assert!(ports.iter().all(|port| PORTS.contains(port)));
    }
}
