//! The queries. Texts are read as bytes of the character set that was named, integers as 64-bit.

use futures_util::{Stream, StreamExt as _, TryStreamExt as _};
use sqlx::mysql::MySqlRow;
use sqlx::{AssertSqlSafe, FromRow};

use super::{
    Counts, FriendRow, GroupRow, MemberRow, Occurrences, OfflineRow, OriginalDatabase, OriginalError, UserRow,
};

impl OriginalDatabase {
    /// How many rows there are.
    ///
    /// # Errors
    /// [`OriginalError::Unreadable`]
    pub async fn counts(&mut self) -> Result<Counts, OriginalError> {
        let tables = [
            ("User", self.tables.user.clone()),
            ("Friend", self.tables.friend.clone()),
            ("AllGroup", self.tables.all_group.clone()),
            ("GroupUser", self.tables.group_user.clone()),
            ("OfflineMessage", self.tables.offline_message.clone()),
        ];
        let mut counts = [0; 5];
        for (count, (name, table)) in counts.iter_mut().zip(tables) {
            let rows: i64 = sqlx::query_scalar(AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}")))
                .fetch_one(&mut self.connection)
                .await
                .map_err(OriginalError::unreadable(name))?;
            *count = u64::try_from(rows).unwrap_or_default();
        }
        let [users, friends, groups, members, offline] = counts;
        Ok(Counts {
            users,
            friends,
            groups,
            members,
            offline,
        })
    }

    /// All users by ascending id.
    pub fn users(&mut self) -> impl Stream<Item = Result<UserRow, OriginalError>> + Unpin {
        let query = format!(
            "SELECT {id}, {name}, {password} FROM {user} ORDER BY id",
            id = integer("id"),
            name = self.text("name"),
            password = self.text("password"),
            user = self.tables.user,
        );
        self.stream("User", query)
    }

    /// The ids of users after `after`, ascending, at most `limit`.
    ///
    /// # Errors
    /// [`OriginalError::Unreadable`]
    pub async fn user_ids(&mut self, after: i64, limit: u32) -> Result<Vec<i64>, OriginalError> {
        let query = format!(
            "SELECT {id} FROM {user} WHERE id > ? ORDER BY id LIMIT ?",
            id = integer("id"),
            user = self.tables.user,
        );
        sqlx::query_scalar(AssertSqlSafe(query))
            .bind(after)
            .bind(limit)
            .fetch_all(&mut self.connection)
            .await
            .map_err(OriginalError::unreadable("User"))
    }

    /// All friendships, in no order.
    pub fn friends(&mut self) -> impl Stream<Item = Result<FriendRow, OriginalError>> + Unpin {
        let query = format!(
            "SELECT {user}, {friend} FROM {table}",
            user = integer("userid"),
            friend = integer("friendid"),
            table = self.tables.friend,
        );
        self.stream("Friend", query)
    }

    /// All groups by ascending id, each with its members: creators first, then by ascending id.
    pub fn groups(&mut self) -> impl Stream<Item = Result<GroupRow, OriginalError>> + Unpin {
        let query = format!(
            "SELECT {id}, {name}, {description}, {member}, {is_creator}
               FROM {all_group} g LEFT JOIN {group_user} m ON m.groupid = g.id
              ORDER BY g.id, 5 DESC, m.userid",
            id = integer("g.id"),
            name = self.text("g.groupname"),
            description = self.text("g.groupdesc"),
            member = integer("m.userid"),
            is_creator = IS_CREATOR,
            all_group = self.tables.all_group,
            group_user = self.tables.group_user,
        );
        self.stream("AllGroup", query)
    }

    /// All memberships, in no order.
    pub fn members(&mut self) -> impl Stream<Item = Result<MemberRow, OriginalError>> + Unpin {
        let query = format!(
            "SELECT {group}, {user}, {IS_CREATOR} FROM {table} m",
            group = integer("m.groupid"),
            user = integer("m.userid"),
            table = self.tables.group_user,
        );
        self.stream("GroupUser", query)
    }

    /// All messages that wait, in the order that the table holds them in: that of their arrival,
    /// since it has no key.
    pub fn offline(&mut self) -> impl Stream<Item = Result<OfflineRow, OriginalError>> + Unpin {
        let query = format!(
            "SELECT {user}, {message} FROM {table}",
            user = integer("userid"),
            message = self.text("message"),
            table = self.tables.offline_message,
        );
        self.stream("OfflineMessage", query)
    }

    /// The messages that wait for the users of these ids, from `first` to `last`: by ascending user.
    pub fn offline_of(
        &mut self,
        first: i64,
        last: i64,
    ) -> impl Stream<Item = Result<OfflineRow, OriginalError>> + Unpin {
        let query = format!(
            "SELECT {user}, {message} FROM {table} WHERE userid BETWEEN {first} AND {last} ORDER BY userid",
            user = integer("userid"),
            message = self.text("message"),
            table = self.tables.offline_message,
        );
        self.stream("OfflineMessage", query)
    }

    /// The texts that wait more than once for the same user.
    ///
    /// # Errors
    /// [`OriginalError::Unreadable`]
    pub async fn occurrences(&mut self) -> Result<Occurrences, OriginalError> {
        let query = format!(
            "SELECT {user} AS receiver, SHA2({message}, 256) AS hash FROM {table}
              WHERE userid IS NOT NULL AND message IS NOT NULL
              GROUP BY receiver, hash HAVING COUNT(*) > 1",
            user = integer("userid"),
            message = self.text("message"),
            table = self.tables.offline_message,
        );
        let mut repeated = Occurrences::default();
        let mut rows = sqlx::query_as::<_, (i64, String)>(AssertSqlSafe(query)).fetch(&mut self.connection);
        while let Some((user, hash)) = rows
            .try_next()
            .await
            .map_err(OriginalError::unreadable("OfflineMessage"))?
        {
            repeated.expect(user, &hash);
        }
        Ok(repeated)
    }

    fn stream<'a, T>(
        &'a mut self,
        table: &'static str,
        query: String,
    ) -> impl Stream<Item = Result<T, OriginalError>> + Unpin + use<'a, T>
    where
        T: for<'r> FromRow<'r, MySqlRow> + Send + Unpin + 'a,
    {
        sqlx::query_as::<_, T>(AssertSqlSafe(query))
            .fetch(&mut self.connection)
            .map(move |row| row.map_err(OriginalError::unreadable(table)))
    }

    /// A text column as bytes of the character set.
    fn text(&self, column: &str) -> String {
        format!(
            "CAST(CONVERT({column} USING {}) AS BINARY)",
            self.charset.sql_name()
        )
    }
}

/// Whether the role is `creator`, also where it is NULL or of any type and case.
const IS_CREATOR: &str = "CAST(COALESCE(LOWER(m.grouprole) = 'creator', 0) AS SIGNED)";

/// An integer column of any width.
fn integer(column: &str) -> String {
    format!("CAST({column} AS SIGNED)")
}
