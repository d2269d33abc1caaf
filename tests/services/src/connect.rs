use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use socket2::{Domain, Socket, Type};

/// A connection from this address of the loopback network, as another client's would be.
///
/// # Errors
/// Where this machine's loopback network lacks the address, or nobody takes the connection.
pub fn connect_from(client: Ipv4Addr, server: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(server), Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((client, 0)).into())?;
    socket.connect(&server.into())?;
    Ok(socket.into())
}
