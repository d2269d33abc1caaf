//! The chat's own store in place of the bare inserts.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, ensure};
use chat_adapters::mysql::{MySqlOptions, MySqlStore};
use chat_adapters::sqlite::SqliteStore;
use chat_core::Timestamp;
use chat_core::ports::{Appended, CreateUser, MessageStore, NewMessage, NewUser, SendPolicy, UserStore};
use chat_core::types::{Body, ConversationId, MessageId, MessageIdOrigin, UserId, UserName};

use crate::rows::{AT, Append, BODY, Row};

/// A store with the users of the messages.
pub(crate) struct Stored {
    messages: Arc<dyn MessageStore>,
    users: Vec<UserId>,
}

pub(crate) async fn on_sqlite(file: &Path, conversations: u64) -> Result<Stored> {
    let store = Arc::new(SqliteStore::open(file).await?);
    with_users(Arc::clone(&store) as _, store, conversations).await
}

pub(crate) async fn on_mysql(url: &str, conversations: u64) -> Result<Stored> {
    let store = Arc::new(MySqlStore::open(MySqlOptions::parse(url)?).await?);
    with_users(Arc::clone(&store) as _, store, conversations).await
}

async fn with_users(
    messages: Arc<dyn MessageStore>,
    users: Arc<dyn UserStore>,
    conversations: u64,
) -> Result<Stored> {
    let mut made = Vec::new();
    // One more than conversations: each is of a user and the next one.
    for number in 0..=conversations {
        let name = UserName::parse(&format!("user {number}"))?;
        let new = NewUser {
            id: None,
            name,
            password: None,
        };
        match users.create_user(&new).await? {
            CreateUser::Created(user) | CreateUser::NameTaken(user) | CreateUser::IdTaken(user) => {
                made.push(user.id);
            }
        }
    }
    Ok(Stored {
        messages,
        users: made,
    })
}

impl Stored {
    fn message(&self, row: &Row) -> Result<NewMessage> {
        let user = |number: i64| {
            let place = usize::try_from(number - 1).ok();
            let user = place.and_then(|place| self.users.get(place)).copied();
            user.ok_or_else(|| anyhow::anyhow!("there is no user {number}"))
        };
        let sender = user(row.sender)?;
        Ok(NewMessage {
            conversation: ConversationId::direct(sender, user(row.receiver())?),
            sender,
            id: MessageId::parse(&row.id())?,
            id_origin: MessageIdOrigin::Client,
            body: Body::parse(BODY)?,
            data: None,
            at: Timestamp::from_millis(AT.unsigned_abs()),
            policy: SendPolicy::Anyone,
        })
    }
}

impl Append for Stored {
    async fn append(&mut self, batch: &[Row]) -> Result<()> {
        let messages = batch
            .iter()
            .map(|row| self.message(row))
            .collect::<Result<Vec<_>>>()?;
        let appended = self.messages.append(&messages).await?;
        let are_stored = appended
            .iter()
            .all(|appended| matches!(appended, Appended::Stored { .. }));
        ensure!(are_stored, "a message was not stored");
        Ok(())
    }

    async fn close(self) -> Result<()> {
        Ok(())
    }
}
