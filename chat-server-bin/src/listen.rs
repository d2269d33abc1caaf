//! Taking the address, before anything else is touched, and listening on it when all is ready.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket, lookup_host};

use crate::failure::{Failure, FailureKind};

/// Connections that wait to be accepted: enough for all clients of a restarted server.
const BACKLOG: u32 = 4_096;

/// Where another address can be chosen, for messages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flag(&'static str);

/// The address for clients.
pub(crate) const CLIENTS: Flag = Flag("--listen");
/// The address for operators.
pub(crate) const OPERATORS: Flag = Flag("--http, or none at all with --http none");

/// An address that is taken and not yet listened on.
#[derive(Debug)]
pub(crate) struct Taken {
    socket: TcpSocket,
    address: SocketAddr,
    flag: Flag,
}

/// Takes the first address that `listen` stands for and that can be had.
pub(crate) async fn take(flag: Flag, listen: &str) -> Result<Taken, Failure> {
    let addresses = lookup_host(listen).await.map_err(|error| {
        failure(format!(
            "cannot find the address `{listen}`: {error}; choose another with {}",
            flag.0
        ))
    })?;
    let mut refused = io::Error::from(ErrorKind::AddrNotAvailable);
    for address in addresses {
        match bind(flag, address) {
            Ok(taken) => return Ok(taken),
            Err(error) => refused = error,
        }
    }
    Err(cannot_listen(flag, listen, &refused))
}

impl Taken {
    /// The address, with the port that was found where 0 was asked for.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Begins to let clients in.
    pub(crate) fn listen(self) -> Result<TcpListener, Failure> {
        let Self {
            socket,
            address,
            flag,
        } = self;
        socket
            .listen(BACKLOG)
            .map_err(|error| cannot_listen(flag, &address.to_string(), &error))
    }
}

fn bind(flag: Flag, address: SocketAddr) -> io::Result<Taken> {
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
        flag,
    })
}

fn cannot_listen(Flag(flag): Flag, listen: &str, error: &io::Error) -> Failure {
    failure(match error.kind() {
        ErrorKind::AddrInUse => format!(
            "cannot listen on {listen}: another program uses this port; stop it, or choose another port with {flag}"
        ),
        ErrorKind::PermissionDenied => format!(
            "cannot listen on {listen}: this user may not use this port; choose one above 1023 with {flag}"
        ),
        ErrorKind::AddrNotAvailable => format!(
            "cannot listen on {listen}: this machine does not have the address; choose one it has with {flag}"
        ),
        _ => format!("cannot listen on {listen}: {error}; choose another address with {flag}"),
    })
}

fn failure(sentence: String) -> Failure {
    Failure::new(FailureKind::Listen, anyhow::Error::msg(sentence))
}
