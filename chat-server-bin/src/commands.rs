//! What each command does.

use std::io::Write as _;

use anyhow::Context as _;

use crate::arguments::{Arguments, Task};
use crate::backend;
use crate::config::Settings;
use crate::failure::Failure;
use crate::host::Start;
#[cfg(feature = "cluster")]
use crate::import;
use crate::telemetry::Telemetry;
use crate::{process, serve, telemetry, wire_up};

/// Loads the settings and does what the command line asks for.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let settings = Settings::load(arguments)?;
    match &arguments.task {
        Task::CheckConfig => print(&settings.to_toml()?),
        Task::Migrate => {
            let report = on_runtime(wire_up::migrate(&settings))?;
            print(&format!("{report}\n"))
        }
        #[cfg(feature = "cluster")]
        Task::Import(source) => on_runtime(import::import(&settings, source)),
        task @ (Task::Serve | Task::Backend) => {
            let Telemetry {
                levels,
                traced,
                export,
            } = telemetry::start(&settings)?;
            let start = Start {
                settings,
                arguments: arguments.clone(),
                levels,
                traced,
            };
            process::refuse_huge_pages();
            let served = if *task == Task::Backend {
                on_runtime(backend::serve(start))
            } else {
                on_runtime(serve::serve(start))
            };
            export.close();
            served
        }
    }
}

/// Runs on a runtime that ends with its future: whatever blocking call is still under way then,
/// nobody waits for it any more.
fn on_runtime<T>(task: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime's threads; allow this user more processes")?;
    let result = runtime.block_on(task);
    runtime.shutdown_background();
    result
}

fn print(text: &str) -> Result<(), Failure> {
    let mut output = std::io::stdout().lock();
    Ok(output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush())
        .context("cannot write to standard output")?)
}
