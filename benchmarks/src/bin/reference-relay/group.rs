//! One group: its task gives out numbers and writes the same bytes to all members.

use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use chat_core::{Clock as _, SystemClock};
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use crate::directory::User;
use crate::frames::{From, Message, line};

/// Messages that wait for the group's task.
const WAITING: usize = 256;

type Members = Arc<RwLock<Vec<Arc<User>>>>;

/// A message on its way to a group.
#[derive(Debug)]
pub(crate) struct Post {
    pub(crate) sender: Arc<User>,
    pub(crate) body: String,
    pub(crate) id: Option<Box<RawValue>>,
}

/// A group as its members know it.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) id: u64,
    pub(crate) name: String,
    members: Members,
    posts: mpsc::Sender<Post>,
}

impl Group {
    /// A group, and the work that a task has to do for it.
    pub(crate) fn new(id: u64, name: &str) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (posts, waiting) = mpsc::channel(WAITING);
        let members = Members::default();
        let work = fan_out(format!("g:{id}"), Arc::clone(&members), waiting);
        let group = Self {
            id,
            name: name.to_owned(),
            members,
            posts,
        };
        (group, work)
    }

    /// Adds a member, and answers how many there are.
    pub(crate) fn join(&self, user: &Arc<User>) -> usize {
        let mut members = self.members.write().unwrap_or_else(PoisonError::into_inner);
        if !members.iter().any(|member| member.id == user.id) {
            members.push(Arc::clone(user));
        }
        members.len()
    }

    pub(crate) async fn post(&self, post: Post) {
        // The task lives as long as the group.
        self.posts.send(post).await.ok();
    }
}

/// Gives every member all messages that wait, so that each is woken once for them.
async fn fan_out(conversation: String, members: Members, mut waiting: mpsc::Receiver<Post>) {
    let (mut posts, mut frames, mut last_seq) = (Vec::new(), Vec::new(), 0);
    while waiting.recv_many(&mut posts, WAITING).await > 0 {
        for post in posts.drain(..) {
            last_seq += 1;
            frames.extend(encode(&conversation, last_seq, &post).map(|frame| (post.sender.id, frame)));
        }
        let everybody = members.read().unwrap_or_else(PoisonError::into_inner).clone();
        for member in everybody {
            for (_, frame) in frames.iter().filter(|(sender, _)| *sender != member.id) {
                member.deliver(frame.clone()).await;
            }
        }
        frames.clear();
    }
}

fn encode(conversation: &str, seq: u64, post: &Post) -> Option<Bytes> {
    let message = Message {
        conversation,
        seq,
        from: From {
            id: post.sender.id,
            name: &post.sender.name,
        },
        body: &post.body,
        at: SystemClock.now().as_millis(),
        id: post.id.as_deref(),
    };
    // It can always be encoded.
    line(&message).ok()
}
