//! Rows as the original tables hold them, unchecked.

use std::fmt;

use sqlx::mysql::MySqlRow;
use sqlx::{FromRow, Row as _};

/// A text column; `None` where it is NULL or no valid text.
type Text = Option<String>;

/// How many rows each table has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows of `User`.
    pub users: u64,
    /// Rows of `Friend`.
    pub friends: u64,
    /// Rows of `AllGroup`.
    pub groups: u64,
    /// Rows of `GroupUser`.
    pub members: u64,
    /// Rows of `OfflineMessage`.
    pub offline: u64,
}

/// A row of `User`.
#[derive(Clone, PartialEq, Eq)]
pub struct UserRow {
    /// The id.
    pub id: i64,
    /// The name; `None` where it is NULL or no valid text.
    pub name: Text,
    /// The plain password; `None` where it is NULL or no valid text.
    pub password: Text,
}

impl fmt::Debug for UserRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserRow")
            .field("id", &self.id)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A row of `Friend`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FriendRow {
    /// Who added.
    pub user: Option<i64>,
    /// Whom.
    pub friend: Option<i64>,
}

/// A group with one of its members; a group without members is one row without one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRow {
    /// The group's id.
    pub id: i64,
    /// Its name; `None` where it is NULL or no valid text.
    pub name: Text,
    /// What it is for; empty where it is NULL, `None` where it is no valid text.
    pub description: Text,
    /// The member.
    pub member: Option<i64>,
    /// Whether their role is `creator`.
    pub is_creator: bool,
}

/// A row of `GroupUser`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberRow {
    /// The group.
    pub group: Option<i64>,
    /// The member.
    pub user: Option<i64>,
    /// Whether their role is `creator`.
    pub is_creator: bool,
}

/// A row of `OfflineMessage`.
#[derive(Clone, PartialEq, Eq)]
pub struct OfflineRow {
    /// For whom it waits.
    pub user: Option<i64>,
    /// What waits; `None` where it is NULL or no valid text.
    pub message: Text,
}

impl fmt::Debug for OfflineRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OfflineRow")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

impl FromRow<'_, MySqlRow> for UserRow {
    fn from_row(row: &MySqlRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get(0)?,
            name: text(row, 1)?,
            password: text(row, 2)?,
        })
    }
}

impl FromRow<'_, MySqlRow> for FriendRow {
    fn from_row(row: &MySqlRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            user: row.try_get(0)?,
            friend: row.try_get(1)?,
        })
    }
}

impl FromRow<'_, MySqlRow> for GroupRow {
    fn from_row(row: &MySqlRow) -> Result<Self, sqlx::Error> {
        let description: Option<Vec<u8>> = row.try_get(2)?;
        Ok(Self {
            id: row.try_get(0)?,
            name: text(row, 1)?,
            description: String::from_utf8(description.unwrap_or_default()).ok(),
            member: row.try_get(3)?,
            is_creator: is_creator(row, 4)?,
        })
    }
}

impl FromRow<'_, MySqlRow> for MemberRow {
    fn from_row(row: &MySqlRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            group: row.try_get(0)?,
            user: row.try_get(1)?,
            is_creator: is_creator(row, 2)?,
        })
    }
}

impl FromRow<'_, MySqlRow> for OfflineRow {
    fn from_row(row: &MySqlRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            user: row.try_get(0)?,
            message: text(row, 1)?,
        })
    }
}

fn text(row: &MySqlRow, column: usize) -> Result<Text, sqlx::Error> {
    let bytes: Option<Vec<u8>> = row.try_get(column)?;
    Ok(bytes.and_then(|bytes| String::from_utf8(bytes).ok()))
}

fn is_creator(row: &MySqlRow, column: usize) -> Result<bool, sqlx::Error> {
    let is_creator: Option<i64> = row.try_get(column)?;
    Ok(is_creator == Some(1))
}
