//! Taking the address, before anything else is touched, and listening on it when all is ready.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket, lookup_host};

use crate::failure::{Failure, FailureKind};

/// Connections that wait to be accepted: enough for all clients of a restarted server.
const BACKLOG: u32 = 4_096;

/// An address that is taken and not yet listened on.
#[derive(Debug)]
pub(crate) struct Taken {
    socket: TcpSocket,
    address: SocketAddr,
}

/// Takes the first address that `listen` stands for and that can be had.
pub(crate) async fn take(listen: &str) -> Result<Taken, Failure> {
    let addresses = lookup_host(listen).await.map_err(|error| {
        failure(format!(
            "cannot find the address `{listen}`: {error}; correct --listen"
        ))
    })?;
    let mut refused = io::Error::from(ErrorKind::AddrNotAvailable);
    for address in addresses {
        match bind(address) {
            Ok(taken) => return Ok(taken),
            Err(error) => refused = error,
        }
    }
    Err(cannot_listen(listen, &refused))
}

impl Taken {
    /// The address, with the port that was found where 0 was asked for.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Begins to let clients in.
    pub(crate) fn listen(self) -> Result<TcpListener, Failure> {
        let Self { socket, address } = self;
        socket
            .listen(BACKLOG)
            .map_err(|error| cannot_listen(&address.to_string(), &error))
    }
}

fn bind(address: SocketAddr) -> io::Result<Taken> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }?;
    // A restarted server need not wait for the connections of the one before it.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(Taken {
        address: socket.local_addr()?,
        socket,
    })
}

fn cannot_listen(listen: &str, error: &io::Error) -> Failure {
    failure(match error.kind() {
        ErrorKind::AddrInUse => format!(
            "cannot listen on {listen}: another program uses this port; stop it, or choose another port with --listen"
        ),
        ErrorKind::PermissionDenied => format!(
            "cannot listen on {listen}: this user may not use this port; choose one above 1023 with --listen"
        ),
        ErrorKind::AddrNotAvailable => format!(
            "cannot listen on {listen}: this machine does not have the address; choose one it has with --listen"
        ),
        _ => format!("cannot listen on {listen}: {error}; choose another address with --listen"),
    })
}

fn failure(sentence: String) -> Failure {
    Failure::new(FailureKind::Listen, anyhow::Error::msg(sentence))
}
