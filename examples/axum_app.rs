//! The chat in an axum application that has routes of its own: WebSocket at one more path.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use chat_adapters::websocket::Endpoint;
use chat_core::{Chat, memory};
use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let chat = Chat::builder(memory::backends()).start();
    let endpoint = Endpoint::new(chat.clone());
    let app = Router::new()
        .route("/", get(async || "an application"))
        .route("/chat", endpoint.route());

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async move {
        let _ = stopped.await;
    };
    // The clients' addresses are what connections and failed logins are limited by.
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    let server = async { axum::serve(listener, app).with_graceful_shutdown(shutdown).await };
    let client = async {
        let socket = TcpStream::connect(address).await?;
        let (mut socket, _) = client_async(format!("ws://{address}/chat"), socket).await?;
        socket.send(Message::text(r#"{"type":"ping","ref":1}"#)).await?;
        let pong = socket.next().await.ok_or("the server left")??;
        assert!(pong.to_text()?.contains("pong"));
        drop(socket);

        let _ = stop.send(());
        chat.drain(Duration::ZERO).await;
        endpoint.closed().await;
        Ok::<(), Box<dyn Error>>(())
    };
    let (served, asked) = tokio::join!(server, client);
    served?;
    asked?;
    chat.shutdown().await;
    Ok(())
}

#[test]
fn it_runs() {
    main().expect("the program runs to its end");
}
