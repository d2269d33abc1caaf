//! Reading the store, from a session's own position, where a conversation is behind.

use std::iter::Peekable;
use std::vec::IntoIter;

use futures_util::future::BoxFuture;

use super::{CatchUp, Delivery, Stage};
use crate::error::BackendError;
use crate::ports::{MessageRange, Position};
use crate::protocol::MessageView;
use crate::session::inbox::Origin;
use crate::session::reads::{self, Read};
use crate::session::shared_event::{Delivered, SharedMessage};
use crate::types::{ConversationId, Message};

impl Delivery {
    pub(super) fn start_reading(&mut self) {
        if self.reading.is_some() {
            return;
        }
        let lists_first = matches!(&self.stage, Stage::CatchUp(catch_up) if catch_up.groups_follow);
        if !self.behind.is_empty() && !lists_first {
            self.reading = Some(self.read_behind());
            return;
        }
        let Stage::CatchUp(catch_up) = &mut self.stage else {
            return;
        };
        if !catch_up.complete {
            self.reading = Some(reads::list(
                &self.node,
                &self.shared,
                catch_up.listed,
                self.failures,
            ));
        } else if catch_up.targets.is_empty() {
            let CatchUp { later, held, .. } = std::mem::take(&mut **catch_up);
            self.stage = Stage::Live;
            self.ready.push_back(Delivered::synced());
            self.ready.extend(held);
            later
                .into_iter()
                .for_each(|conversation| self.fall_behind(conversation));
        }
    }

