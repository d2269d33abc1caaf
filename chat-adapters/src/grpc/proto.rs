//! The messages, clients and services of `proto/backend.proto`, as its compiler makes them.
#![allow(
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::allow_attributes_without_reason,
    clippy::doc_markdown,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    clippy::too_many_lines,
    clippy::use_self,
    reason = "generated code is nobody's style; the comments of the .proto file are its documentation"
)]

include!(concat!(env!("OUT_DIR"), "/chat.backend.v1.rs"));

/// The description of the services that reflection answers.
pub(super) const DESCRIPTION: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/backend.bin"));
