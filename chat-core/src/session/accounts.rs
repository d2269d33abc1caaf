//! Accounts: registering, proving who one is, and beginning a session.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::account_records::{LoginMethod, logged_in, login_failed, user_registered};
use super::arrival::{arrive, known, read_start};
use super::delivery::Delivery;
use super::handle::{Inner, SessionHandle};
use super::inbox::SessionShared;
use crate::clock::Timestamp;
use crate::error::{BackendError, Error, ErrorCode};
use crate::hooks::{HookedRequest, UserLogin};
use crate::node::{Happened, Limit, Node};
use crate::ports::{self, Contacts, CreateUser, Credentials, NewUser, SessionStart};
use crate::protocol::{GroupView, Login, LoginProof, UserSelector, UserView, Welcome};
use crate::types::{Password, Token, User, UserName};

/// A session that has just begun.
pub(crate) struct Opened {
    pub(crate) session: SessionHandle,
    pub(crate) delivery: Delivery,
    pub(crate) welcome: Welcome,
}

/// Makes an account.
pub(crate) async fn register(
    node: &Node,
    address: Option<IpAddr>,
    name: UserName,
    password: &Password,
) -> Result<User, Error> {
    if let Some(address) = address {
        node.registrations
            .take(address)
            .map_err(|wait| limited(node, Limit::RegistrationsPerMinute, wait))?;
    }
    // Hashing is dear: a name that is known to be taken is refused before it.
    let users = &node.backends.stores.users;
    let selector = ports::UserSelector::Name(name.clone());
    if node.store.read(users.credentials(&selector)).await?.is_some() {
        return Err(name_taken());
    }
    if let Some(hooks) = node.asks_before(HookedRequest::Register) {
        hooks.before_register(&name, address).await?;
    }
    let password = Some(node.passwords.hash(password).await?);
    match node
        .store
        .write(users.create_user(&NewUser {
            id: None,
            name,
            password,
        }))
        .await?
    {
        CreateUser::Created(user) => {
            user_registered(node, &user);
            node.happened(|| Happened::Registered(user.clone()));
            Ok(user)
        }
        CreateUser::NameTaken(_) | CreateUser::IdTaken(_) => Err(name_taken()),
    }
}

/// Finds a user by name, or makes one without a password.
pub(crate) async fn ensure_user(node: &Node, name: UserName) -> Result<User, Error> {
    let user = NewUser {
        id: None,
        name,
        password: None,
    };
    match node
        .store
        .write(node.backends.stores.users.create_user(&user))
        .await?
    {
        CreateUser::Created(user) => {
            user_registered(node, &user);
            node.happened(|| Happened::Registered(user.clone()));
            Ok(user)
        }
        CreateUser::NameTaken(user) | CreateUser::IdTaken(user) => Ok(user),
    }
}

/// Proves who logs in, and begins their session.
pub(crate) async fn login(node: &Arc<Node>, address: Option<IpAddr>, login: Login) -> Result<Opened, Error> {
    let Login {
        proof,
        device,
        ack: _,
    } = login;
    let method = LoginMethod::of(&proof);
    let (user, token) = match proof {
        LoginProof::Password { user, password } => {
            (check_password(node, address, user, &password).await?, None)
        }
        LoginProof::Token(token) => check_token(node, address, token).await?,
    };
    let login = UserLogin {
        user,
        device,
        method,
        address,
    };
    ask_before_login(node, &login).await?;
    let token = match token {
        Some(token) => token,
        None => issue_token(node, &login.user).await?,
    };
    open(node, login, Some(token)).await
}

/// Lets the application decide about the login of a user who is known to be who they say.
pub(crate) async fn ask_before_login(node: &Node, login: &UserLogin) -> Result<(), Error> {
    match node.asks_before(HookedRequest::Login) {
        Some(hooks) => hooks.before_login(login).await,
        None => Ok(()),
    }
}

async fn check_password(
    node: &Node,
    address: Option<IpAddr>,
    selector: UserSelector,
    password: &Password,
) -> Result<User, Error> {
    let (selector, mut key, mut name) = match selector {
        UserSelector::Id(id) => (ports::UserSelector::Id(id), format!("#{id}"), None),
        UserSelector::Name(name) => {
            let key = name.key().as_str().to_owned();
            (ports::UserSelector::Name(name.clone()), key, Some(name))
        }
    };
    check_address(node, address)?;
    let found = node
        .store
        .read(node.backends.stores.users.credentials(&selector))
        .await?;
    if let Some(Credentials { user, .. }) = &found {
        key = format!("#{}", user.id);
        name = Some(user.name.clone());
    }
    let key = (address, key);
    node.failed_logins
        .check(&key)
        .map_err(|wait| limited(node, Limit::FailedLoginsPerMinute, wait))?;
    let (user, hash) = match found {
        Some(Credentials { user, password }) => (Some(user), password),
        None => (None, None),
    };
    let is_right = node.passwords.verify(password, hash).await?;
    match user.filter(|_| is_right) {
        Some(user) => Ok(user),
        None => {
            node.failed_logins.charge(key);
            login_failed(node, LoginMethod::Password, name.as_ref());
            Err(failed_login(node, address))
        }
    }
}

