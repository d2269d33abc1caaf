//! One connection: what is read from it, and what is written to it.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use chat_core::{Clock as _, SystemClock};
use memchr::memchr;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use crate::Answer;
use crate::directory::{Direct, Directory, User};
use crate::frames::{From, Kind, Message, Request, Sent, Target, line};
use crate::group::{Group, Post};

/// Frames that wait for a socket.
const WAITING: usize = 256;
/// How many bytes are read at once.
const READ_BYTES: usize = 16_384;
/// A token is this and the user's id.
const TOKEN: &str = "user-";

/// Reads frames until the peer is done.
pub(crate) async fn read(mut socket: OwnedReadHalf, mut session: Session) -> anyhow::Result<()> {
    let mut buffer = Vec::with_capacity(READ_BYTES);
    loop {
        buffer.reserve(READ_BYTES);
        if socket.read_buf(&mut buffer).await? == 0 {
            return Ok(());
        }
        let mut rest = buffer.as_slice();
        while let Some((frame, later)) = memchr(b'\n', rest).and_then(|end| rest.split_at_checked(end + 1)) {
            session.take(frame).await?;
            rest = later;
        }
        let taken = buffer.len() - rest.len();
        buffer.drain(..taken);
    }
}

/// Writes all that waits in one piece, until nobody is left who could send more.
pub(crate) async fn write(mut socket: OwnedWriteHalf, mut inbox: mpsc::Receiver<Bytes>) -> io::Result<()> {
    let (mut frames, mut bytes) = (Vec::with_capacity(WAITING), Vec::new());
    while inbox.recv_many(&mut frames, WAITING).await > 0 {
        bytes.clear();
        for frame in frames.drain(..) {
            bytes.extend_from_slice(&frame);
        }
        socket.write_all(&bytes).await?;
    }
    Ok(())
}

/// What a connection knows.
#[derive(Debug)]
pub(crate) struct Session {
    directory: Arc<Directory>,
    tasks: TaskTracker,
    answer: Answer,
    outbox: mpsc::Sender<Bytes>,
    user: Option<Arc<User>>,
    /// Whom it has written to.
    peers: HashMap<u64, (Arc<User>, Arc<Direct>)>,
}

impl Session {
    /// A session that is not logged in, and what is to be written to its socket.
    pub(crate) fn new(
        directory: Arc<Directory>,
        tasks: TaskTracker,
        answer: Answer,
    ) -> (Self, mpsc::Receiver<Bytes>) {
        let (outbox, inbox) = mpsc::channel(WAITING);
        let session = Self {
            directory,
            tasks,
            answer,
            outbox,
            user: None,
            peers: HashMap::new(),
        };
        (session, inbox)
    }

    async fn take(&mut self, frame: &[u8]) -> anyhow::Result<()> {
        let request: Request<'_> = serde_json::from_slice(frame)?;
        match request.kind {
            Kind::Send => self.relay(&request).await,
            Kind::Ack if request.reference.is_none() => Ok(()),
            _ => self.reply(&request).await,
        }
    }

    /// Passes a message on.
    async fn relay(&mut self, request: &Request<'_>) -> anyhow::Result<()> {
        let sender = self.user.clone().context("a message before the login")?;
        match request.to.context("a message for nobody")? {
            Target::User(id) => self.relay_to_user(request, &sender, id).await,
            Target::Group(id) => {
                let group = self.directory.group(id).context("no such group")?;
                let post = Post {
                    sender,
                    body: request.body.clone().into_owned(),
                    id: request.id.map(ToOwned::to_owned),
                };
                group.post(post).await;
                Ok(())
            }
        }
    }

    async fn relay_to_user(&mut self, request: &Request<'_>, sender: &User, id: u64) -> anyhow::Result<()> {
        if !self.peers.contains_key(&id) {
            let receiver = self.directory.user(id).context("no such user")?;
            let direct = self.directory.direct(sender.id, id);
            self.peers.insert(id, (receiver, direct));
        }
        let (receiver, direct) = self.peers.get(&id).context("it has just been put there")?;
        let (seq, at) = (direct.next_seq(), SystemClock.now().as_millis());
        let message = Message {
            conversation: &direct.id,
            seq,
            from: From {
                id: sender.id,
                name: &sender.name,
            },
            body: &request.body,
            at,
            id: request.id,
        };
        receiver.deliver(line(&message)?).await;
        if self.answer == Answer::Sent {
            let sent = Sent {
                conversation: &direct.id,
                seq,
                at,
                id: request.id,
                reference: request.reference,
            };
            self.outbox.send(line(&sent)?).await?;
        }
        Ok(())
    }

    /// Answers all other requests as a server would that agrees to everything.
    async fn reply(&mut self, request: &Request<'_>) -> anyhow::Result<()> {
        let mut reply = match request.kind {
            Kind::Register => match self.directory.register(&request.name) {
                Some(user) => json!({"type": "registered", "user": {"id": user.id, "name": user.name}}),
                None => json!({"type": "error", "code": "name_taken", "message": "the name is taken"}),
            },
            Kind::Login => self.log_in(request)?,
            Kind::CreateGroup => self.create_group(request)?,
            Kind::JoinGroup => self.join_group(request)?,
            Kind::Ack => json!({"type": "acked"}),
            Kind::Ping => json!({"type": "pong", "at": SystemClock.now().as_millis()}),
            Kind::Send | Kind::Other => bail!("the relay knows no such request"),
        };
        if let (Some(reference), Some(fields)) = (request.reference, reply.as_object_mut()) {
            fields.insert("ref".to_owned(), serde_json::from_str(reference.get())?);
        }
        self.outbox.send(line(&reply)?).await?;
        if request.kind == Kind::Login {
            self.outbox.send(line(&json!({"type": "synced"}))?).await?;
        }
        Ok(())
    }

    /// Logs in by name, id or token; passwords are not looked at.
    fn log_in(&mut self, request: &Request<'_>) -> anyhow::Result<serde_json::Value> {
        let id = match (request.token.strip_prefix(TOKEN), request.id) {
            (Some(id), _) => Some(id),
            (None, id) => id.map(serde_json::value::RawValue::get),
        };
        let user = match id {
            Some(id) => self.directory.user(id.parse()?),
            None => self.directory.user_by_name(&request.name),
        };
        let user = user.context("no such user")?;
        user.log_in(self.outbox.clone());
        let welcome = json!({
            "type": "welcome", "user": {"id": user.id, "name": user.name}, "device": "default",
            "token": format!("{TOKEN}{}", user.id), "token_expires_at": i64::from(u32::MAX) * 1_000,
            "friends": [], "groups": [],
        });
        self.user = Some(user);
        Ok(welcome)
    }

    fn create_group(&self, request: &Request<'_>) -> anyhow::Result<serde_json::Value> {
        let creator = self.user.as_ref().context("a group before the login")?;
        let group = self.directory.add_group(|id| {
            let (group, work) = Group::new(id, &request.name);
            self.tasks.spawn(work);
            group
        });
        let members = group.join(creator);
        Ok(json!({"type": "group_created", "group": {
            "id": group.id, "name": group.name, "description": "", "role": "creator", "members": members,
        }}))
    }

    fn join_group(&self, request: &Request<'_>) -> anyhow::Result<serde_json::Value> {
        let member = self.user.as_ref().context("a group before the login")?;
        let id = request.group.context("no group to join")?;
        let group = self.directory.group(id).context("no such group")?;
        let members = group.join(member);
        Ok(json!({"type": "group_joined", "group": {
            "id": group.id, "name": group.name, "description": "", "role": "normal", "members": members,
        }}))
    }
}
