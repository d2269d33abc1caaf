//! A server of one's own: JSON lines over TCP, messages in a SQLite file.

use std::sync::Arc;
use std::time::Duration;

use chat_adapters::sqlite::SqliteStore;
use chat_adapters::tcp;
use chat_core::ports::{Backends, Stores};
use chat_core::{Chat, memory};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::temp_dir().join(format!("chat-example-{}.db", std::process::id()));
    let store = Arc::new(SqliteStore::open(file.as_path()).await?);
    let backends = Backends {
        stores: Stores::of(store),
        ..memory::backends()
    };
    let chat = Chat::builder(backends).start();

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async move {
        let _ = stopped.await;
    };
    let client = async {
        let mut socket = BufReader::new(TcpStream::connect(address).await?);
        socket.write_all(b"{\"type\":\"ping\",\"ref\":1}\n").await?;
        let mut pong = String::new();
        socket.read_line(&mut pong).await?;
        assert!(pong.contains("pong"));
        drop(socket);
        let _ = stop.send(());
        chat.drain(Duration::ZERO).await;
        std::io::Result::Ok(())
    };
    let (_served, asked) = tokio::join!(tcp::serve(listener, chat.clone(), shutdown), client);
    asked?;
    chat.shutdown().await;
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", file.display()));
    }
    Ok(())
}

#[test]
fn it_runs() {
    main().expect("the program runs to its end");
}
