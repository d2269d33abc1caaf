//! What is answered to which path.

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chat_core::Chat;

use super::exposition::{CONTENT, Exposition};

/// The node, once there is one.
type Node = Arc<OnceLock<Chat>>;

/// All paths. Only GET and HEAD are answered, and no body of a request is read.
pub(super) fn routes(node: Node, exposition: Exposition) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz).with_state(node))
        .route("/metrics", get(metrics).with_state(exposition))
        .fallback(not_found)
        .method_not_allowed_fallback(not_allowed)
}

/// The process is alive: it answers.
async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether clients can be served, and why not, a line for each reason.
async fn readyz(State(node): State<Node>) -> Response {
    let reasons: Vec<String> = match node.get() {
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

async fn not_found() -> (StatusCode, &'static str) {
    (
        StatusCode::NOT_FOUND,
        "not found: there are /healthz, /readyz and /metrics\n",
    )
}

async fn not_allowed() -> (StatusCode, &'static str) {
    (StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are answered\n")
}
