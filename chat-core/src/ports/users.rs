//! The port for accounts.

use async_trait::async_trait;

use crate::error::BackendError;
use crate::types::{GroupMembership, PasswordHash, User, UserId, UserName};

/// An account to be made.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// Exactly this id, for an account that comes from elsewhere; `None` where the store chooses.
    pub id: Option<UserId>,
    /// The name, unique by its [`NameKey`](crate::types::NameKey).
    pub name: UserName,
    /// The password's hash; `None` for a user whom the host application authenticates.
    pub password: Option<PasswordHash>,
}

/// What came of making an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CreateUser {
    /// It was made.
    Created(User),
    /// A user with the same name key exists: this one.
    NameTaken(User),
    /// The id that was asked for is this user's.
    IdTaken(User),
}

/// How a user is looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserSelector {
    /// By id.
    Id(UserId),
    /// By name, compared by its [`NameKey`](crate::types::NameKey).
    Name(UserName),
}

/// A user together with what proves a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Whose they are.
    pub user: User,
    /// The password's hash; `None` where the user has none and cannot log in by password.
    pub password: Option<PasswordHash>,
}

/// Whom a user knows, and where they are a member; both by ascending id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contacts {
    /// The user's friends.
    pub friends: Vec<User>,
    /// The user's memberships.
    pub memberships: Vec<GroupMembership>,
}

/// Accounts.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait UserStore: std::fmt::Debug + Send + Sync + 'static {
    /// Makes an account.
    ///
    /// Atomic: of two calls with one name key, also at the same moment, one creates. Repeating a
    /// call that may have been done answers [`CreateUser::NameTaken`], or [`CreateUser::IdTaken`]
    /// where an id was asked for, which is looked at first. An id that the store chooses is never
    /// one that it chose or was given before.
    async fn create_user(&self, user: &NewUser) -> Result<CreateUser, BackendError>;

    /// Finds a user with their credentials; `None` where there is no such user.
    async fn credentials(&self, user: &UserSelector) -> Result<Option<Credentials>, BackendError>;

    /// Finds users by id. Unknown ids are left out; the order is by ascending id, each once.
    async fn users(&self, ids: &[UserId]) -> Result<Vec<User>, BackendError>;

    /// Writes whether users are online, for people who read the table; unknown ids are ignored.
    ///
    /// Safe to repeat. Presence itself, not this column, tells who is online.
    async fn set_states(&self, users: &[UserId], online: bool) -> Result<(), BackendError>;

    /// Ids of users whose stored state is online, ascending, those after `after`, at most `limit`.
    ///
    /// For the sweep that repairs states after a crash.
    async fn online_states(&self, after: Option<UserId>, limit: usize) -> Result<Vec<UserId>, BackendError>;
}
