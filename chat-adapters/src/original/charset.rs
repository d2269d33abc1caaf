//! The character set that the original program spoke with its database.

use std::fmt;
use std::str::FromStr;

/// The character set that the original program asked its database for (`SET NAMES …`).
///
/// Its clients' texts are UTF-8. Where the program asked for another set, the database took them
/// for texts of that set, and only reading them in it gives them back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Charset {
    /// UTF-8: the program asked for it, or for what its tables have.
    #[default]
    Utf8,
    /// GBK, which many copies of the program ask for.
    Gbk,
    /// ISO 8859-1 as MySQL knows it: the default of clients up to MySQL 5.7.
    Latin1,
}

impl Charset {
    /// Its name in SQL.
    pub(super) const fn sql_name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf8mb4",
            Self::Gbk => "gbk",
            Self::Latin1 => "latin1",
        }
    }
}

impl fmt::Display for Charset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf8 => "utf8",
            Self::Gbk => "gbk",
            Self::Latin1 => "latin1",
        })
    }
}

/// A name that is none of a known character set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be utf8, gbk or latin1")]
pub struct UnknownCharset;

impl FromStr for Charset {
    type Err = UnknownCharset;

    fn from_str(name: &str) -> Result<Self, UnknownCharset> {
        match name {
            "utf8" | "utf8mb4" => Ok(Self::Utf8),
            "gbk" => Ok(Self::Gbk),
            "latin1" => Ok(Self::Latin1),
            _ => Err(UnknownCharset),
        }
    }
}
