//! Friendships.

use chat_core::ports::{AddFriend, RemoveFriend};
use chat_core::types::{User, UserId};

use super::super::proto::{self, add_friend_response, remove_friend_response};
use super::wire::{Invalid, Wire, known, message, outcome, read};

message!(AddFriendRequest(user: UserId, friend: UserId, limit: usize));
outcome!(
    AddFriend as AddFriendResponse,
    add_friend_response::Outcome {
        Added,
        AlreadyFriends,
        NoSuchUser,
        TooMany
    }
);
message!(RemoveFriendRequest(user: UserId, friend: UserId));
outcome!(
    RemoveFriend as RemoveFriendResponse,
    remove_friend_response::Outcome {
        Removed,
        WereNotFriends
    }
);
message!(FriendsRequest(user: UserId));
message!(FriendsResponse(friends: Vec<User>));
