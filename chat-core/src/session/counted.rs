//! Logins and registrations, counted by how they end.

use std::net::IpAddr;
use std::sync::Arc;

use super::account_records::LoginMethod;
use super::accounts::{self, Opened};
use crate::error::{Error, ErrorCode};
use crate::meters::catalogue::{LOGINS, REGISTRATIONS};
use crate::node::{Node, Outcome};
use crate::protocol::Login;
use crate::types::{Password, User, UserName};

/// Makes an account.
pub(crate) async fn register(
    node: &Node,
    address: Option<IpAddr>,
    name: UserName,
    password: &Password,
) -> Result<User, Error> {
    let result = accounts::register(node, address, name, password).await;
    REGISTRATIONS.count(&[outcome(&result)]).increment(1);
    result
}

/// Proves who logs in, and begins their session.
pub(crate) async fn login(node: &Arc<Node>, address: Option<IpAddr>, login: Login) -> Result<Opened, Error> {
    let method = LoginMethod::of(&login.proof);
    count_login(method, accounts::login(node, address, login).await)
}

/// Counts how the host application's login of one of its users ended.
pub(crate) fn count_host_login<T>(result: Result<T, Error>) -> Result<T, Error> {
    count_login(LoginMethod::Host, result)
}

fn count_login<T>(method: LoginMethod, result: Result<T, Error>) -> Result<T, Error> {
    LOGINS.count(&[method.as_str(), outcome(&result)]).increment(1);
    result
}

fn outcome<T>(result: &Result<T, Error>) -> &'static str {
    let outcome = match result.as_ref().map_err(Error::code) {
        Ok(_) => Outcome::Ok,
        Err(ErrorCode::InvalidCredentials) => Outcome::InvalidCredentials,
        Err(ErrorCode::NameTaken) => Outcome::NameTaken,
        Err(ErrorCode::NotFound) => Outcome::NotFound,
        Err(ErrorCode::RateLimited) => Outcome::RateLimited,
        Err(ErrorCode::Unavailable) => Outcome::Unavailable,
        Err(ErrorCode::Internal) => Outcome::Internal,
        // Of their own, a login and a registration end with none of the others.
        Err(_) => Outcome::Refused,
    };
    outcome.as_str()
}
