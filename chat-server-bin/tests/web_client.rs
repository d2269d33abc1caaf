//! The files of the web client as any HTTP client gets them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod support;

use std::net::SocketAddr;

use support::Server;
use support::http::{Answer, ask, get, read, send};

const OPEN: &[&str] = &["--store", "memory:", "--http", "127.0.0.1:0"];
const PATHS: [(&str, &str); 4] = [
    ("/", "text/html; charset=utf-8"),
    ("/web/main.js", "text/javascript; charset=utf-8"),
    ("/web/style.css", "text/css; charset=utf-8"),
    ("/web/icon.svg", "image/svg+xml"),
];

fn get_if_changed(address: SocketAddr, path: &str, tags: &str) -> Answer {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nIf-None-Match: {tags}\r\n\r\n");
    read(&send(address, request.as_bytes()).unwrap()).unwrap()
}

#[test]
fn every_file_comes_with_its_type_and_with_what_keeps_strangers_out() {
    let server = Server::start(OPEN);
    for (path, media_type) in PATHS {
        let answer = get(server.http(), path);
        assert_eq!(answer.status, 200, "{path}");
        let header = |name| answer.header(name).unwrap_or_default();
        assert_eq!(header("content-type"), media_type, "{path}");
        assert_eq!(header("content-length"), answer.body.len().to_string(), "{path}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(header("cross-origin-opener-policy"), "same-origin", "{path}");
        assert_eq!(header("cross-origin-resource-policy"), "same-origin", "{path}");
        let policy = header("content-security-policy");
        let directives: Vec<&str> = policy.split("; ").collect();
        for directive in [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self'",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        ] {
            assert!(directives.contains(&directive), "{path}: {directive} in {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
    }
}

#[test]
fn a_copy_that_is_still_right_is_not_sent_again() {
    let server = Server::start(OPEN);
    let mut tags = Vec::new();
    for (path, _) in PATHS {
        let first = get(server.http(), path);
        assert_eq!(first.header("cache-control"), Some("no-cache"), "{path}");
        let tag = first.header("etag").unwrap().to_owned();
        for asked in [tag.clone(), format!("\"other\", W/{tag}"), "*".to_owned()] {
            let again = get_if_changed(server.http(), path, &asked);
            assert_eq!((again.status, again.body.as_str()), (304, ""), "{path} {asked}");
            assert_eq!(again.header("etag"), Some(tag.as_str()), "{path}");
            // What was told of the copy still holds.
            for name in ["cache-control", "content-security-policy"] {
                assert_eq!(again.header(name), first.header(name), "{path} {name}");
            }
        }
        let changed = get_if_changed(server.http(), path, "\"other\"");
        assert_eq!((changed.status, &changed.body), (200, &first.body), "{path}");
        tags.push(tag);
    }
    // A tag is of the content, so that another node or another start gives the same one, and another file does not.
    let other = Server::start(OPEN);
    let again: Vec<String> = PATHS
        .iter()
        .map(|(path, _)| get(other.http(), path).header("etag").unwrap().to_owned())
        .collect();
    assert_eq!(again, tags);
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), PATHS.len());
}

#[test]
fn the_page_asks_for_files_that_are_there_and_for_no_others() {
    let server = Server::start(OPEN);
    let (mut waiting, mut seen) = (vec!["/".to_owned()], Vec::new());
    let mut bytes = 0;
    while let Some(path) = waiting.pop() {
        let answer = get(server.http(), &path);
        assert_eq!(answer.status, 200, "{path}");
        bytes += answer.body.len();
        for (before, base) in [("from \"./", "/web/"), ("href=\"", "/"), ("src=\"", "/")] {
            for (_, rest) in answer
                .body
                .match_indices(before)
                .map(|(at, found)| answer.body.split_at(at + found.len()))
            {
                let found = format!("{base}{}", rest.split('"').next().unwrap());
                if !seen.contains(&found) {
                    seen.push(found.clone());
                    waiting.push(found);
                }
            }
        }
        assert!(bytes < 150 * 1_024, "{bytes}");
    }
    assert!(seen.len() > 20, "{seen:?}");
}

#[test]
fn only_get_and_head_are_answered_and_other_files_are_not_there() {
    let server = Server::start(OPEN);
    for (path, _) in PATHS {
        assert_eq!(ask(server.http(), "POST", path).status, 405, "{path}");
        let head = ask(server.http(), "HEAD", path);
        assert_eq!((head.status, head.body.as_str()), (200, ""), "{path}");
        assert!(head.header("etag").is_some() && head.header("content-security-policy").is_some());
    }
    for path in [
        "/web",
        "/web/",
        "/web/none.js",
        "/web/../Cargo.toml",
        "/web/%2e%2e/Cargo.toml",
        "/index.html",
    ] {
        assert_eq!(get(server.http(), path).status, 404, "{path}");
    }
}

#[test]
fn switched_off_there_is_no_page() {
    let server = Server::start(&[OPEN, &["--web-client=false"]].concat());
    assert_eq!(get(server.http(), "/").status, 404);
    assert_eq!(get(server.http(), "/web/main.js").status, 404);
    assert_eq!(get(server.http(), "/healthz").status, 200);
}
