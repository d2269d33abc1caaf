//! What every request passes before a call comes of it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::{HeaderMap, Request, Response};
use tokio::time::timeout_at;
use tonic::Code;
use tonic::body::Body;
use tonic::codegen::Service as _;
use tonic::service::Routes;

use super::super::failure;
use super::budget::{Deadline, text};
use super::refusals::Refusals;

/// What the headers of a request may take, in bytes.
const HEADER_BYTES: usize = 16 * 1_024;
/// What a call gets beyond its deadline to answer by itself. Only a request that does not arrive takes longer.
const GRACE: Duration = Duration::from_secs(1);

/// The services as one connection sees them.
#[derive(Clone, Debug)]
pub(super) struct Entrance {
    pub(super) routes: Routes,
    pub(super) peer: SocketAddr,
    pub(super) refusals: Arc<Refusals>,
}

impl Entrance {
    async fn answer(mut self, mut request: Request<Incoming>) -> Response<Body> {
        if size(request.headers()) > HEADER_BYTES {
            let why = "its headers are too long";
            self.refusals.request(self.peer, "headers", &why);
            return failure::not_right(why).into_http();
        }
        let deadline = Deadline::of(request.headers());
        request.extensions_mut().insert(deadline);
        let Ok(answer) = timeout_at(deadline.0 + GRACE, self.routes.call(request)).await else {
            let why = "it was not whole within its time";
            self.refusals.request(self.peer, "late", &why);
            return failure::too_late(why).into_http();
        };
        let response = match answer {
            Ok(response) => response,
            Err(impossible) => match impossible {},
        };
        if let Some(why) = refused(response.headers()) {
            self.refusals.request(self.peer, "message", &why);
        }
        response
    }
}

impl hyper::service::Service<Request<Incoming>> for Entrance {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let entrance = self.clone();
        Box::pin(async move { Ok(entrance.answer(request).await) })
    }
}

fn size(headers: &HeaderMap) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum()
}

/// Why a request was answered before it came to a service, which tells more than a code.
fn refused(headers: &HeaderMap) -> Option<&'static str> {
    if headers.contains_key("grpc-status-details-bin") {
        return None;
    }
    match Code::from_bytes(text(headers, "grpc-status")?.as_bytes()) {
        Code::OutOfRange => Some("its message is too long"),
        Code::Internal | Code::InvalidArgument => Some("its message is damaged"),
        Code::Unimplemented => Some("it is for a call, or in an encoding, that is not known here"),
        _ => None,
    }
}
