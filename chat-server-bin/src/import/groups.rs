//! Groups and their members.

use chat_adapters::original::GroupRow;
use chat_core::ports::{CreateGroup, JoinGroup, NewGroup, Stores};
use chat_core::types::{Description, GroupId, GroupName, Role, UserId};
use futures_util::TryStreamExt as _;

use super::report::Report;
use super::users::name_problem;
use super::{Import, MOST_REFUSED, foreign_store, group_id, original_failure, shown, store_failure, user_id};
use crate::failure::Failure;

/// A group whose rows are being read. They begin with those of its creators.
struct Group {
    /// The id as it was read.
    id: i64,
    /// What it will be; `None` once it is made, or is known not to be.
    wanted: Option<Wanted>,
}

struct Wanted {
    id: GroupId,
    name: GroupName,
    description: Description,
}

pub(super) async fn take_over(import: &mut Import, report: &mut Report) -> Result<(), Failure> {
    report.begin("AllGroup", import.counts.groups);
    let Import {
        original,
        stores,
        limits,
        refused_users,
        refused_groups,
        ..
    } = import;
    let mut rows = original.groups();
    let mut group: Option<Group> = None;
    while let Some(row) = rows.try_next().await.map_err(original_failure)? {
        if group.as_ref().is_none_or(|group| group.id != row.id) {
            finish(group.take(), report);
            report.read();
        }
        let current = group.get_or_insert_with(|| Group {
            id: row.id,
            wanted: check(&row, report),
        });
        let member = row.member.and_then(user_id);
        let member = member.filter(|member| !refused_users.contains(member));
        let (Some(wanted), Some(member)) = (&current.wanted, member) else {
            continue;
        };
        match create(stores, wanted, member, limits.groups_per_user).await? {
            // Perhaps the next member is there.
            Creation::NoSuchMember => continue,
            Creation::There => {}
            Creation::Made if row.is_creator => {}
            Creation::Made => {
                report.change(
                    wanted.id,
                    format_args!("it had no creator; its member {member} is it now"),
                );
            }
            Creation::Refused(reason) => report.skip(wanted.id, reason),
            Creation::Another => {
                report.skip(wanted.id, "the store has another group with this id");
                refused_groups.insert(wanted.id);
                if refused_groups.len() > MOST_REFUSED {
                    return Err(foreign_store("groups"));
                }
            }
        }
        current.wanted = None;
    }
    finish(group, report);
    Ok(())
}

/// Lists a group that nobody could be the creator of.
fn finish(group: Option<Group>, report: &mut Report) {
    if let Some(wanted) = group.and_then(|group| group.wanted) {
        report.skip(wanted.id, "it has no member who could be its creator");
    }
}

/// Checks a group, and lists what is wrong with it.
fn check(row: &GroupRow, report: &mut Report) -> Option<Wanted> {
    let Some(id) = group_id(row.id) else {
        report.skip(row.id, "its id is none that a group can have");
        return None;
    };
    let name = row.name.as_deref().map(GroupName::parse);
    let Some(Ok(name)) = name else {
        report.skip(id, name_problem(name.and_then(Result::err)));
        return None;
    };
    let Some(Ok(description)) = row.description.as_deref().map(Description::parse) else {
        report.skip(id, "its description is no text of at most 200 characters");
        return None;
    };
    Some(Wanted {
        id,
        name,
        description,
    })
}

/// What came of making a group with a member as its creator.
enum Creation {
    Made,
    /// It was taken over before.
    There,
    NoSuchMember,
    /// The store has another group of this id.
    Another,
    Refused(&'static str),
}

async fn create(
    stores: &Stores,
    wanted: &Wanted,
    creator: UserId,
    groups_limit: usize,
) -> Result<Creation, Failure> {
    let new = NewGroup {
        id: Some(wanted.id),
        name: wanted.name.clone(),
        description: wanted.description.clone(),
        creator,
    };
    let made = stores.groups.create_group(&new, groups_limit);
    Ok(match made.await.map_err(store_failure)? {
        CreateGroup::Created(_) => Creation::Made,
        CreateGroup::NoSuchUser => Creation::NoSuchMember,
        CreateGroup::NameTaken => {
            Creation::Refused("another group has this name, or one that counts as the same")
        }
        CreateGroup::TooMany => {
            Creation::Refused("its creator is in as many groups as `limits.groups_per_user` allows")
        }
        CreateGroup::IdTaken => {
            let there = stores.groups.group(wanted.id).await.map_err(store_failure)?;
            if there.is_some_and(|group| group.name.key() == wanted.name.key()) {
                Creation::There
            } else {
                Creation::Another
            }
        }
    })
}

pub(super) async fn take_members_over(import: &mut Import, report: &mut Report) -> Result<(), Failure> {
    report.begin("GroupUser", import.counts.members);
    let Import {
        original,
        stores,
        limits,
        refused_users,
        refused_groups,
        ..
    } = import;
    let mut rows = original.members();
    while let Some(row) = rows.try_next().await.map_err(original_failure)? {
        report.read();
        let key = format!("{} {}", shown(row.group), shown(row.user));
        let (Some(group), Some(user)) = (row.group.and_then(group_id), row.user.and_then(user_id)) else {
            report.skip(key, "an id is none that a group or user can have");
            continue;
        };
        if refused_groups.contains(&group) || refused_users.contains(&user) {
            report.skip(key, "the group or the user was not taken over");
            continue;
        }
        let joined = join(
            stores,
            group,
            user,
            limits.groups_per_user,
            limits.members_per_group,
        )
        .await?;
        match joined {
            Ok(Role::Normal) if row.is_creator => {
                report.change(
                    key,
                    "the group has another creator; this one is a member like others",
                );
            }
            Ok(_) => {}
            Err(reason) => report.skip(key, reason),
        }
    }
    Ok(())
}

/// Makes a user a member and answers their role, or why they are none.
async fn join(
    stores: &Stores,
    group: GroupId,
    user: UserId,
    groups_limit: usize,
    members_limit: usize,
) -> Result<Result<Role, &'static str>, Failure> {
    let joined = stores.groups.join_group(group, user, groups_limit, members_limit);
    Ok(match joined.await.map_err(store_failure)? {
        JoinGroup::Joined(membership) | JoinGroup::AlreadyMember(membership) => Ok(membership.role),
        JoinGroup::NotFound => Err("the group or the user is not there"),
        JoinGroup::TooMany => {
            Err("the user is in as many groups, or the group has as many members, as the limits allow")
        }
    })
}
