//! Users who can log in, stored without a server: hashing a password for each would take minutes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{anyhow, bail};
use argon2::{Argon2, PasswordHasher as _};
use chat_adapters::sqlite::{SqliteOptions, SqliteStore};
use chat_core::Timestamp;
use chat_core::ports::{CreateUser, DeviceStore, NewUser, TokenStore, UserStore};
use chat_core::types::{Device, PasswordHash, Token};

use crate::programs::Programs;
use crate::server::{Server, Store};

/// A time far off.
const LATER: u64 = 4_000_000_000_000;

/// The password of all users of `chat bench`.
const LOAD_PASSWORD: &str = "a load has no secrets";

/// A user of one device.
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) password: Option<PasswordHash>,
    pub(crate) token: String,
    pub(crate) device: &'static str,
}

/// Stores users who are in no group, and answers their ids.
pub(crate) async fn store(
    store: &SqliteStore,
    accounts: impl Iterator<Item = Account>,
) -> anyhow::Result<Vec<u64>> {
    let mut users = Vec::new();
    for account in accounts {
        let new = NewUser {
            id: None,
            name: account.name.parse()?,
            password: account.password,
        };
        let CreateUser::Created(user) = store.create_user(&new).await? else {
            bail!("the name of a user is taken");
        };
        let token = Token::parse(&account.token)?.hash();
        store
            .put_token(user.id, token, Timestamp::from_millis(LATER), usize::MAX)
            .await?;
        // A device is told what came since it was first seen.
        let device = Device::parse(account.device)?;
        store
            .open_device(user.id, &device, Timestamp::from_millis(1), usize::MAX)
            .await?;
        users.push(user.id.get());
    }
    Ok(users)
}

/// The users of a load of `chat bench`, as it names them for a seed.
#[derive(Clone, Copy)]
pub(crate) struct LoadAccounts {
    pub(crate) seed: u32,
    pub(crate) count: usize,
}

impl LoadAccounts {
    fn name(self, number: usize) -> String {
        format!("bench-{}-{number}", self.seed)
    }

    fn token(number: usize) -> String {
        format!("the token of user {number}")
    }

    /// Starts a server on a SQLite file in this folder, with these users, whose tokens the loads know.
    pub(crate) async fn serve(self, programs: &Programs, directory: &Path) -> anyhow::Result<Server> {
        let file = directory.join("accounts.db");
        self.store(&file).await?;
        let url = format!("sqlite:{}", file.display());
        let server = Server::start(programs, Store::Url(&url))?;
        self.write_tokens(&programs.tokens(&server.address))?;
        Ok(server)
    }

    /// Stores them in a new file.
    async fn store(self, file: &Path) -> anyhow::Result<()> {
        let sqlite = SqliteStore::open(SqliteOptions::new(file)).await?;
        let hash = Argon2::default()
            .hash_password(LOAD_PASSWORD.as_bytes())
            .map_err(|error| anyhow!("no password can be hashed: {error}"))?;
        let hash = PasswordHash::new(hash.to_string());
        let accounts = (0..self.count).map(|number| Account {
            name: self.name(number),
            password: Some(hash.clone()),
            token: Self::token(number),
            device: "bench-0",
        });
        store(&sqlite, accounts).await?;
        sqlite.close().await;
        Ok(())
    }

    /// Writes the file in which a load keeps tokens.
    fn write_tokens(self, file: &Path) -> anyhow::Result<()> {
        let tokens = (0..self.count).map(|number| (self.name(number), Self::token(number)));
        let tokens: BTreeMap<_, _> = tokens.collect();
        Ok(fs::write(file, serde_json::to_vec(&tokens)?)?)
    }
}