    /// Reads the conversations that are behind, in their order, as many at once as make a page; one whose position has
    /// to be asked for, by itself.
    fn read_behind(&mut self) -> BoxFuture<'static, Read> {
        let mut ranges = Vec::new();
        let mut room = self.node.limits.delivery_page.max(1);
        while room > 0
            && let Some(&conversation) = self.behind.front()
        {
            let track = self.shared.positions().get(conversation);
            let known = track.filter(|_| !self.recheck.contains(&conversation));
            if known.is_none() && !ranges.is_empty() {
                break;
            }
            self.behind.pop_front();
            self.queued.remove(&conversation);
            let Some(track) = known else {
                self.recheck.remove(&conversation);
                return reads::find(&self.node, &self.shared, conversation, self.failures);
            };
            let limit = track.behind().clamp(1, room);
            room -= limit;
            ranges.push(MessageRange {
                conversation,
                after: track.delivered,
                limit,
            });
        }
        reads::messages(&self.node, ranges, self.failures)
    }

    pub(super) fn take_in(&mut self, read: Read) {
        self.failures = if read.failed() {
            self.failures.saturating_add(1)
        } else {
            0
        };
        match read {
            Read::Listed(Ok(positions)) => self.listed(positions, false),
            Read::Listed(Err(_)) => {}
            Read::Found(conversation, Ok(position)) => self.found(conversation, position),
            Read::Found(conversation, Err(_)) => {
                self.recheck.insert(conversation);
                self.retry(conversation);
            }
            Read::Messages(ranges, Ok(messages)) => self.pages(&ranges, messages),
            Read::Messages(ranges, Err(_)) => {
                for range in ranges {
                    self.retry(range.conversation);
                }
            }
        }
    }

    fn retry(&mut self, conversation: ConversationId) {
        if self.queued.insert(conversation) {
            self.behind.push_back(conversation);
        }
    }

    /// Takes in a page of conversations, which those of groups may follow also where it is not full.
    pub(super) fn listed(&mut self, mut page: Vec<Position>, groups_follow: bool) {
        let Stage::CatchUp(catch_up) = &mut self.stage else {
            return;
        };
        let size = reads::page_size(&self.node);
        let is_last = page.len() <= size;
        catch_up.complete = is_last && !groups_follow;
        catch_up.groups_follow = is_last && groups_follow;
        page.truncate(size);
        catch_up.listed = page.last().map(|position| position.conversation);
        let mut positions = self.shared.positions();
        for Position {
            conversation,
            last_seq,
            acked_seq,
        } in page
        {
            let has_news = last_seq > acked_seq;
            if has_news || positions.has_room() {
                positions.learn(conversation, acked_seq, last_seq);
            }
            if has_news {
                catch_up.targets.insert(conversation, last_seq);
                if self.queued.insert(conversation) {
                    self.behind.push_back(conversation);
                }
            }
        }
    }

    /// Takes in what came with the positions, as far as it is what would be read first.
    pub(super) fn first_messages(&mut self, messages: Vec<Message>) {
        let mut messages = messages.into_iter().peekable();
        while let Some(conversation) = messages.peek().map(|message| message.conversation) {
            let page = next_page(&mut messages, conversation);
            if self.behind.front() == Some(&conversation) {
                self.behind.pop_front();
                self.queued.remove(&conversation);
                self.page(conversation, page);
            }
        }
    }

    fn found(&mut self, conversation: ConversationId, position: Option<Position>) {
        let Some(Position {
            last_seq, acked_seq, ..
        }) = position
        else {
            return self.part_with(conversation);
        };
        let track = self.shared.positions().learn(conversation, acked_seq, last_seq);
        // Own messages that lie before the position were passed by it.
        self.own_ahead
            .retain(|&(other, seq)| other != conversation || seq > track.delivered);
        self.advance(conversation, track.delivered);
        self.after_read(conversation);
    }

    /// The user takes no part in a conversation any more: nothing of it is handed out from here on.
    fn part_with(&mut self, conversation: ConversationId) {
        if let Some(group) = conversation.as_group() {
            self.node.hub.unfollow(self.shared.id, group);
        }
        self.shared.positions().forget(conversation);
        self.own_ahead.retain(|&(other, _)| other != conversation);
        self.ready
            .retain(|ready| !matches!(ready, Delivered::Message(m) if m.conversation == conversation));
        if let Stage::CatchUp(catch_up) = &mut self.stage {
            catch_up.targets.remove(&conversation);
            catch_up.later.remove(&conversation);
        }
    }

    /// The store answers range by range.
    fn pages(&mut self, ranges: &[MessageRange], messages: Vec<Message>) {
        let mut messages = messages.into_iter().peekable();
        let mut is_late = false;
        for MessageRange { conversation, .. } in ranges {
            let page = next_page(&mut messages, *conversation);
            if self.recheck.contains(conversation) {
                // Read before a membership changed: it is read again, where it still may be.
                continue;
            }
            // The store does not show yet what a notice told of.
            is_late |= page.is_empty();
            self.page(*conversation, page);
        }
        if is_late {
            // Ask again, more and more slowly.
            self.failures = self.failures.saturating_add(1);
        }
    }

    fn page(&mut self, conversation: ConversationId, messages: Vec<Message>) {
        for message in messages {
            let Some(track) = self.shared.positions().get(conversation) else {
                return;
            };
            if message.seq <= track.delivered {
                continue;
            }
            if message.seq != track.delivered.next() {
                let what = format!("message {} of {conversation} came too early", message.seq);
                self.node.store.record_defect(&BackendError::broken(what));
                self.failures = self.failures.saturating_add(1);
                break;
            }
            match self.origin(&message) {
                Origin::Undecided => {
                    self.undecided.push(conversation);
                    return;
                }
                Origin::ThisSession => self.advance(conversation, message.seq),
                Origin::Elsewhere => self.hand_out(message),
            }
        }
        self.after_read(conversation);
    }

    fn origin(&self, message: &Message) -> Origin {
        if self.own_ahead.contains(&(message.conversation, message.seq)) {
            return Origin::ThisSession;
        }
        if message.from.id != self.shared.user.id {
            return Origin::Elsewhere;
        }
        self.shared.origin(message)
    }

    fn hand_out(&mut self, message: Message) {
        let (conversation, seq) = (message.conversation, message.seq);
        let Some(shared) = SharedMessage::new(MessageView::from(message)) else {
            return;
        };
        self.ready.push_back(Delivered::Message(shared));
        self.advance(conversation, seq);
    }

    /// Reads on where a conversation is still behind, and tells the catch-up how far it has come.
    fn after_read(&mut self, conversation: ConversationId) {
        let Some(track) = self.shared.positions().get(conversation) else {
            return;
        };
        if let Stage::CatchUp(catch_up) = &mut self.stage
            && catch_up
                .targets
                .get(&conversation)
                .is_some_and(|&target| target <= track.delivered)
        {
            catch_up.targets.remove(&conversation);
        }
        if track.delivered < track.head {
            self.fall_behind(conversation);
        }
    }
}

/// Takes the messages of a conversation off the front.
fn next_page(messages: &mut Peekable<IntoIter<Message>>, conversation: ConversationId) -> Vec<Message> {
    let is_here = |message: &Message| message.conversation == conversation;
    std::iter::from_fn(|| messages.next_if(is_here)).collect()
}
