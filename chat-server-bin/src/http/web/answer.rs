//! What is answered to a browser that asks for a file.

use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, IF_NONE_MATCH, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use sha2::{Digest as _, Sha256};

use super::files::File;

/// Everything comes from this server, no script or style stands in the page, no text becomes a script, and no other page
/// holds this one in a frame.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
);
/// What every answer has.
const HEADERS: [(HeaderName, HeaderValue); 6] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    // Kept, and asked for each time whether it is still right: after an upgrade no browser mixes old and new files.
    (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
];
/// Bytes of the digest that an entity tag has.
const TAG_BYTES: usize = 16;

/// A file with its entity tag.
#[derive(Clone, Debug)]
pub(super) struct Tagged {
    file: &'static File,
    tag: String,
}

impl Tagged {
    /// Makes the tag from the content, so that it is the same on all nodes of one version.
    pub(super) fn of(file: &'static File) -> Self {
        let digest = Sha256::digest(file.content);
        let digits: String = digest
            .iter()
            .take(TAG_BYTES)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Self {
            file,
            tag: format!("\"{digits}\""),
        }
    }
}

/// The file, or that the browser's copy of it is still right.
pub(super) fn answer(tagged: &Tagged, asked: &HeaderMap) -> Response {
    let tag = [(ETAG, tagged.tag.clone())];
    if has(asked, &tagged.tag) {
        return (StatusCode::NOT_MODIFIED, HEADERS, tag).into_response();
    }
    let media_type = [(CONTENT_TYPE, HeaderValue::from_static(tagged.file.media_type))];
    (HEADERS, tag, media_type, tagged.file.content).into_response()
}

/// Whether the browser has the file with this tag. A proxy that compresses answers makes tags weak.
fn has(asked: &HeaderMap, tag: &str) -> bool {
    let lists = asked.get_all(IF_NONE_MATCH).iter();
    let mut tags = lists
        .filter_map(|list| list.to_str().ok())
        .flat_map(|list| list.split(','))
        .map(str::trim);
    tags.any(|candidate| candidate == "*" || candidate.trim_start_matches("W/") == tag)
}
