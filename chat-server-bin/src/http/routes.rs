//! What is answered to which path.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{CONNECTION, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chat_core::Chat;

use super::exposition::{CONTENT, Exposition};
use super::{Behind, Page, web};

/// All paths. Only GET and HEAD are answered, and no body of a request is read.
pub(super) fn routes(behind: Arc<Behind>, exposition: Exposition, page: Page) -> Router {
    let of_the_page = match page {
        Page::Served => web::routes(),
        Page::Absent => Router::new(),
    };
    of_the_page
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz).with_state(Arc::clone(&behind)))
        .route("/metrics", get(metrics).with_state(exposition))
        .route("/ws", get(websocket).with_state(behind))
        .fallback(not_found)
        .method_not_allowed_fallback(not_allowed)
        .layer(map_response(last_of_its_connection))
}

/// A connection answers one request, or becomes a client's.
async fn last_of_its_connection(mut response: Response) -> Response {
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
    }
    response
}

/// The process is alive: it answers.
async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether clients can be served, and why not, a line for each reason.
async fn readyz(State(behind): State<Arc<Behind>>) -> Response {
    let reasons: Vec<String> = match behind.chat.get() {
        None => vec!["starting".to_owned()],
        Some(chat) => reasons_of(chat),
    };
    if reasons.is_empty() {
        "ready\n".into_response()
    } else {
        let lines: String = reasons.iter().map(|reason| format!("{reason}\n")).collect();
        (StatusCode::SERVICE_UNAVAILABLE, lines).into_response()
    }
}

fn reasons_of(chat: &Chat) -> Vec<String> {
    let readiness = chat.readiness();
    readiness.reasons.iter().map(ToString::to_string).collect()
}

async fn metrics(State(exposition): State<Exposition>) -> Response {
    ([(CONTENT_TYPE, CONTENT)], exposition.render()).into_response()
}

/// A client that comes by WebSocket. A backend has none.
async fn websocket(State(behind): State<Arc<Behind>>, request: Request) -> Response {
    match behind.websockets.get() {
        Some(websockets) => websockets.answer(request),
        None => (StatusCode::SERVICE_UNAVAILABLE, "no clients are let in\n").into_response(),
    }
}

async fn not_found() -> (StatusCode, &'static str) {
    (
        StatusCode::NOT_FOUND,
        "not found: there are /healthz, /readyz, /metrics and /ws\n",
    )
}

async fn not_allowed() -> (StatusCode, &'static str) {
    (StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are answered\n")
}
