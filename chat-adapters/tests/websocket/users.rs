//! Users whom the application has authenticated before their handshake.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::ORIGIN;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use chat_adapters::websocket::Endpoint;
use chat_core::types::UserId;
use chat_core::{Chat, Limits, SessionOptions, memory};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::fixture::Server;

/// What stands for the application's own login: it believes whoever names an id.
const USER: HeaderName = HeaderName::from_static("x-user");

async fn answer(State(endpoint): State<Endpoint>, headers: HeaderMap, request: Request) -> Response {
    let id: UserId = headers[USER].to_str().unwrap().parse().unwrap();
    match endpoint.answer_as(id, SessionOptions::default(), request).await {
        Ok(answer) => answer,
        Err(error) => (StatusCode::FORBIDDEN, error.code().as_str()).into_response(),
    }
}

/// A server whose one user, alice, has the id 1.
async fn server(limits: Limits) -> Server {
    let chat = Chat::builder(memory::backends()).limits(limits).start();
    chat.ensure_user("alice".parse().unwrap()).await.unwrap();
    let endpoint = Endpoint::new(chat.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new()
        .route("/ws", get(answer))
        .with_state(endpoint.clone());
    let mut serving = JoinSet::new();
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    serving.spawn(async move { axum::serve(listener, app).await });
    Server {
        chat,
        address,
        endpoint,
        serving,
    }
}

#[tokio::test]
async fn the_connection_of_an_authenticated_user_begins_with_a_welcome_and_no_token() {
    let server = server(Limits::default()).await;
    let mut client = server
        .asked(&[(USER, "1")])
        .await
        .unwrap_or_else(|answer| panic!("{answer:?}"));
    let welcome = client.frame().await;
    assert_eq!(welcome["type"], "welcome");
    assert_eq!(welcome["user"], json!({"id": 1, "name": "alice"}));
    assert_eq!(welcome.get("token"), None);
    assert_eq!(client.frame().await["type"], "synced");
    client.ping().await;
    server.end().await;
}

#[tokio::test]
async fn a_user_who_does_not_exist_and_one_too_many_are_the_applications_to_answer() {
    let limits = Limits {
        connections: 1,
        ..Limits::default()
    };
    let server = server(limits).await;
    let refusal = async |user| {
        let answer = server.asked(&[(USER, user)]).await.err().unwrap();
        (answer.status(), answer.into_body().unwrap())
    };
    assert_eq!(
        refusal("77").await,
        (StatusCode::FORBIDDEN, b"not_found".to_vec())
    );
    server.has_connections(0).await;
    let client = server.asked(&[(USER, "1")]).await.ok().unwrap();
    assert_eq!(
        refusal("1").await,
        (StatusCode::FORBIDDEN, b"unavailable".to_vec())
    );
    drop(client);
    server.end().await;
}

#[tokio::test]
async fn authenticated_users_count_among_the_connections_of_their_address() {
    let limits = Limits {
        connections_per_address: 1,
        ..Limits::default()
    };
    let server = server(limits).await;
    let first = server.asked(&[(USER, "1")]).await.ok().unwrap();
    let second = server.asked(&[(USER, "1")]).await.err().unwrap();
    assert_eq!(second.into_body().unwrap(), b"unavailable");
    drop(first);
    server.end().await;
}

#[tokio::test]
async fn a_web_page_of_another_site_is_refused_though_its_visitor_is_authenticated() {
    let server = server(Limits::default()).await;
    let from_elsewhere = [(USER, "1"), (ORIGIN, "https://elsewhere.example")];
    let answer = server.asked(&from_elsewhere).await.err().unwrap();
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert_eq!(server.chat.session_count(), 0);
    server.end().await;
}
