//! chat-server: the reference server, from settings to a drained end.

mod arguments;
mod backend;
mod backend_settings;
mod backend_url;
mod chosen;
#[cfg_attr(not(feature = "cluster"), path = "without_cluster.rs")]
mod cluster;
mod commands;
mod config;
#[cfg(any(feature = "cluster", feature = "grpc"))]
mod deadlines;
mod event_log;
mod failure;
mod host;
mod http;
#[cfg(feature = "cluster")]
mod import;
mod limit_settings;
mod listen;
mod networks;
mod node_name;
mod open_files;
mod process;
mod reference;
mod registry;
mod reload;
#[cfg_attr(not(feature = "grpc"), path = "without_grpc.rs")]
mod remote;
mod serve;
mod shutdown;
mod tasks;
mod telemetry;
mod tls_settings;
mod unknown;
mod validate;
mod websocket_settings;
mod wire_up;
mod written_list;

use std::process::ExitCode;

use crate::arguments::Arguments;

/// Gives back what is free some seconds later, also what SQLite took and the 19 MiB of each password hash; the system's
/// allocator keeps it, for every thread anew.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let arguments = match Arguments::read() {
        Ok(arguments) => arguments,
        Err(help_or_mistake) => return say(&help_or_mistake),
    };
    match commands::run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("chat-server: {failure}");
            failure.exit_code()
        }
    }
}

/// Prints what clap has to say: help and version are no failures.
fn say(help_or_mistake: &clap::Error) -> ExitCode {
    let printed = help_or_mistake.print();
    if help_or_mistake.use_stderr() || printed.is_err() {
        ExitCode::from(2)
    } else {
        ExitCode::SUCCESS
    }
}
