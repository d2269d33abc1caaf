//! The parts of the binary.

mod action;
mod address;
mod args;
mod bench;
mod commands;
mod credentials;
mod directory;
mod failure;
mod interactive;
mod listen;
mod logs;
mod one_shot;
mod output;
mod target;
mod text;
mod token_file;
mod top;

pub(crate) use args::Arguments;
pub(crate) use commands::run;
pub(crate) use failure::Failure;
