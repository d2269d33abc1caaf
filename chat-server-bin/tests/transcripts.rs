//! Plays every example of `docs/protocol.md` and every file of `tests/transcripts` against a real
//! server over a real socket, one trial each.

mod notation;
mod player;
mod support;

use std::process::ExitCode;

use anyhow::Result;
use libtest_mimic::{Arguments, Failed, Trial};
use notation::parse::Transcript;
use player::SingleServer;

fn main() -> Result<ExitCode> {
    let arguments = Arguments::from_args();
    let trials = player::all_transcripts()?;
    let trials = trials
        .into_iter()
        .map(|(name, transcript)| trial(name, transcript));
    Ok(libtest_mimic::run(&arguments, trials.collect()).exit_code())
}

fn trial(name: String, transcript: Transcript) -> Trial {
    Trial::test(name, move || {
        let played = SingleServer::start(&transcript.settings)
            .and_then(|mut server| player::play(&transcript, &mut server));
        played.map_err(|error| Failed::from(format!("{error:#}")))
    })
}
