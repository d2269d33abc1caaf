//! After the commit: the senders get their answers, the sessions here and the other nodes hear of it.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::Node;
use super::author::Author;
use super::hub::topics_of;
use super::wakes::Wakes;
use super::writer::SendResult;
use crate::error::{BackendError, Error, ErrorCode};
use crate::ports::{Appended, NewMessage, Notice, NoticeKind};
use crate::protocol::{MessageView, Sent};
use crate::session::SharedMessage;
use crate::types::{MessageIdOrigin, Seq, SessionId, User};

/// What came of one submission.
pub(crate) struct Committed {
    pub(crate) message: NewMessage,
    pub(crate) author: Author,
    pub(crate) submitted_at: Instant,
    pub(crate) outcome: Result<Appended, BackendError>,
}

/// What came of one batch.
pub(crate) type Commit = Vec<Committed>;

/// Tells of one commit after the other. Ends when its shard's writer has.
pub(crate) async fn tell(node: Arc<Node>, mut commits: mpsc::Receiver<Commit>) {
    while let Some(commit) = commits.recv().await {
        let mut wakes = Wakes::default();
        let mut notices = Vec::with_capacity(2 * commit.len());
        let submitted_at: Vec<_> = commit.iter().map(|committed| committed.submitted_at).collect();
        for committed in commit {
            settle(&node, committed, &mut notices, &mut wakes);
        }
        drop(wakes);
        node.meters.sends_answered(&submitted_at);
        node.publisher.publish(notices);
    }
}

fn settle(node: &Node, committed: Committed, notices: &mut Vec<Notice>, wakes: &mut Wakes) {
    let Committed {
        message,
        author,
        submitted_at: _,
        outcome,
    } = committed;
    let own = match &outcome {
        Ok(Appended::Stored { seq }) => Some(*seq),
        Ok(Appended::Duplicate { .. }) => {
            node.meters.duplicates.increment(1);
            None
        }
        _ => None,
    };
    let (sender, session) = (author.user().clone(), author.session().id);
    let result = answer(node, &message, outcome);
    author.settle(&message, own, result, wakes);
    if let Some(seq) = own {
        node.meters.sends.add(1);
        announce(node, message, sender, seq, session, notices, wakes);
    }
}

fn answer(node: &Node, message: &NewMessage, outcome: Result<Appended, BackendError>) -> SendResult {
    let sent = |seq, at, duplicate| Sent {
        conversation: message.conversation,
        seq,
        at,
        id: message.id.clone(),
        duplicate,
    };
    match outcome {
        Ok(Appended::Stored { seq }) => Ok(sent(seq, message.at, false)),
        Ok(Appended::Duplicate { seq, at }) => Ok(sent(seq, at, true)),
        Ok(Appended::NotMember) => Err(Error::new(
            ErrorCode::Forbidden,
            "you are not a member of this group",
        )),
        Ok(Appended::NotFriends) => Err(Error::new(
            ErrorCode::Forbidden,
            "only friends can write to each other here",
        )),
        Ok(Appended::NotFound) if message.conversation.as_group().is_some() => {
            Err(Error::new(ErrorCode::NotFound, "there is no such group"))
        }
        Ok(Appended::NotFound) => Err(Error::new(ErrorCode::NotFound, "there is no such user")),
        Err(error) => Err(Error::from_backend(error, node.limits.retry_after)),
    }
}

fn announce(
    node: &Node,
    message: NewMessage,
    sender: User,
    seq: Seq,
    session: SessionId,
    notices: &mut Vec<Notice>,
    wakes: &mut Wakes,
) {
    let conversation = message.conversation;
    let view = MessageView {
        conversation,
        seq,
        from: sender,
        body: message.body,
        at: message.at,
        id: (message.id_origin == MessageIdOrigin::Client).then_some(message.id),
        data: message.data,
    };
    let Some(shared) = SharedMessage::new(view) else {
        return;
    };
    let session = Some(session);
    for topic in topics_of(conversation) {
        node.hub.message(topic, &shared, session, wakes);
        let kind = NoticeKind::Message {
            conversation,
            seq,
            session,
            frame: shared.frame(),
        };
        notices.push(Notice {
            topic,
            origin: node.id.clone(),
            kind,
        });
    }
}
