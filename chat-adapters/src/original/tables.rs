//! The five tables, by the names that they have in this database.

use sqlx::mysql::MySqlConnection;

use super::OriginalError;

/// The names of the five tables as SQL writes them.
#[derive(Debug)]
pub(super) struct Tables {
    pub(super) user: String,
    pub(super) friend: String,
    pub(super) all_group: String,
    pub(super) group_user: String,
    pub(super) offline_message: String,
}

impl Tables {
    /// Finds the tables, whose names may have another case.
    pub(super) async fn find(
        connection: &mut MySqlConnection,
        database: &str,
    ) -> Result<Self, OriginalError> {
        let tables: Vec<(String, String)> = sqlx::query_as(
            "SELECT CAST(table_name AS CHAR), CAST(table_type AS CHAR)
               FROM information_schema.tables WHERE table_schema = DATABASE()",
        )
        .fetch_all(connection)
        .await
        .map_err(OriginalError::unreadable("information_schema.tables"))?;
        if tables
            .iter()
            .any(|(name, kind)| name.eq_ignore_ascii_case("OfflineMessage") && kind == "VIEW")
        {
            return Err(OriginalError::NotOriginal {
                database: database.to_owned(),
            });
        }
        let names: Vec<String> = tables.into_iter().map(|(name, _)| name).collect();
        let mut missing = Vec::new();
        let mut find = |wanted: &'static str| {
            let found = find_name(&names, wanted);
            if found.is_none() {
                missing.push(wanted);
            }
            found.map(quoted).unwrap_or_default()
        };
        let found = Self {
            user: find("User"),
            friend: find("Friend"),
            all_group: find("AllGroup"),
            group_user: find("GroupUser"),
            offline_message: find("OfflineMessage"),
        };
        if missing.is_empty() {
            return Ok(found);
        }
        Err(OriginalError::MissingTables {
            database: database.to_owned(),
            missing: missing.join(", "),
        })
    }
}

/// A table's own name; the original spelling first, where there are several.
fn find_name<'a>(names: &'a [String], wanted: &str) -> Option<&'a str> {
    let exact = names.iter().find(|name| *name == wanted);
    let found = exact.or_else(|| names.iter().find(|name| name.eq_ignore_ascii_case(wanted)));
    found.map(String::as_str)
}

/// A name as SQL writes it.
fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_found_without_case_and_the_original_spelling_comes_first() {
        let names = ["user".to_owned(), "User".to_owned(), "FRIEND".to_owned()];
        assert_eq!(find_name(&names, "User"), Some("User"));
        assert_eq!(find_name(&names, "Friend"), Some("FRIEND"));
        assert_eq!(find_name(&names, "AllGroup"), None);
        assert_eq!(quoted("a`b"), "`a``b`");
    }
}
