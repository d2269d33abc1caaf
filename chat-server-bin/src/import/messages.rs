//! Messages that wait, in their order.

use std::collections::{HashMap, HashSet};

use chat_adapters::original::{MessageKey, Occurrences, OfflineRow, Recipient, WaitingMessage};
use chat_core::Timestamp;
use chat_core::ports::{Appended, NewMessage, SendPolicy, Stores};
use chat_core::types::{Body, ConversationId, GroupId, MessageId, MessageIdOrigin, Seq, UserId};
use futures_util::TryStreamExt as _;
use jiff::tz::TimeZone;

use super::report::Report;
use super::{Import, group_id, original_failure, shown, store_failure, time, user_id};
use crate::failure::Failure;

/// Rows in one transaction.
pub(super) const CHUNK: usize = 200;

/// What the ids of messages begin with that came by an import.
const ID_PREFIX: &str = "import:";

/// Why a row is not taken over.
pub(super) type Problem = String;

/// Reads rows of `OfflineMessage`, in the same way at every reading.
pub(super) struct Reader<'a> {
    stores: &'a Stores,
    refused_users: &'a HashSet<UserId>,
    refused_groups: &'a HashSet<GroupId>,
    occurrences: &'a mut Occurrences,
    zone: TimeZone,
    now: Timestamp,
}

/// A message that is in the store.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stored {
    pub(super) conversation: ConversationId,
    pub(super) seq: Seq,
}

pub(super) async fn take_over(
    import: &mut Import,
    occurrences: &mut Occurrences,
    report: &mut Report,
) -> Result<(), Failure> {
    report.begin("OfflineMessage", import.counts.offline);
    let mut reader = Reader::new(
        &import.stores,
        &import.refused_users,
        &import.refused_groups,
        occurrences,
        import.now,
    );
    let mut chunks = import.original.offline().try_chunks(CHUNK);
    let mut number = 0_u64;
    while let Some(rows) = chunks
        .try_next()
        .await
        .map_err(|failed| original_failure(failed.1))?
    {
        let users: Vec<_> = rows.iter().map(|row| row.user).collect();
        for (user, stored) in users.into_iter().zip(reader.store(rows).await?) {
            report.read();
            number += 1;
            if let Err(problem) = stored {
                let user = shown(user);
                report.skip(format_args!("row {number} for user {user}"), problem);
            }
        }
    }
    Ok(())
}

/// Whether a message came by an import.
pub(super) fn is_imported(id: &MessageId, origin: MessageIdOrigin) -> bool {
    origin == MessageIdOrigin::Node && id.as_str().starts_with(ID_PREFIX)
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        stores: &'a Stores,
        refused_users: &'a HashSet<UserId>,
        refused_groups: &'a HashSet<GroupId>,
        occurrences: &'a mut Occurrences,
        now: Timestamp,
    ) -> Self {
        Self {
            stores,
            refused_users,
            refused_groups,
            occurrences,
            zone: TimeZone::system(),
            now,
        }
    }

    /// Stores the messages of rows, in their order, where they are not stored yet, and answers for
    /// each row. Rows of one group message answer the same message.
    pub(super) async fn store(
        &mut self,
        rows: Vec<OfflineRow>,
    ) -> Result<Vec<Result<Stored, Problem>>, Failure> {
        let mut read: Vec<_> = rows.into_iter().map(|row| self.read(row)).collect();
        self.refuse_strangers(&mut read).await?;
        let batch: Vec<NewMessage> = read.iter().flatten().map(|(_, new)| new.clone()).collect();
        let appended = self.stores.messages.append(&batch).await.map_err(store_failure)?;
        let mut appended = appended.into_iter();
        let outcomes = read.into_iter().map(|row| {
            let (_, new) = row?;
            match appended.next() {
                Some(Appended::Stored { seq } | Appended::Duplicate { seq, .. }) => Ok(Stored {
                    conversation: new.conversation,
                    seq,
                }),
                Some(Appended::NotMember) => {
                    Err(format!("its sender {} is no member of the group", new.sender))
                }
                Some(Appended::NotFriends | Appended::NotFound) | None => Err(format!(
                    "its sender {}, its receiver or its group is not there",
                    new.sender
                )),
            }
        });
        Ok(outcomes.collect())
    }

    fn read(&mut self, row: OfflineRow) -> Result<(UserId, NewMessage), Problem> {
        let message = row
            .message
            .ok_or("its message is NULL, or no text of the character set")?;
        let user = row
            .user
            .and_then(user_id)
            .ok_or("its userid is none that a user can have")?;
        // Counted first of all, so that a row that can be read later has its number already.
        let key = self.occurrences.count(row.user.unwrap_or_default(), &message);
        let waiting = WaitingMessage::parse(&message).map_err(|unreadable| unreadable.to_string())?;
        let sender = UserId::new(waiting.sender).map_err(|_| "its sender is none that a user can be")?;
        if self.refused_users.contains(&user) || self.refused_users.contains(&sender) {
            return Err("its sender or receiver was not taken over".to_owned());
        }
        let conversation = match waiting.to {
            Recipient::User => ConversationId::direct(sender, user),
            Recipient::Group(group) => self.group(group)?,
        };
        let body = Body::parse(&waiting.text.0).map_err(|invalid| format!("its text {invalid}"))?;
        let at = waiting
            .time
            .and_then(|text| time::parse(&text, &self.zone, self.now));
        let new = NewMessage {
            conversation,
            sender,
            id: message_id(&key)?,
            id_origin: MessageIdOrigin::Node,
            body,
            data: None,
            at: at.unwrap_or(self.now),
            policy: SendPolicy::Anyone,
        };
        Ok((user, new))
    }

    fn group(&self, group: u64) -> Result<ConversationId, Problem> {
        let group = i64::try_from(group).ok().and_then(group_id);
        let group = group.ok_or("its group is none that a group can be")?;
        if self.refused_groups.contains(&group) {
            return Err("its group was not taken over".to_owned());
        }
        Ok(ConversationId::group(group))
    }

    /// Refuses rows whose user is not there, or is no member of the group: nobody would be sent them.
    async fn refuse_strangers(
        &self,
        rows: &mut [Result<(UserId, NewMessage), Problem>],
    ) -> Result<(), Failure> {
        let ids: Vec<UserId> = rows.iter().flatten().map(|(user, _)| *user).collect();
        let users = self.stores.users.users(&ids).await.map_err(store_failure)?;
        let users: HashSet<UserId> = users.into_iter().map(|user| user.id).collect();
        let mut members = HashMap::new();
        for row in rows {
            let Ok((user, new)) = row else { continue };
            if !users.contains(user) {
                *row = Err("its user is not there".to_owned());
                continue;
            }
            let Some(group) = new.conversation.as_group() else {
                continue;
            };
            let is_member = match members.get(&(group, *user)) {
                Some(is_member) => *is_member,
                None => {
                    let membership = self.stores.groups.membership(group, *user);
                    let is_member = membership.await.map_err(store_failure)?.is_some();
                    members.insert((group, *user), is_member);
                    is_member
                }
            };
            if !is_member {
                *row = Err(format!("its user is no member of group {group}"));
            }
        }
        Ok(())
    }
}

/// The id follows from the content, so that one message is stored once, however often it is read.
fn message_id(key: &MessageKey) -> Result<MessageId, Problem> {
    let MessageKey { hash, occurrence } = key;
    MessageId::parse(&format!("{ID_PREFIX}{hash}:{occurrence}"))
        .map_err(|invalid| format!("its id {invalid}"))
}
