//! How a struct is made of a row.

/// Reads the fields of a struct from the columns of their names, and the last ones, after a semicolon, from the same row as
/// structs of their own.
///
/// The derive macro of sqlx would do so too, but it compiles the clients of all databases for itself.
macro_rules! from_row {
    ($row:ty { $($column:ident),* $(; $nested:ident)* }) => {
        impl<'r, R> sqlx::FromRow<'r, R> for $row
        where
            R: sqlx::Row,
            &'static str: sqlx::ColumnIndex<R>,
            bool: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
            i64: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
            String: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
        {
            fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
                Ok(Self {
                    $($column: row.try_get(stringify!($column))?,)*
                    $($nested: sqlx::FromRow::from_row(row)?,)*
                })
            }
        }
    };
}

pub(crate) use from_row;
