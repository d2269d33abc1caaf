//! Accounts.

use chat_core::ports::{CreateUser, Credentials, NewUser, UserSelector};
use chat_core::types::{User, UserId};

use super::super::proto::create_user_response::Outcome;
use super::super::proto::{self, credentials_request};
use super::wire::{Invalid, Wire, known, message, needed, read, record};

record!(User as User { id, name });
needed!(User as User);

message!(UsersRequest(ids: Vec<UserId>));
message!(UsersResponse(users: Vec<User>));
message!(SetStatesRequest(users: Vec<UserId>, online: bool));
message!(SetStatesResponse());
message!(OnlineStatesRequest(after: Option<UserId>, limit: usize));
message!(OnlineStatesResponse(users: Vec<UserId>));

impl Wire<proto::CreateUserRequest> for NewUser {
    fn to_wire(&self) -> proto::CreateUserRequest {
        proto::CreateUserRequest {
            id: self.id.to_wire(),
            name: self.name.to_wire(),
            password_hash: self.password.to_wire(),
        }
    }

    fn from_wire(message: proto::CreateUserRequest) -> Result<Self, Invalid> {
        Ok(Self {
            id: read(message.id, "id")?,
            name: read(message.name, "name")?,
            password: read(message.password_hash, "password_hash")?,
        })
    }
}

impl Wire<proto::CreateUserResponse> for CreateUser {
    fn to_wire(&self) -> proto::CreateUserResponse {
        let (outcome, user) = match self {
            Self::Created(user) => (Outcome::Created, user),
            Self::NameTaken(user) => (Outcome::NameTaken, user),
            Self::IdTaken(user) => (Outcome::IdTaken, user),
        };
        proto::CreateUserResponse {
            outcome: outcome.into(),
            user: user.to_wire(),
            ..Default::default()
        }
    }

    fn from_wire(message: proto::CreateUserResponse) -> Result<Self, Invalid> {
        let variant = match known(message.outcome, message.fallback) {
            Outcome::Created => Self::Created,
            Outcome::NameTaken => Self::NameTaken,
            Outcome::IdTaken => Self::IdTaken,
            Outcome::Unspecified => return Err(Invalid::unknown("outcome")),
        };
        Ok(variant(read(message.user, "user")?))
    }
}

impl Wire<proto::CredentialsRequest> for UserSelector {
    fn to_wire(&self) -> proto::CredentialsRequest {
        let user = match self {
            Self::Id(id) => credentials_request::User::Id(id.to_wire()),
            Self::Name(name) => credentials_request::User::Name(name.to_wire()),
        };
        proto::CredentialsRequest { user: Some(user) }
    }

    fn from_wire(message: proto::CredentialsRequest) -> Result<Self, Invalid> {
        match message.user {
            Some(credentials_request::User::Id(id)) => Ok(Self::Id(read(id, "id")?)),
            Some(credentials_request::User::Name(name)) => Ok(Self::Name(read(name, "name")?)),
            None => Err(Invalid::value("is missing").within("user")),
        }
    }
}

impl Wire<proto::CredentialsResponse> for Option<Credentials> {
    fn to_wire(&self) -> proto::CredentialsResponse {
        let credentials = self.as_ref();
        proto::CredentialsResponse {
            user: credentials.and_then(|credentials| credentials.user.to_wire()),
            password_hash: credentials.and_then(|credentials| credentials.password.to_wire()),
        }
    }

    fn from_wire(message: proto::CredentialsResponse) -> Result<Self, Invalid> {
        let Some(user) = read(message.user, "user")? else {
            return Ok(None);
        };
        let password = read(message.password_hash, "password_hash")?;
        Ok(Some(Credentials { user, password }))
    }
}
