//! What the stores on SQL databases share: rows, numbers and migrations.

mod from_row;
pub(crate) mod memberships;
pub(crate) mod migrations;
pub(crate) mod numbering;
pub(crate) mod positions;
pub(crate) mod rows;
pub(crate) mod start;

pub(crate) use self::from_row::from_row;
