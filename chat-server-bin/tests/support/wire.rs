//! A client that knows lines and JSON and nothing of the protocol.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};

/// How long a frame may take; only a failure ever waits that long.
const DEADLINE: Duration = Duration::from_secs(30);

/// A raw connection.
#[derive(Debug)]
pub struct Wire {
    socket: TcpStream,
    input: BufReader<TcpStream>,
}

impl Wire {
    /// Connects.
    pub fn connect(address: SocketAddr) -> Self {
        Self::of(&TcpStream::connect(address).expect("the server takes connections"))
    }

    /// A second view of a connection, so that one thread can send while another receives.
    pub fn of(socket: &TcpStream) -> Self {
        let socket = socket.try_clone().expect("a descriptor is left");
        socket.set_nodelay(true).expect("the socket is open");
        socket
            .set_read_timeout(Some(DEADLINE))
            .expect("the time-out is not zero");
        socket
            .set_write_timeout(Some(DEADLINE))
            .expect("the time-out is not zero");
        let input = BufReader::new(socket.try_clone().expect("a descriptor is left"));
        Self { socket, input }
    }

    /// Sends bytes as they are.
    pub fn send_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.socket.write_all(bytes)
    }

    /// Sends a line, its end included.
    pub fn send_line(&mut self, line: &str) {
        self.send_bytes(format!("{line}\n").as_bytes())
            .expect("the server reads");
    }

    /// Sends a frame.
    pub fn send(&mut self, frame: &Value) {
        self.send_line(&frame.to_string());
    }

    /// The next frame; `None` where the server has closed the connection.
    pub fn next_frame(&mut self) -> Option<Value> {
        let mut line = String::new();
        match self.input.read_line(&mut line) {
            // A server that was killed may leave half a line.
            Ok(_) if !line.ends_with('\n') => None,
            Ok(_) => Some(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line:?}: {error}"))),
            Err(error) if is_end(&error) => None,
            Err(error) => panic!("no frame came: {error}"),
        }
    }

    /// The next frame.
    ///
    /// # Panics
    /// Where none comes.
    pub fn frame(&mut self) -> Value {
        self.next_frame().expect("the connection is open")
    }

    /// The next line as it came, its end included.
    ///
    /// # Panics
    /// Where none comes.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.input.read_line(&mut line).expect("a line comes");
        line
    }

    /// Registers a user on a connection of its own, logs it in here, and waits for `synced`.
    /// Answers its id and its token.
    ///
    /// # Panics
    /// Where the server refuses.
    pub fn begin_as(&mut self, name: &str) -> (u64, String) {
        let address = self.socket.peer_addr().expect("the socket is connected");
        Self::connect(address).register(name);
        self.log_in_as(name)
    }

    /// The same on this connection alone.
    ///
    /// # Panics
    /// Where the server refuses.
    pub fn begin_here_as(&mut self, name: &str) -> (u64, String) {
        self.register(name);
        self.log_in_as(name)
    }

    fn register(&mut self, name: &str) {
        let registered = self.request(
            &json!({"type": "register", "ref": "register", "name": name, "password": "correct horse"}),
        );
        assert_eq!(registered["type"], "registered", "{registered}");
    }

    fn log_in_as(&mut self, name: &str) -> (u64, String) {
        let login = json!({"type": "login", "ref": "login", "name": name, "password": "correct horse"});
        let welcome = self.request(&login);
        let token = welcome["token"].as_str().unwrap_or_else(|| panic!("{welcome}"));
        assert_eq!(self.frame()["type"], "synced");
        (
            welcome["user"]["id"].as_u64().expect("a user has an id"),
            token.to_owned(),
        )
    }

    /// Sends a request and answers the next frame that carries its `ref`.
    pub fn request(&mut self, request: &Value) -> Value {
        self.send(request);
        loop {
            let frame = self.frame();
            if frame["ref"] == request["ref"] {
                return frame;
            }
        }
    }

    /// All frames until the server closes the connection.
    pub fn rest(&mut self) -> Vec<Value> {
        std::iter::from_fn(|| self.next_frame()).collect()
    }

    /// Says that nothing more will be sent; replies can still be read.
    pub fn end_sending(&mut self) {
        self.socket.shutdown(Shutdown::Write).expect("the socket is open");
    }

    /// Ends both directions.
    pub fn close(&self) {
        // The server may have ended them already.
        let _ = self.socket.shutdown(Shutdown::Both);
    }

    /// The socket itself, for what nothing here offers.
    pub const fn socket(&self) -> &TcpStream {
        &self.socket
    }
}

fn is_end(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    matches!(error.kind(), ConnectionReset | ConnectionAborted | BrokenPipe)
}
