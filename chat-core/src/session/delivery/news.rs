//! What the node tells a session: it is handed out at once, or says that something is to be read.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Delivery, Stage};
use crate::session::inbox::SessionNotice;
use crate::session::shared_event::{Delivered, SharedMessage};
use crate::types::{ConversationId, GroupId, Seq};

impl Delivery {
    pub(super) fn look_at_inbox(&mut self) {
        let inbox = self.shared.take();
        self.goodbye = self.goodbye.take().or_else(|| inbox.goodbye.map(Box::new));
        for (conversation, seq) in inbox.own {
            self.own_stored(conversation, seq);
        }
        if inbox.settled {
            for conversation in std::mem::take(&mut self.undecided) {
                self.fall_behind(conversation);
            }
        }
        for group in inbox.memberships {
            self.recheck_group(group);
        }
        for notice in inbox.notices {
            match notice {
                SessionNotice::Message(message) => self.message_stored(message),
                SessionNotice::Event(frame) => self.event(Delivered::Event(frame)),
            }
        }
        for (conversation, seq) in inbox.heads {
            self.head_moved(conversation, seq);
        }
    }

    /// The fast path: the next message of its conversation goes out without a read.
    fn message_stored(&mut self, message: Arc<SharedMessage>) {
        let (conversation, seq) = (message.conversation, message.seq);
        self.begin_new_conversation(conversation, seq);
        if matches!(self.stage, Stage::Live) && self.pass_next(conversation, seq) {
            self.ready.push_back(Delivered::Message(message));
        } else {
            self.head_moved(conversation, seq);
        }
    }

    fn own_stored(&mut self, conversation: ConversationId, seq: Seq) {
        self.begin_new_conversation(conversation, seq);
        if self.pass_next(conversation, seq) {
            return;
        }
        if !self.shared.positions().is_delivered(conversation, seq) {
            self.own_ahead.insert((conversation, seq));
            self.head_moved(conversation, seq);
        }
    }

    fn head_moved(&mut self, conversation: ConversationId, seq: Seq) {
        let is_behind = self.shared.positions().update(conversation, |track| {
            track.head = track.head.max(seq);
            track.delivered < track.head
        });
        if is_behind.unwrap_or(true) {
            self.fall_behind(conversation);
        }
    }

    fn event(&mut self, event: Delivered) {
        match &mut self.stage {
            Stage::Live => self.ready.push_back(event),
            Stage::CatchUp(catch_up) => {
                if catch_up.held.len() >= self.node.limits.session_notices {
                    catch_up.held.pop_front();
                }
                catch_up.held.push_back(event);
            }
        }
    }

    /// Takes back what of a group is not handed out yet, until it is known whether it still may be.
    pub(super) fn recheck_group(&mut self, group: GroupId) {
        let conversation = ConversationId::group(group);
        let mut taken_back = BTreeSet::new();
        self.ready.retain(|ready| match ready {
            Delivered::Message(message) if message.conversation == conversation => {
                taken_back.insert(message.seq);
                false
            }
            _ => true,
        });
        if let (Some(&first), Some(&last)) = (taken_back.first(), taken_back.last()) {
            self.owe_again(conversation, last);
            let own_ahead = &mut self.own_ahead;
            self.shared.positions().update(conversation, |track| {
                // What was passed among them without being handed out is this session's own.
                let mut seq = first;
                while seq <= track.delivered {
                    if !taken_back.contains(&seq) {
                        own_ahead.insert((conversation, seq));
                    }
                    seq = seq.next();
                }
                track.delivered = first.previous();
            });
        }
        self.recheck.insert(conversation);
        if self.queued.insert(conversation) {
            self.behind.push_back(conversation);
        }
    }

    /// What was read before `synced` and is taken back still has to come before it.
    fn owe_again(&mut self, conversation: ConversationId, last: Seq) {
        if let Stage::CatchUp(catch_up) = &mut self.stage {
            let target = catch_up.targets.entry(conversation).or_default();
            *target = last.max(*target);
        }
    }
}