/// Answers the token again, but for one in its second half: it is followed by a new one, so that a device in use never
/// logs out.
async fn check_token(
    node: &Node,
    address: Option<IpAddr>,
    token: Token,
) -> Result<(User, Option<(Token, Timestamp)>), Error> {
    check_address(node, address)?;
    let now = node.backends.clock.now();
    let Some(stored) = node
        .store
        .read(node.backends.stores.tokens.token(token.hash(), now))
        .await?
    else {
        login_failed(node, LoginMethod::Token, None);
        return Err(failed_login(node, address));
    };
    let is_young = stored.expires_at.since(now) >= node.limits.token_lifetime / 2;
    Ok((stored.user, is_young.then_some((token, stored.expires_at))))
}

fn check_address(node: &Node, address: Option<IpAddr>) -> Result<(), Error> {
    match address {
        Some(address) => node
            .failed_logins_by_address
            .check(&address)
            .map_err(|wait| limited(node, Limit::FailedLoginsPerAddressPerMinute, wait)),
        None => Ok(()),
    }
}

fn failed_login(node: &Node, address: Option<IpAddr>) -> Error {
    if let Some(address) = address {
        node.failed_logins_by_address.charge(address);
    }
    Error::new(
        ErrorCode::InvalidCredentials,
        "the name, password or token is wrong",
    )
}

async fn issue_token(node: &Node, user: &User) -> Result<(Token, Timestamp), Error> {
    let token = Token::random().map_err(|error| {
        let error = BackendError::broken("there is no randomness").because(error);
        Error::from_backend(error, node.limits.retry_after)
    })?;
    let expires_at = node.backends.clock.now().after(node.limits.token_lifetime);
    let keep = node.limits.tokens_per_user;
    let call = node
        .backends
        .stores
        .tokens
        .put_token(user.id, token.hash(), expires_at, keep);
    node.store.write(call).await?;
    Ok((token, expires_at))
}

/// Begins a session of a user who is known to be who they say.
///
/// The order matters: the session hears of its user's and groups' news before its positions are
/// read, so that nothing falls between the two.
pub(crate) async fn open(
    node: &Arc<Node>,
    login: UserLogin,
    token: Option<(Token, Timestamp)>,
) -> Result<Opened, Error> {
    let UserLogin { user, device, .. } = &login;
    let stores = &node.backends.stores;
    node.acks.settle(user.id, device).await;
    let now = node.backends.clock.now();
    let opening = stores
        .devices
        .open_device(user.id, device, now, node.limits.devices_per_user);
    let epoch = node.store.write(opening).await?.epoch;
    let shared = Arc::new(SessionShared::new(
        node.next_session(),
        user.clone(),
        device.clone(),
        epoch,
        node.limits.session_notices,
        node.limits.session_conversations,
        Arc::clone(&node.limit_hits),
    ));
    let arrival = arrive(node, &shared);
    logged_in(node, user, login.method);
    let token_hash = token.as_ref().map(|(token, _)| token.hash());
    let session = SessionHandle {
        inner: Arc::new(Inner::new(Arc::clone(node), Arc::clone(&shared), token_hash)),
    };
    known(node, arrival.as_ref()).await;
    node.tell_device_opened(user.id, device.clone(), epoch);
    let SessionStart {
        contacts: Contacts { friends, memberships },
        positions,
        messages,
    } = read_start(node, user.id, device, arrival).await?;
    for membership in &memberships {
        node.hub.follow(shared.id, membership.group.id);
    }
    node.hub.listening(node.limits.bus_timeout).await;
    // What has come to groups is read only now that they are followed.
    let has_groups = !memberships.is_empty();
    let delivery = Delivery::new(Arc::clone(node), shared, positions, messages, has_groups);
    let friends: Vec<UserView> = session.views(friends).await;
    let groups = memberships.into_iter().map(GroupView::from).collect();
    let (token, token_expires_at) = token.unzip();
    let welcome = Welcome {
        user: user.clone(),
        device: device.clone(),
        token,
        token_expires_at,
        friends,
        groups,
    };
    node.happened(|| Happened::LoggedIn(login));
    Ok(Opened {
        delivery,
        session,
        welcome,
    })
}

fn limited(node: &Node, limit: Limit, wait: Duration) -> Error {
    node.limit_hits.hit(limit);
    let message = match limit {
        Limit::RegistrationsPerMinute => "too many registrations",
        _ => "too many failed logins",
    };
    Error::new(ErrorCode::RateLimited, message).retry_after(wait)
}

fn name_taken() -> Error {
    Error::new(ErrorCode::NameTaken, "a user of this name exists")
}
