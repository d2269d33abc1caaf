use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// Below what systems give to outgoing connections: those can't take the port while a service restarts.
const PORTS: std::ops::Range<u16> = 10_000..32_000;
const TRIES: usize = 100;

/// A port of 127.0.0.1 where nothing listens. It stays free as long as nobody else chooses it.
///
/// # Errors
/// Where no port can be bound.
pub fn free_port() -> io::Result<SocketAddr> {
    let mut refused = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..TRIES {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, fastrand::u16(PORTS)));
        match TcpListener::bind(address) {
            Ok(_) => return Ok(address),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}
