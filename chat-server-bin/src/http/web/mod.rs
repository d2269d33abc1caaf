//! The web client: its files, which are compiled in, with what browsers are told beside them.

mod answer;
mod files;

use std::future::ready;

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::get;

use answer::{Tagged, answer};
use files::FILES;

/// The paths of all files.
pub(super) fn routes() -> Router {
    FILES.iter().fold(Router::new(), |routes, file| {
        let tagged = Tagged::of(file);
        routes.route(
            file.path,
            get(move |headers: HeaderMap| ready(answer(&tagged, &headers))),
        )
    })
}
