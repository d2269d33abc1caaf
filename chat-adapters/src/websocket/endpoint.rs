//! What a router lets clients in by.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, get};
use chat_core::types::UserId;
use chat_core::{Chat, Connection, GoodbyeCode, SessionOptions};
use ipnet::IpNet;

use super::forwarded::client_address;
use super::handshake::{Handshake, Refusal};
use super::links::{Admitted, Links};
use super::meters::{REFUSED, traffic};
use super::origin::Origin;
use super::pulse::Heartbeat;
use crate::link::Traffic;

/// Answers the requests of one path: those that ask for a WebSocket become connections of the chat.
///
/// Cheap to clone; all clones have the same connections. Dropping the last one, that of its
/// [`route`](Self::route) included, ends all of them at once.
#[derive(Clone, Debug)]
pub struct Endpoint {
    chat: Chat,
    options: Arc<Options>,
    links: Arc<Links>,
    traffic: Traffic,
}

#[derive(Clone, Debug)]
struct Options {
    origins: Vec<Origin>,
    proxies: Vec<IpNet>,
    heartbeat: Option<Heartbeat>,
}

impl Endpoint {
    /// An endpoint with the chat behind it.
    pub fn new(chat: Chat) -> Self {
        Self {
            chat,
            options: Arc::new(Options {
                origins: Vec::new(),
                proxies: Vec::new(),
                heartbeat: Some(Heartbeat::default()),
            }),
            links: Arc::new(Links::new()),
            traffic: traffic(),
        }
    }

    /// Sets which web pages may connect besides those of the host that is asked; none otherwise.
    ///
    /// Pages of any other origin are refused with 403, so that no page of somebody else can talk to
    /// the chat from within its visitor's network. Programs that are no browsers name no origin, and
    /// are let in.
    #[must_use]
    pub fn allow_origins(mut self, origins: impl IntoIterator<Item = Origin>) -> Self {
        self.options_mut().origins = origins.into_iter().collect();
        self
    }

    /// Sets the networks of the proxies whose `X-Forwarded-For` is believed; none otherwise.
    ///
    /// A connection from there counts as coming from the last address in it that is no such proxy.
    #[must_use]
    pub fn forwarded_from(mut self, proxies: impl IntoIterator<Item = IpNet>) -> Self {
        self.options_mut().proxies = proxies.into_iter().collect();
        self
    }

    /// Sets when a silent peer is asked whether it is still there, or that it never is; the
    /// [default](Heartbeat::default) otherwise.
    #[must_use]
    pub fn heartbeat(mut self, heartbeat: Option<Heartbeat>) -> Self {
        self.options_mut().heartbeat = heartbeat;
        self
    }

    fn options_mut(&mut self) -> &mut Options {
        Arc::make_mut(&mut self.options)
    }

    /// The endpoint as a route, for a path of any router.
    pub fn route<S: Clone + Send + Sync + 'static>(&self) -> MethodRouter<S> {
        let endpoint = self.clone();
        get(move |request: Request| std::future::ready(endpoint.answer(request)))
    }

    /// Answers one request, for handlers that have more to check before.
    ///
    /// The client's address is that of the request's [`ConnectInfo`], which
    /// [`into_make_service_with_connect_info`](axum::Router::into_make_service_with_connect_info)
    /// gives it; without it the limits for one address do not hold.
    pub fn answer(&self, request: Request) -> Response {
        self.open(request).unwrap_or_else(refused)
    }

    /// Answers one request of a user whom the application has authenticated itself: the connection begins with `welcome`.
    ///
    /// # Errors
    /// Those of [`Chat::accept_as`]: `not_found` for a user who does not exist, `unavailable` where the store cannot be
    /// reached or the node admits no connection. The application answers them in its own words.
    pub async fn answer_as(
        &self,
        user: UserId,
        options: SessionOptions,
        mut request: Request,
    ) -> Result<Response, chat_core::Error> {
        let handshake = match Handshake::read(&request, &self.options.origins) {
            Ok(handshake) => handshake,
            Err(refusal) => return Ok(refused(refusal)),
        };
        let address = self.address_of(&request);
        let upgrade = hyper::upgrade::on(&mut request);
        let connection = self.chat.accept_as(user, options, address).await?;
        self.links.serve(upgrade, self.admitted(connection));
        Ok(handshake.answer())
    }

    fn open(&self, mut request: Request) -> Result<Response, Refusal> {
        let handshake = Handshake::read(&request, &self.options.origins)?;
        let address = self.address_of(&request);
        let retry_after = self.chat.limits().retry_after;
        match self.chat.accept(address) {
            Ok(connection) => {
                let upgrade = hyper::upgrade::on(&mut request);
                self.links.serve(upgrade, self.admitted(connection));
            }
            Err(goodbye) if goodbye.code == GoodbyeCode::ServerDraining => {
                return Err(Refusal::Draining(retry_after));
            }
            Err(goodbye) => {
                let busy = Refusal::Busy(retry_after);
                let room = self.links.room_to_refuse().ok_or(busy)?;
                self.links.refuse(hyper::upgrade::on(&mut request), goodbye, room);
            }
        }
        Ok(handshake.answer())
    }

    fn admitted(&self, connection: Connection) -> Admitted {
        Admitted {
            connection,
            heartbeat: self.options.heartbeat,
            close_timeout: self.chat.limits().close_timeout,
            traffic: self.traffic.clone(),
        }
    }

    fn address_of(&self, request: &Request) -> Option<IpAddr> {
        let ConnectInfo(peer) = request.extensions().get::<ConnectInfo<SocketAddr>>()?;
        Some(client_address(
            peer.ip(),
            request.headers(),
            &self.options.proxies,
        ))
    }

    /// Waits until all connections have ended: call [`Chat::drain`] at the same time, which ends
    /// them. Cancel safe.
    pub async fn closed(&self) {
        self.links.ended().await;
    }
}

fn refused(refusal: Refusal) -> Response {
    REFUSED.count(&[refusal.name()]).increment(1);
    refusal.into_response()
}
