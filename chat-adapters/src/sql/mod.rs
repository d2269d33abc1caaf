//! What the stores on SQL databases share: rows, numbers and migrations.

pub(crate) mod memberships;
pub(crate) mod migrations;
pub(crate) mod numbering;
pub(crate) mod positions;
pub(crate) mod rows;
pub(crate) mod start;
