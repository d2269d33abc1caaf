//! After the commit: the senders get their answers, the sessions here and the other nodes hear of it.

use std::sync::Arc;

use tokio::time::Instant;

use super::Node;
use super::author::Author;
use super::hooks::Happened;
use super::hub::topics_of;
use super::wakes::Wakes;
use super::writer::{SendResult, Submission};
use crate::error::{BackendError, Error, ErrorCode};
use crate::ports::{Appended, NewMessage, Notice, NoticeKind};
use crate::protocol::{MessageView, Sent};
use crate::session::{SessionShared, SharedMessage};
use crate::types::{MessageIdOrigin, Seq};

/// What came of one message.
pub(crate) type Outcome = Result<Appended, BackendError>;

/// A batch and what came of it: three lists of one length and order, so that a message stays where the store read it.
#[derive(Debug)]
pub(crate) struct Commit {
    messages: Vec<NewMessage>,
    authors: Vec<(Author, Instant)>,
    outcomes: Vec<Outcome>,
}

impl Commit {
    pub(crate) fn with_capacity(messages: usize) -> Self {
        Self {
            messages: Vec::with_capacity(messages),
            authors: Vec::with_capacity(messages),
            outcomes: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, submission: Submission) {
        self.messages.push(submission.message);
        self.authors.push((submission.author, submission.submitted_at));
    }

    pub(crate) fn messages(&self) -> &[NewMessage] {
        &self.messages
    }

    /// Adds the outcomes of those that have none yet, in their order.
    pub(crate) fn settle(&mut self, outcomes: Vec<Outcome>) {
        if self.outcomes.is_empty() {
            self.outcomes = outcomes;
        } else {
            self.outcomes.extend(outcomes);
        }
    }

    /// Tells the senders, the sessions here and the other nodes.
    pub(crate) fn tell(self, node: &Node) {
        let Self {
            messages,
            authors,
            outcomes,
        } = self;
        let mut telling = Telling::new(node, messages.len());
        let now = Instant::now();
        let durations: Vec<_> = authors
            .iter()
            .map(|(_, submitted_at)| now - *submitted_at)
            .collect();
        for ((message, (author, _)), outcome) in messages.into_iter().zip(authors).zip(outcomes) {
            telling.settle(message, author, outcome);
        }
        telling.end();
        node.meters.sends_answered(&durations);
    }
}

/// What is told of one commit.
struct Telling<'a> {
    node: &'a Node,
    wakes: Wakes,
    /// For the other nodes, where there are any.
    notices: Option<Vec<Notice>>,
    stored: u64,
}

impl<'a> Telling<'a> {
    fn new(node: &'a Node, messages: usize) -> Self {
        Self {
            node,
            wakes: Wakes::default(),
            notices: (!node.backends.bus.is_alone(&node.id)).then(|| Vec::with_capacity(2 * messages)),
            stored: 0,
        }
    }

    fn settle(&mut self, message: NewMessage, author: Author, outcome: Outcome) {
        let own = match &outcome {
            Ok(Appended::Stored { seq }) => Some(*seq),
            Ok(Appended::Duplicate { .. }) => {
                self.node.meters.duplicates.increment(1);
                None
            }
            _ => None,
        };
        let session = Arc::clone(author.session());
        let result = answer(self.node, &message, outcome);
        author.settle(&message, own, result, &mut self.wakes);
        if let Some(seq) = own {
            self.stored += 1;
            self.announce(message, &session, seq);
        }
    }

    fn announce(&mut self, message: NewMessage, author: &SessionShared, seq: Seq) {
        let conversation = message.conversation;
        let view = MessageView {
            conversation,
            seq,
            from: author.user.clone(),
            body: message.body,
            at: message.at,
            id: (message.id_origin == MessageIdOrigin::Client).then_some(message.id),
            data: message.data,
        };
        self.node.happened(|| Happened::Sent(view.clone()));
        let Some(shared) = SharedMessage::new(view) else {
            return;
        };
        let session = Some(author.id);
        for topic in topics_of(conversation) {
            self.node.hub.message(topic, &shared, session, &mut self.wakes);
        }
        let Some(notices) = &mut self.notices else {
            return;
        };
        notices.extend(topics_of(conversation).map(|topic| Notice {
            topic,
            origin: self.node.id.clone(),
            kind: NoticeKind::Message {
                conversation,
                seq,
                session,
                frame: shared.frame(),
            },
        }));
    }

    /// Wakes whoever was told, and lets the other nodes know.
    fn end(self) {
        // Who has its answer finds it counted.
        self.node.meters.sends.add(self.stored);
        drop(self.wakes);
        if let Some(notices) = self.notices {
            self.node.publisher.publish(notices);
        }
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
