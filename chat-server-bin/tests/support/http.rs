//! The HTTP side door, asked without a library, so that tests see what goes over the wire.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

/// How long an answer may take; only a failure ever waits that long.
const DEADLINE: Duration = Duration::from_secs(30);

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The lines of the head after the first.
    pub head: String,
    /// The body.
    pub body: String,
}

impl Answer {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut found = lines.filter(|(header, _)| header.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value)
    }
}

/// Asks for a path.
///
/// # Panics
/// Where no whole answer comes.
pub fn get(address: SocketAddr, path: &str) -> Answer {
    ask(address, "GET", path)
}

/// Asks with another method.
///
/// # Panics
/// Where no whole answer comes.
pub fn ask(address: SocketAddr, method: &str, path: &str) -> Answer {
    let request = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
    let answer = send(address, request.as_bytes()).expect("the server answers");
    read(&answer).unwrap_or_else(|| panic!("no answer: {answer:?}"))
}

/// Sends bytes as they are, and answers everything that comes until the connection is closed.
///
/// # Errors
/// Where there is no connection, or it breaks.
pub fn send(address: SocketAddr, request: &[u8]) -> io::Result<String> {
    let mut connection = TcpStream::connect(address)?;
    connection.set_read_timeout(Some(DEADLINE))?;
    connection.write_all(request)?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    let _ = connection.shutdown(Shutdown::Both);
    Ok(answer)
}

/// Takes an answer apart.
pub fn read(answer: &str) -> Option<Answer> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let (first, head) = head.split_once("\r\n")?;
    let status = first.split(' ').nth(1)?.parse().ok()?;
    Some(Answer {
        status,
        head: head.to_owned(),
        body: body.to_owned(),
    })
}
