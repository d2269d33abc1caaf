//! `chat-server backend`: a process that serves its store to connection nodes by RPC.

#[cfg(feature = "grpc")]
mod announce;
mod check;
#[cfg(feature = "grpc")]
mod health;
#[cfg_attr(not(feature = "grpc"), path = "without_grpc.rs")]
mod serve;
mod settings;

pub(crate) use check::check;
pub(crate) use serve::serve;
pub(crate) use settings::BackendSettings;
