//! A backend in this process, what it logs, and callers of it.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chat_adapters::grpc::Serve;
use chat_core::BackendError;
use chat_core::memory::MemoryStore;
use chat_core::ports::{AddFriend, FriendStore, RemoveFriend, Stores};
use chat_core::types::{User, UserId};
use hyper::Response;
use prost::Message as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, yield_now};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use tracing::Dispatch;
use tracing::subscriber::{DefaultGuard, NoSubscriber};

use crate::proto;
use crate::proto::friend_service_client::FriendServiceClient;
use crate::proto::user_service_client::UserServiceClient;

/// How long anything may take; only a failure ever waits that long.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(DEADLINE, future)
        .await
        .unwrap_or_else(|_| panic!("nothing happened for a minute"))
}

/// Waits until something is so.
pub(crate) async fn until(condition: impl Fn() -> bool) {
    within(async {
        while !condition() {
            yield_now().await;
        }
    })
    .await;
}

pub(crate) struct Backend {
    pub(crate) address: SocketAddr,
    pub(crate) stop: CancellationToken,
    pub(crate) serving: JoinHandle<io::Result<()>>,
}

impl Backend {
    pub(crate) async fn start() -> Self {
        Self::start_with(memory(), |serve| serve).await
    }

    #[expect(clippy::disallowed_methods, reason = "the test owns the handle")]
    pub(crate) async fn start_with(stores: Stores, options: impl FnOnce(Serve) -> Serve) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let serve = options(Serve::new(listener, stores));
        let serving = tokio::spawn(serve.until(stop.clone().cancelled_owned()));
        Self {
            address,
            stop,
            serving,
        }
    }

    pub(crate) async fn channel(&self) -> Channel {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.address)).unwrap();
        within(endpoint.connect()).await.unwrap()
    }

    /// A peer that says these bytes; answers what it hears until the backend hangs up.
    pub(crate) async fn says(&self, bytes: &[u8]) -> Vec<u8> {
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        // A backend that hangs up while it is still being spoken to resets the connection.
        let _ = within(socket.write_all(bytes)).await;
        let mut heard = Vec::new();
        let _ = within(socket.read_to_end(&mut heard)).await;
        heard
    }

    pub(crate) async fn end(self) {
        self.stop.cancel();
        within(self.serving).await.unwrap().unwrap();
    }
}

pub(crate) fn memory() -> Stores {
    Stores::of(Arc::new(MemoryStore::default()))
}

/// A node that calls all the time, and whose calls are all answered.
pub(crate) struct Good {
    answered: Arc<AtomicU64>,
    stop: CancellationToken,
    calling: JoinHandle<()>,
}

impl Good {
    #[expect(clippy::disallowed_methods, reason = "the test owns the handle")]
    pub(crate) fn start(channel: Channel) -> Self {
        let (answered, stop) = (Arc::<AtomicU64>::default(), CancellationToken::new());
        let (counter, stopped) = (Arc::clone(&answered), stop.clone());
        let calling = tokio::spawn(async move {
            let mut users = UserServiceClient::new(channel);
            while !stopped.is_cancelled() {
                let answer = users.users(proto::UsersRequest { ids: vec![1] });
                within(answer).await.unwrap();
                counter.fetch_add(1, Ordering::Relaxed);
            }
        });
        Self {
            answered,
            stop,
            calling,
        }
    }

    /// Waits until it was answered some more.
    pub(crate) async fn goes_on(&self) {
        let answered = self.answered.load(Ordering::Relaxed);
        until(|| self.answered.load(Ordering::Relaxed) >= answered + 10).await;
    }

    pub(crate) async fn end(self) {
        self.goes_on().await;
        self.stop.cancel();
        within(self.calling).await.unwrap();
    }
}

