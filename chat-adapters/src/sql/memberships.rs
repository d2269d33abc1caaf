//! Groups and memberships as their rows hold them.

use chat_core::BackendError;
use chat_core::types::{Description, Group, GroupMembership, GroupName, Role};

use super::from_row;
use super::rows::{bad_column, count, group_id, seq};

/// A group with one of its memberships.
pub(crate) struct MembershipRow {
    groupid: i64,
    groupname: String,
    groupdesc: String,
    members: i64,
    grouprole: String,
    joined_seq: i64,
}

from_row!(MembershipRow {
    groupid,
    groupname,
    groupdesc,
    members,
    grouprole,
    joined_seq
});

impl MembershipRow {
    pub(crate) fn into_membership(self) -> Result<GroupMembership, BackendError> {
        Ok(GroupMembership {
            group: group((self.groupid, self.groupname, self.groupdesc, self.members))?,
            role: role(&self.grouprole)?,
            joined_seq: seq(self.joined_seq)?,
        })
    }
}

/// A stored group.
pub(crate) fn group(
    (id, name, description, members): (i64, String, String, i64),
) -> Result<Group, BackendError> {
    Ok(Group {
        id: group_id(id)?,
        name: GroupName::parse(&name).map_err(|_| bad_column("group name"))?,
        description: Description::parse(&description).map_err(|_| bad_column("group description"))?,
        members: count("count of members", members)?,
    })
}

/// A stored role.
pub(crate) fn role(word: &str) -> Result<Role, BackendError> {
    Role::from_word(word).ok_or_else(|| bad_column("role"))
}
