//! The users of a load: registered once for a seed, and logged in by token after that.

use chat_client::Error;
use chat_core::ErrorCode;
use chat_core::protocol::Welcome;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};

use super::dialogue::Dialogue;
use super::tokens::Tokens;

const PASSWORD: &str = "a load has no secrets";
/// The device that each user has at least.
const FIRST_DEVICE: &str = "bench-0";
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
    name: String,
    token: String,
    /// The groups they are a member of, by name.
    groups: Vec<(String, u64)>,
}

/// How a user says who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Proof {
    /// By token, which costs the server a look-up
    Token,
    /// By password, which costs the server some 20 ms of a core
    Password,
}

/// Who says that a device has got its messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Acks {
    /// The server takes as received what it has written
    #[default]
    Auto,
    /// Receivers acknowledge what they have read, once for all that came together
    Client,
}

impl Acks {
    const fn spelled(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Client => "client",
        }
    }
}

impl Account {
    fn new(welcome: Welcome) -> Result<Self, Error> {
        let token = welcome.token.ok_or(Error::Protocol {
            what: "the server gives no tokens",
            source: None,
        })?;
        let groups = welcome.groups.iter();
        Ok(Self {
            id: welcome.user.id.get(),
            name: welcome.user.name.as_str().to_owned(),
            token: token.reveal().to_owned(),
            groups: groups
                .map(|group| (group.name.as_str().to_owned(), group.id.get()))
                .collect(),
        })
    }

    /// The login of a device.
    pub(super) fn login(&self, proof: Proof, device: &str, acks: Acks) -> Value {
        let mut login = match proof {
            Proof::Token => token_login(&self.token),
            Proof::Password => password_login(&self.name),
        };
        if let Some(fields) = login.as_object_mut() {
            fields.insert("device".to_owned(), device.into());
            fields.insert("ack".to_owned(), acks.spelled().into());
        }
        login
    }

    /// The login of the first device, for requests that are no part of what is measured.
    pub(super) fn plain_login(&self) -> Value {
        self.login(Proof::Token, FIRST_DEVICE, Acks::Auto)
    }

    /// The id of a group that they are a member of.
    pub(super) fn group(&self, name: &str) -> Option<u64> {
        let group = self.groups.iter().find(|(of, _)| of == name);
        group.map(|(_, id)| *id)
    }
}

/// Does the work for each item, some at once, and gives the results in the order of the items.
pub(super) fn in_order<I, T, F>(
    servers: &Servers,
    items: impl IntoIterator<Item = I>,
    work: impl FnMut(I) -> F,
) -> impl Stream<Item = Result<T, Error>>
where
    F: Future<Output = Result<T, Error>>,
{
    stream::iter(items)
        .map(work)
        .buffered(AT_ONCE * servers.list().len())
}

/// The users of a seed, who are registered if they are not, and whose tokens are kept.
pub(super) async fn accounts(
    servers: &Servers,
    (seed, count): (u32, usize),
    tokens: &mut Tokens,
    mut done: impl FnMut(usize),
) -> Result<Vec<Account>, Error> {
    let name = |number| format!("bench-{seed}-{number}");
    // Where the first user's token is not taken, none is: a server may know none of these users.
    if let Some(token) = tokens.get(&name(0))
        && by_token(servers.of(0), token).await?.is_none()
    {
        tokens.clear();
    }
    let known = &*tokens;
    let accounts = in_order(servers, 0..count, |number| async move {
        account(servers.of(number), name(number), known).await
    });
    let mut number = 0;
    let counted = accounts.inspect_ok(|_| {
        number += 1;
        done(number);
    });
    let accounts: Vec<Account> = counted.try_collect().await?;
    for account in &accounts {
        tokens.keep(&account.name, &account.token);
    }
    Ok(accounts)
}

fn password_login(name: &str) -> Value {
    json!({
        "type": "login", "ref": "login", "name": name, "password": PASSWORD, "device": FIRST_DEVICE, "ack": "auto",
    })
}

fn token_login(token: &str) -> Value {
    json!({"type": "login", "ref": "login", "token": token, "device": FIRST_DEVICE, "ack": "auto"})
}

async fn account(server: &str, name: String, tokens: &Tokens) -> Result<Account, Error> {
    if let Some(token) = tokens.get(&name)
        && let Some(account) = by_token(server, token).await?
    {
        return Ok(account);
    }
    let mut dialogue = Dialogue::open(server).await?;
    let register = json!({"type": "register", "ref": "register", "name": name, "password": PASSWORD});
    match dialogue.insist(&register).await {
        Err(Error::Refused(refusal)) if refusal.code == ErrorCode::NameTaken => {}
        registered => drop(registered?),
    }
    let login = password_login(&name);
    Account::new(dialogue.log_in(&login).await?)
}

/// The user of a token; none where the server does not take it.
async fn by_token(server: &str, token: &str) -> Result<Option<Account>, Error> {
    let mut dialogue = Dialogue::open(server).await?;
    match dialogue.log_in(&token_login(token)).await {
        Ok(welcome) => Account::new(welcome).map(Some),
        Err(Error::Refused(refusal)) if refusal.code == ErrorCode::InvalidCredentials => Ok(None),
        Err(error) => Err(error),
    }
}
