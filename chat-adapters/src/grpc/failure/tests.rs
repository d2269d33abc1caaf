//! The table at the head of `proto/backend.proto`, line by line, and failures of real connections.

use std::pin::pin;
use std::sync::Arc;

use BackendErrorKind::{Broken, NotDone, Unknown};

use bytes::Bytes;
use chat_core::ports::UserSelector;
use tokio::io::DuplexStream;

use super::super::conversion::Wire as _;
use super::super::proto;
use super::*;

/// What a caller is told of a status, as it comes out of a connection.
fn received(status: Status) -> BackendError {
    let headers = status.into_http::<()>();
    of_call(&Status::from_header_map(headers.headers()).unwrap())
}

#[test]
fn a_failure_of_the_store_is_the_same_kind_of_failure_at_the_caller() {
    let cases = [
        (BackendError::not_done("no connection"), Code::Unavailable),
        (BackendError::unknown("cut off"), Code::Aborted),
        (BackendError::broken("bad row"), Code::Internal),
    ];
    for (error, code) in cases {
        let status = of_store(&error);
        assert_eq!(status.code(), code);
        let back = received(status);
        assert_eq!(back.kind(), error.kind());
        let told = chain(&back);
        assert!(told.contains(&error.to_string()), "{told}");
    }
    assert_eq!(received(not_done("the call is late")).kind(), NotDone);
    assert_eq!(received(too_late("no answer in time")).kind(), Unknown);
    let status = Status::from(UserSelector::from_wire(proto::CredentialsRequest { user: None }).unwrap_err());
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(received(status).kind(), Broken);
}

#[test]
fn the_code_decides_where_no_known_reason_comes_with_it() {
    let codes = (0..=16).map(Code::from_i32).map(|code| (code, of_code(code)));
    for (code, kind) in codes {
        let expected = match i32::from(code) {
            // Invalid argument, resource exhausted, failed precondition, out of range, unimplemented, internal, data loss.
            3 | 8 | 9 | 11 | 12 | 13 | 15 => Broken,
            // Permission denied, unauthenticated.
            7 | 16 => NotDone,
            _ => Unknown,
        };
        assert_eq!(kind, expected, "{code:?}");
        let info = |reason, domain| ErrorDetails::with_error_info(reason, domain, HashMap::new());
        let statuses = [
            Status::new(code, "as a proxy answers"),
            Status::with_details(code, "not even a message", vec![0xff_u8; 9].into()),
            Status::with_error_details(code, "of a later version", info("POSTPONED", DOMAIN)),
            Status::with_error_details(code, "of another service", info(NOT_DONE, "example.com")),
        ];
        for status in statuses {
            assert_eq!(received(status).kind(), expected, "{code:?}");
        }
        for (reason, kind) in [
            (NOT_DONE, NotDone),
            (MAY_HAVE_HAPPENED, Unknown),
            (BROKEN, Broken),
        ] {
            let status = Status::with_error_details(code, "with a reason", info(reason, DOMAIN));
            assert_eq!(received(status).kind(), kind, "{code:?} {reason}");
        }
    }
}

/// A status that this side makes of a failure of the connection.
fn transport(code: Code, error: impl StdError + Send + Sync + 'static) -> Status {
    let mut status = Status::new(code, "transport error");
    status.set_source(Arc::new(error));
    status
}

#[test]
fn a_connection_that_was_not_made_did_nothing() {
    let refused = ConnectError(std::io::Error::from(std::io::ErrorKind::ConnectionRefused).into());
    assert_eq!(of_call(&transport(Code::Unavailable, refused)).kind(), NotDone);
    let reset = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    for code in [
        Code::Unknown,
        Code::Internal,
        Code::Unavailable,
        Code::PermissionDenied,
    ] {
        let reset = std::io::Error::from(reset.kind());
        assert_eq!(of_call(&transport(code, reset)).kind(), Unknown, "{code:?}");
    }
}

/// How a request fails whose peer does this with it.
async fn request_to(peer: impl AsyncFnOnce(h2::server::Connection<DuplexStream, Bytes>)) -> h2::Error {
    let (near, far) = tokio::io::duplex(64 * 1_024);
    let peer = async {
        let connection = h2::server::handshake(far).await.unwrap();
        peer(connection).await;
    };
    let caller = async {
        let (mut send, mut connection) = h2::client::handshake(near).await.unwrap();
        let request = hyper::Request::post("http://backend/").body(()).unwrap();
        let (answer, _body) = send.send_request(request, true).unwrap();
        let mut answer = pin!(answer);
        tokio::select! {
            answer = answer.as_mut() => answer.unwrap_err(),
            _ = &mut connection => answer.await.unwrap_err(),
        }
    };
    tokio::join!(peer, caller).1
}

/// Takes the next request and breaks it off for this reason.
async fn break_off(mut connection: h2::server::Connection<DuplexStream, Bytes>, reason: h2::Reason) {
    let (_request, mut respond) = connection.accept().await.unwrap().unwrap();
    respond.send_reset(reason);
    while connection.accept().await.is_some() {}
}

#[tokio::test]
async fn a_backend_that_turns_a_call_away_did_nothing() {
    let refused = request_to(async |connection| break_off(connection, h2::Reason::REFUSED_STREAM).await);
    let status = transport(Code::Unavailable, refused.await);
    assert_eq!(of_call(&status).kind(), NotDone);
    // Goodbye, before it has looked at any request.
    let goodbye = request_to(async |mut connection| {
        connection.abrupt_shutdown(h2::Reason::NO_ERROR);
        while connection.accept().await.is_some() {}
    });
    let goodbye = goodbye.await;
    assert!(goodbye.is_go_away(), "{goodbye:?}");
    assert_eq!(of_call(&transport(Code::Internal, goodbye)).kind(), NotDone);
    for reason in [
        h2::Reason::INTERNAL_ERROR,
        h2::Reason::CANCEL,
        h2::Reason::NO_ERROR,
    ] {
        let broken_off = request_to(async |connection| break_off(connection, reason).await).await;
        assert_eq!(
            of_call(&transport(Code::Internal, broken_off)).kind(),
            Unknown,
            "{reason:?}"
        );
    }
}

#[test]
fn texts_are_bounded_on_both_sides() {
    let long = "é".repeat(100_000);
    let status = of_store(&BackendError::not_done(long.clone()));
    assert_eq!(status.message().len(), MESSAGE_BYTES);
    let error = of_call(&Status::unknown(long));
    let told = chain(&error);
    assert!(
        told.contains('é') && told.len() < MESSAGE_BYTES + 100,
        "{}",
        told.len()
    );
}
