//! The notation of transcripts, without I/O. `tests/transcripts/README.md` describes it.

pub(crate) mod matching;
pub(crate) mod parse;
