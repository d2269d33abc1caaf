//! Friends, and finding users.

use super::handle::SessionHandle;
use crate::error::{Error, ErrorCode};
use crate::hooks::{Friendship, HookedRequest};
use crate::node::{Happened, Limit};
use crate::ports::{self, AddFriend, RemoveFriend, Topic};
use crate::protocol::{Event, UserSelector, UserView};
use crate::types::{User, UserId, UserName};

impl SessionHandle {
    /// Makes a user a friend, mutually. Adding a friend twice is no error.
    ///
    /// # Errors
    /// `not_found` for a user who does not exist, `forbidden` for oneself and where one of the two
    /// has as many friends as allowed, `unavailable` where the store cannot be reached.
    pub async fn add_friend(&self, friend: UserSelector) -> Result<UserView, Error> {
        let node = self.node();
        let friend = self.user_by(friend).await?;
        if friend.id == self.user().id {
            return Err(Error::new(ErrorCode::Forbidden, "you cannot be your own friend"));
        }
        if let Some(hooks) = node.asks_before(HookedRequest::AddFriend) {
            hooks.before_add_friend(self.user(), &friend).await?;
        }
        let limit = node.limits.friends_per_user;
        let call = node
            .backends
            .stores
            .friends
            .add_friend(self.user().id, friend.id, limit);
        match node.store.write(call).await? {
            AddFriend::Added => {
                let event = Event::FriendAdded {
                    user: self.user().clone(),
                };
                node.tell_all(Topic::User(friend.id), event, None);
                node.happened(|| {
                    Happened::FriendAdded(Friendship {
                        user: self.user().clone(),
                        friend: friend.clone(),
                    })
                });
            }
            AddFriend::AlreadyFriends => {}
            AddFriend::NoSuchUser => return Err(no_such_user()),
            AddFriend::TooMany => {
                node.limit_hits.hit(Limit::FriendsPerUser);
                let message = "one of you has as many friends as a user can have";
                return Err(Error::new(ErrorCode::Forbidden, message));
            }
        }
        Ok(self.view(friend).await)
    }

    /// Ends a friendship, mutually. Removing who is no friend is no error.
    ///
    /// # Errors
    /// `not_found` for a user who does not exist, `unavailable` where the store cannot be reached.
    pub async fn remove_friend(&self, friend: UserId) -> Result<User, Error> {
        let node = self.node();
        let friend = self.user_by(UserSelector::Id(friend)).await?;
        let call = node
            .backends
            .stores
            .friends
            .remove_friend(self.user().id, friend.id);
        if node.store.write(call).await? == RemoveFriend::Removed {
            let event = Event::FriendRemoved {
                user: self.user().clone(),
            };
            node.tell_all(Topic::User(friend.id), event, None);
        }
        Ok(friend)
    }

    /// This user's friends by ascending id.
    ///
    /// # Errors
    /// `unavailable` where the store cannot be reached.
    pub async fn friends(&self) -> Result<Vec<UserView>, Error> {
        let node = self.node();
        let friends = node
            .store
            .read(node.backends.stores.friends.friends(self.user().id))
            .await?;
        Ok(self.views(friends).await)
    }

    /// Finds a user by name.
    ///
    /// # Errors
    /// `not_found` where there is none, `unavailable` where the store cannot be reached.
    pub async fn find_user(&self, name: UserName) -> Result<UserView, Error> {
        let user = self.user_by(UserSelector::Name(name)).await?;
        Ok(self.view(user).await)
    }

    async fn user_by(&self, user: UserSelector) -> Result<User, Error> {
        let selector = match user {
            UserSelector::Id(id) => ports::UserSelector::Id(id),
            UserSelector::Name(name) => ports::UserSelector::Name(name),
        };
        let call = self.node().backends.stores.users.credentials(&selector);
        let found = self.node().store.read(call).await?;
        found.map(|credentials| credentials.user).ok_or_else(no_such_user)
    }

    async fn view(&self, user: User) -> UserView {
        let online = self.node().online(&[user.id]).await.first().copied();
        UserView::new(user, online.unwrap_or(false))
    }

    pub(crate) async fn views(&self, users: Vec<User>) -> Vec<UserView> {
        let ids: Vec<_> = users.iter().map(|user| user.id).collect();
        let online = self.node().online(&ids).await;
        users
            .into_iter()
            .zip(online)
            .map(|(user, online)| UserView::new(user, online))
            .collect()
    }
}

fn no_such_user() -> Error {
    Error::new(ErrorCode::NotFound, "there is no such user")
}
