//! The users of a load: registered once for a seed, and logged in by token after that.

use chat_client::Error;
use chat_core::ErrorCode;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use serde_json::json;

use super::dialogue::Dialogue;

const PASSWORD: &str = "a load has no secrets";
/// The device that each user has at least.
pub(super) const FIRST_DEVICE: &str = "bench-0";
/// Logins at once, for each server: enough to keep the hashing of passwords busy.
const AT_ONCE: usize = 8;

/// The servers, to which connections go in turn.
#[derive(Clone, Debug)]
pub(super) struct Servers(Vec<String>);

impl Servers {
    pub(super) fn parse(list: &str) -> Self {
        Self(list.split(',').map(|server| server.trim().to_owned()).collect())
    }

    pub(super) fn list(&self) -> &[String] {
        &self.0
    }

    /// Where the connection of this number goes.
    pub(super) fn of(&self, number: usize) -> &str {
        let server = self.0.get(number % self.0.len().max(1));
        server.map_or("", String::as_str)
    }
}

/// A user, who can log in without a password.
#[derive(Clone, Debug)]
pub(super) struct Account {
    pub(super) id: u64,
    pub(super) token: String,
    /// The groups they are a member of, by name.
    groups: Vec<(String, u64)>,
}

impl Account {
    /// The id of a group that they are a member of.
    pub(super) fn group(&self, name: &str) -> Option<u64> {
        let group = self.groups.iter().find(|(of, _)| of == name);
        group.map(|(_, id)| *id)
    }
}

/// Does the work for each number, some at once, in the order of the numbers.
pub(super) fn in_order<T, F>(
    servers: &Servers,
    count: usize,
    work: impl FnMut(usize) -> F,
) -> impl Stream<Item = Result<T, Error>>
where
    F: Future<Output = Result<T, Error>>,
{
    stream::iter(0..count)
        .map(work)
        .buffered(AT_ONCE * servers.list().len())
}

/// The users of a seed, who are registered if they are not.
pub(super) async fn accounts(
    servers: &Servers,
    seed: u32,
    count: usize,
    mut done: impl FnMut(usize),
) -> Result<Vec<Account>, Error> {
    let accounts = in_order(servers, count, |number| async move {
        account(servers.of(number), &format!("bench-{seed}-{number}")).await
    });
    let mut number = 0;
    let counted = accounts.inspect_ok(|_| {
        number += 1;
        done(number);
    });
    counted.try_collect().await
}

async fn account(server: &str, name: &str) -> Result<Account, Error> {
    let mut dialogue = Dialogue::open(server).await?;
    let register = json!({"type": "register", "ref": "register", "name": name, "password": PASSWORD});
    match dialogue.insist(&register).await {
        Err(Error::Refused(refusal)) if refusal.code == ErrorCode::NameTaken => {}
        registered => drop(registered?),
    }
    let login = json!({
        "type": "login", "ref": "login", "name": name, "password": PASSWORD, "device": FIRST_DEVICE, "ack": "auto",
    });
    let welcome = dialogue.log_in(&login).await?;
    let token = welcome.token.ok_or(Error::Protocol {
        what: "the server gives no tokens",
        source: None,
    })?;
    let groups = welcome.groups.iter();
    Ok(Account {
        id: welcome.user.id.get(),
        token: token.reveal().to_owned(),
        groups: groups
            .map(|group| (group.name.as_str().to_owned(), group.id.get()))
            .collect(),
    })
}
