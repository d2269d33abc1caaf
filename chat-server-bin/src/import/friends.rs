//! Friendships, which become mutual.

use chat_core::ports::AddFriend;
use futures_util::TryStreamExt as _;

use super::report::Report;
use super::{Import, original_failure, shown, store_failure, user_id};
use crate::failure::Failure;

pub(super) async fn take_over(import: &mut Import, report: &mut Report) -> Result<(), Failure> {
    report.begin("Friend", import.counts.friends);
    let mut rows = import.original.friends();
    while let Some(row) = rows.try_next().await.map_err(original_failure)? {
        report.read();
        let key = format!("{} {}", shown(row.user), shown(row.friend));
        let (Some(user), Some(friend)) = (row.user.and_then(user_id), row.friend.and_then(user_id)) else {
            report.skip(key, "an id is none that a user can have");
            continue;
        };
        if import.refused_users.contains(&user) || import.refused_users.contains(&friend) {
            report.skip(key, "one of the two users was not taken over");
            continue;
        }
        let limit = import.limits.friends_per_user;
        let added = import.stores.friends.add_friend(user, friend, limit);
        match added.await.map_err(store_failure)? {
            AddFriend::Added | AddFriend::AlreadyFriends => {}
            AddFriend::NoSuchUser => report.skip(key, "one of the two users is not there"),
            AddFriend::TooMany => {
                report.skip(
                    key,
                    "one of the two has as many friends as `limits.friends_per_user` allows",
                );
            }
        }
    }
    Ok(())
}
