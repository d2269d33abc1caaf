//! `chat`: the client for people and scripts.

mod cli;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let outcome = match runtime {
        Ok(runtime) => {
            let outcome = cli::run(arguments, &runtime);
            // A prompt that nobody answers must not hold the process.
            runtime.shutdown_background();
            outcome
        }
        Err(error) => Err(cli::Failure::from(anyhow::Error::new(error))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
