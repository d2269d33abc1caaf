//! The messages and clients of `proto/backend.proto`, for a caller that is nobody's node.
#![allow(
    dead_code,
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
    reason = "generated code is nobody's style"
)]

include!(concat!(env!("OUT_DIR"), "/chat.backend.v1.rs"));
