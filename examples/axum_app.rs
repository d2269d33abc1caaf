//! The chat in an axum application that has a login of its own: who brings its token gets a WebSocket to the chat.

use std::error::Error;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use chat_adapters::jwt::{JwtKey, JwtRules, JwtVerifier};
use chat_adapters::websocket::Endpoint;
use chat_core::{Chat, SessionOptions, memory};
use futures_util::StreamExt as _;
use jsonwebtoken::{EncodingKey, Header, encode, get_current_timestamp};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

const SECRET: &[u8] = b"only the application knows this secret";
type App = Arc<(Chat, Endpoint, JwtVerifier)>;

async fn connect(State(app): State<App>, headers: HeaderMap, request: Request) -> Response {
    let (chat, endpoint, verifier) = &*app;
    let given = headers.get(AUTHORIZATION).and_then(|it| it.to_str().ok());
    let token = given.and_then(|it| it.strip_prefix("Bearer "));
    let Ok(user) = verifier.sign_in(chat, token.unwrap_or_default()).await else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    let options = SessionOptions::default();
    let answer = endpoint.answer_as(user, options, request).await;
    answer.unwrap_or_else(|_| StatusCode::SERVICE_UNAVAILABLE.into_response())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let chat = Chat::builder(memory::backends()).start();
    let endpoint = Endpoint::new(chat.clone());
    let verifier = JwtVerifier::new(vec![JwtKey::hs256(SECRET)?], JwtRules::default())?;
    let app: App = Arc::new((chat.clone(), endpoint.clone(), verifier));
    let routes = Router::new().route("/", get(async || "an application"));
    let server = routes.route("/chat", get(connect)).with_state(app);

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let client = async {
        let mut request = format!("ws://{address}/chat").into_client_request()?;
        let socket = TcpStream::connect(address).await?;
        let refused = client_async(request.clone(), socket).await.is_err();
        assert!(refused, "who brings no token is not let in");

        // What the application's own login gives out.
        let claims = serde_json::json!({"sub": "alice", "exp": get_current_timestamp() + 600});
        let token = encode(&Header::default(), &claims, &EncodingKey::from_secret(SECRET)?)?;
        let token = format!("Bearer {token}").parse()?;
        request.headers_mut().insert(AUTHORIZATION, token);
        let socket = TcpStream::connect(address).await?;
        let (mut socket, _) = client_async(request, socket).await?;
        let welcome = socket.next().await.ok_or("the server left")??;
        assert!(welcome.to_text()?.contains(r#"{"id":1,"name":"alice"}"#));
        Ok::<(), Box<dyn Error>>(())
    };
    tokio::select! {
        served = axum::serve(listener, server) => served?,
        asked = client => asked?,
    }
    tokio::join!(chat.shutdown(), endpoint.closed());
    Ok(())
}

#[test]
fn it_runs() {
    main().expect("the program runs to its end");
}
