//! A relay between a store and the server that reads the commands, and can lose a commit.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use chat_adapters::mysql::MySqlOptions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::database::TestDatabase;

/// A command that a client sent. Source: the command phase of the client/server protocol,
/// <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_command_phase.html>.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// A statement as text.
    Query(String),
    /// A statement to be prepared.
    Prepare(String),
    /// A prepared statement is executed.
    Execute,
    /// Anything else.
    Other(u8),
}

/// What happens to the next commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum NextCommit {
    /// It is passed on, and so is its answer.
    #[default]
    Passed,
    /// The connection breaks before the server gets it.
    LostBefore,
    /// The connection breaks after the server has done it.
    LostAfter,
    /// The server never gets it, and the connection stays.
    Held,
}

#[derive(Default)]
struct Shared {
    commands: Mutex<Vec<Command>>,
    next_commit: Mutex<NextCommit>,
}

/// A running relay; dropping it ends its connections.
pub(crate) struct Relay {
    address: SocketAddr,
    shared: Arc<Shared>,
    _tasks: JoinSet<io::Result<()>>,
}

impl Relay {
    pub(crate) async fn start(database: &TestDatabase) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::<Shared>::default();
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, server(database), Arc::clone(&shared)));
        Self {
            address,
            shared,
            _tasks: tasks,
        }
    }

    /// How a store is opened through it.
    pub(crate) fn options(&self, database: &TestDatabase) -> MySqlOptions {
        options_at(database, self.address)
    }

    /// The commands since the last time, in their order.
    pub(crate) fn take(&self) -> Vec<Command> {
        std::mem::take(&mut *self.shared.commands.lock().unwrap())
    }

    pub(crate) fn set_next_commit(&self, next: NextCommit) {
        *self.shared.next_commit.lock().unwrap() = next;
    }
}

/// The server's address.
pub(crate) fn server(database: &TestDatabase) -> SocketAddr {
    let url = database.url();
    let (_, rest) = url.rsplit_once('@').unwrap();
    rest.split('/')
        .next()
        .unwrap()
        .parse()
        .expect("the variable names an address and a port")
}

/// How a store on a database is opened at another address.
pub(crate) fn options_at(database: &TestDatabase, address: SocketAddr) -> MySqlOptions {
    let url = database
        .url()
        .replace(&server(database).to_string(), &address.to_string());
    // Commands can be read only where they are not encrypted.
    let mut options = MySqlOptions::parse(&format!("{url}&ssl-mode=DISABLED")).unwrap();
    options.max_connections = database.options().unwrap().max_connections;
    options
}

async fn accept(listener: TcpListener, server: SocketAddr, shared: Arc<Shared>) -> io::Result<()> {
    let mut connections = JoinSet::new();
    loop {
        let (client, _) = listener.accept().await?;
        connections.spawn(carry(client, server, Arc::clone(&shared)));
    }
}

async fn carry(client: TcpStream, server: SocketAddr, shared: Arc<Shared>) -> io::Result<()> {
    let server = TcpStream::connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, to_server) = server.into_split();
    let commands = pass_commands(&mut from_client, to_server, &shared);
    let answers = tokio::io::copy(&mut from_server, &mut to_client);
    // Whichever ends first ends both: the connection is closed.
    let lost = tokio::select! {
        lost = commands => lost?,
        ended = answers => return ended.map(drop),
    };
    if lost {
        let mut answer = [0; 64];
        // Any part of it tells that the commit is done.
        let _read = from_server.read(&mut answer).await?;
    }
    Ok(())
}

/// Passes commands on until the client ends, or a commit is to be lost; answers whether the server
/// got that one, which it then is to answer.
async fn pass_commands(
    from: &mut OwnedReadHalf,
    mut to: OwnedWriteHalf,
    shared: &Shared,
) -> io::Result<bool> {
    loop {
        let mut packet = vec![0; 4];
        from.read_exact(&mut packet).await?;
        let length = u32::from_le_bytes([packet[0], packet[1], packet[2], 0]);
        let is_first = packet[3] == 0;
        packet.resize(4 + usize::try_from(length).unwrap(), 0);
        from.read_exact(&mut packet[4..]).await?;
        let command = is_first.then(|| read(&packet[4..]));
        let mut fate = NextCommit::Passed;
        if let Some(command) = command {
            if command == Command::Query("COMMIT".to_owned()) {
                fate = std::mem::take(&mut *shared.next_commit.lock().unwrap());
            }
            shared.commands.lock().unwrap().push(command);
        }
        match fate {
            NextCommit::LostBefore => return Ok(false),
            NextCommit::Held => std::future::pending::<()>().await,
            NextCommit::Passed | NextCommit::LostAfter => {}
        }
        to.write_all(&packet).await?;
        if fate == NextCommit::LostAfter {
            // The other half stays open in the caller until the answer was read.
            to.forget();
            return Ok(true);
        }
    }
}

fn read(payload: &[u8]) -> Command {
    let text = || String::from_utf8_lossy(&payload[1..]).into_owned();
    match payload.first() {
        Some(0x03) => Command::Query(text()),
        Some(0x16) => Command::Prepare(text()),
        Some(0x17) => Command::Execute,
        Some(other) => Command::Other(*other),
        None => Command::Other(0),
    }
}
