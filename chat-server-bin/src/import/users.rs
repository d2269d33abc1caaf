//! Accounts, whose passwords are hashed on the way.

use std::collections::HashMap;
use std::num::NonZero;

use anyhow::Context as _;
use chat_adapters::original::UserRow;
use chat_core::ports::{CreateUser, NewUser, Stores};
use chat_core::types::{Password, PasswordHash, User, UserId, UserName};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::report::Report;
use super::{Import, MOST_REFUSED, foreign_store, original_failure, store_failure, user_id};
use crate::failure::Failure;

/// Rows that are looked up at once.
const CHUNK: usize = 256;

/// An account that is not in the store yet.
struct NewAccount {
    id: UserId,
    name: UserName,
    password: Option<Password>,
}

pub(super) async fn take_over(import: &mut Import, report: &mut Report) -> Result<(), Failure> {
    report.begin("User", import.counts.users);
    let mut chunks = import.original.users().try_chunks(CHUNK);
    while let Some(rows) = chunks
        .try_next()
        .await
        .map_err(|failed| original_failure(failed.1))?
    {
        let ids: Vec<UserId> = rows.iter().filter_map(|row| user_id(row.id)).collect();
        let known = import.stores.users.users(&ids).await.map_err(store_failure)?;
        let known: HashMap<UserId, User> = known.into_iter().map(|user| (user.id, user)).collect();
        let mut accounts = Vec::new();
        for row in rows {
            report.read();
            let Some(account) = check(&row, report) else {
                continue;
            };
            match known.get(&account.id) {
                Some(user) if user.name.key() == account.name.key() => {}
                Some(_) => {
                    report.skip(account.id, "the store has another user with this id");
                    import.refused_users.insert(account.id);
                }
                None => accounts.push(account),
            }
        }
        if import.refused_users.len() > MOST_REFUSED {
            return Err(foreign_store("users"));
        }
        create(&import.stores, accounts, report).await?;
    }
    Ok(())
}

/// Checks a row, and lists what is wrong with it.
fn check(row: &UserRow, report: &mut Report) -> Option<NewAccount> {
    let Some(id) = user_id(row.id) else {
        report.skip(row.id, "its id is none that a user can have");
        return None;
    };
    let name = row.name.as_deref().map(UserName::parse);
    let Some(Ok(name)) = name else {
        report.skip(id, name_problem(name.and_then(Result::err)));
        return None;
    };
    let password = row
        .password
        .as_deref()
        .and_then(|text| Password::given(text).ok());
    if password.is_none() {
        report.incomplete(
            id,
            "its password is empty or no text of at most 256 bytes: the user is there, but cannot log in by password",
        );
    }
    Some(NewAccount { id, name, password })
}

/// Why a name cannot be taken over.
pub(super) fn name_problem(invalid: Option<chat_core::types::InvalidValue>) -> String {
    invalid.map_or_else(
        || "its name is NULL, or no text of the character set".to_owned(),
        |invalid| format!("its name {invalid}"),
    )
}

/// Makes accounts in the order given; as many passwords are hashed at once as there are cores.
async fn create(stores: &Stores, accounts: Vec<NewAccount>, report: &mut Report) -> Result<(), Failure> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let mut hashed = stream::iter(accounts).map(hash).buffered(cores);
    while let Some(user) = hashed.try_next().await? {
        let id = user.id.map(UserId::get).unwrap_or_default();
        match stores.users.create_user(&user).await.map_err(store_failure)? {
            CreateUser::Created(_) => {}
            CreateUser::NameTaken(other) => {
                let sentence = format!("user {} has this name, or one that counts as the same", other.id);
                report.skip(id, sentence);
            }
            CreateUser::IdTaken(_) => {
                report.skip(id, "a user with this id has just been made by another program")
            }
        }
    }
    Ok(())
}

async fn hash(account: NewAccount) -> Result<NewUser, Failure> {
    let NewAccount { id, name, password } = account;
    let password = match password {
        None => None,
        Some(password) => {
            let hashing = tokio::task::spawn_blocking(move || PasswordHash::of(&password));
            let hash = hashing.await.context("hashing a password failed")?;
            Some(hash.context("hashing a password failed")?)
        }
    };
    Ok(NewUser {
        id: Some(id),
        name,
        password,
    })
}
