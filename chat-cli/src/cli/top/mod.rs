//! `chat top`: a table of the nodes of a cluster, from the status records of its event log.

mod args;
mod columns;
mod keys;
mod nodes;
mod once;
mod run;
mod screen;
mod status;
mod table;

pub(crate) use args::TopArguments;
pub(crate) use run::run;
