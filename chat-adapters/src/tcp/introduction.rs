//! The first bytes of a connection from a load balancer, which say for whom it is.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::proxy_header::{BadHeader, Header, read_header};

/// How many bytes are read at once: a header without extensions and some frames after it.
const READ_BYTES: usize = 512;

/// How an introduction ended.
#[derive(Debug)]
pub(super) enum Introduced {
    /// The header came.
    As {
        socket: TcpStream,
        /// The client's address, or the peer's own where the header names none.
        address: IpAddr,
        /// What came after the header.
        read: BytesMut,
    },
    /// The peer left without a byte, as health checks do, or its machine did.
    Gone,
    /// The connection was closed.
    Refused { peer: IpAddr, refusal: Refusal },
}

/// Why a connection was closed before it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The header itself.
    Header(BadHeader),
    /// The peer left in the middle of it.
    CutOff,
    /// It did not come in time.
    Late,
}

impl Refusal {
    /// All names.
    pub(super) const NAMES: &'static [&'static str] = &["absent", "malformed", "too_long", "cut_off", "late"];

    /// Its name in the log and in the counter.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Header(BadHeader::Absent) => "absent",
            Self::Header(BadHeader::Malformed) => "malformed",
            Self::Header(BadHeader::TooLong) => "too_long",
            Self::CutOff => "cut_off",
            Self::Late => "late",
        }
    }
}

/// Reads the header of a connection from `peer`, a load balancer.
pub(super) async fn introduce(mut socket: TcpStream, peer: IpAddr, deadline: Duration) -> Introduced {
    let introduced = timeout(deadline, read_first(&mut socket)).await;
    match introduced.unwrap_or(Ok(Err(Refusal::Late))) {
        Ok(Ok((header, read))) => Introduced::As {
            socket,
            address: header.client.unwrap_or(peer),
            read,
        },
        Ok(Err(refusal)) => Introduced::Refused { peer, refusal },
        Err(error) => {
            tracing::debug!(%error, "a connection ended before its PROXY header");
            Introduced::Gone
        }
    }
}

/// The header and what was read beyond it; an error where the peer left without a byte.
async fn read_first(socket: &mut TcpStream) -> io::Result<Result<(Header, BytesMut), Refusal>> {
    let mut read = BytesMut::new();
    loop {
        socket.readable().await?;
        read.reserve(READ_BYTES);
        if socket.read_buf(&mut read).await? == 0 {
            return if read.is_empty() {
                Err(io::ErrorKind::UnexpectedEof.into())
            } else {
                Ok(Err(Refusal::CutOff))
            };
        }
        match read_header(&read) {
            Ok(Some(header)) => {
                drop(read.split_to(header.length));
                return Ok(Ok((header, read)));
            }
            Ok(None) => {}
            Err(bad) => return Ok(Err(Refusal::Header(bad))),
        }
    }
}