/// What is logged on this thread, a line each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    pub(crate) fn record() -> (Self, DefaultGuard) {
        // Where there is one subscriber, a place in the code that is reached first by a thread without it stays silent
        // for all threads.
        static OTHER: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(NoSubscriber::new()));
        LazyLock::force(&OTHER);
        let lines = Self::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_env_filter("off,chat_adapters=info")
            .with_writer(move || writer.clone())
            .finish();
        (lines, tracing::subscriber::set_default(subscriber))
    }

    pub(crate) fn all(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// Waits for the one line that tells of a refusal.
    pub(crate) async fn one(&self, parts: &[&str]) {
        until(|| !self.all().is_empty()).await;
        let lines = self.all();
        assert_eq!(lines.len(), 1, "{lines:#?}");
        for part in parts.iter().chain(&["WARN", "127.0.0.1"]) {
            assert!(lines[0].contains(part), "{part} in {lines:#?}");
        }
    }
}

/// Friends who are looked up for ever.
#[derive(Debug)]
pub(crate) struct Hanging {
    /// Look-ups under way, as permits.
    pub(crate) begun: Semaphore,
    /// Look-ups that were dropped, as permits.
    pub(crate) dropped: Semaphore,
    /// Lets them end.
    pub(crate) go: CancellationToken,
}

impl Hanging {
    pub(crate) fn stores() -> (Arc<Self>, Stores) {
        let hanging = Arc::new(Self {
            begun: Semaphore::new(0),
            dropped: Semaphore::new(0),
            go: CancellationToken::new(),
        });
        let stores = Stores {
            friends: Arc::clone(&hanging) as _,
            ..memory()
        };
        (hanging, stores)
    }
}

#[async_trait]
impl FriendStore for Hanging {
    async fn add_friend(&self, _: UserId, _: UserId, _: usize) -> Result<AddFriend, BackendError> {
        Ok(AddFriend::Added)
    }

    async fn remove_friend(&self, _: UserId, _: UserId) -> Result<RemoveFriend, BackendError> {
        panic!("a defect of a store");
    }

    async fn friends(&self, _: UserId) -> Result<Vec<User>, BackendError> {
        struct Told<'a>(&'a Semaphore);
        impl Drop for Told<'_> {
            fn drop(&mut self) {
                self.0.add_permits(1);
            }
        }
        let _told = Told(&self.dropped);
        self.begun.add_permits(1);
        self.go.cancelled().await;
        Ok(Vec::new())
    }
}

/// The reason that comes with a failure, and its code.
pub(crate) fn reason(status: &Status) -> (Code, String) {
    let info = status.get_details_error_info();
    (status.code(), info.map(|info| info.reason).unwrap_or_default())
}

pub(crate) fn friends_of(user: u64) -> proto::FriendsRequest {
    proto::FriendsRequest { user }
}

/// A look-up that is under way.
#[expect(clippy::disallowed_methods, reason = "the test owns the handle")]
pub(crate) fn look_up(channel: &Channel) -> JoinHandle<Result<(), Status>> {
    let mut friends = FriendServiceClient::new(channel.clone());
    tokio::spawn(async move { friends.friends(friends_of(1)).await.map(drop) })
}

/// A look-up with headers of one's own choice, without a library that knows what gRPC is.
#[expect(clippy::disallowed_methods, reason = "the connection ends with the backend")]
pub(crate) async fn raw_look_up(address: SocketAddr, headers: &[(&str, &str)]) -> Response<h2::RecvStream> {
    let socket = TcpStream::connect(address).await.unwrap();
    let (mut send, connection) = within(h2::client::handshake(socket)).await.unwrap();
    tokio::spawn(connection);
    let mut request = hyper::Request::post("http://backend/chat.backend.v1.FriendService/Friends")
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send = within(send.ready()).await.unwrap();
    let (answer, mut body) = send.send_request(request.body(()).unwrap(), false).unwrap();
    let message = friends_of(1).encode_to_vec();
    let mut frame = vec![0, 0, 0, 0, u8::try_from(message.len()).unwrap()];
    frame.extend(message);
    body.send_data(frame.into(), true).unwrap();
    within(answer).await.unwrap()
}
