//! `chat logs`: reads the event log of a cluster, whose form `docs/log.md` has, from files, standard input or
//! Kafka, and shows it in the order of time.
//!
//! ```text
//! tail ─► feed ─┐
//! input ─► feed ─┼─► merge ─► filter ─► output
//! kafka ─► feed ─┘   (reorder)
//! ```

mod args;
mod entry;
mod feed;
mod files;
mod filter;
#[cfg(feature = "kafka")]
mod kafka;
mod lines;
mod merge;
mod moment;
mod numbers;
mod output;
mod reorder;
mod run;
mod seek;
mod source;
mod tail;
#[cfg(test)]
pub(crate) mod testing;
mod wording;

pub(crate) use args::{LogsArguments, SourceArguments};
pub(crate) use feed::{Extent, Follow};
pub(crate) use merge::Merge;
pub(crate) use moment::Moment;
pub(crate) use run::{open, run};
