//! Plays every example of `docs/protocol.md` and every file of `tests/transcripts` against a real
//! server over a real socket, one trial each.

mod notation;
mod player;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use libtest_mimic::{Arguments, Failed, Trial};
use notation::parse::{Transcript, parse_file, parse_markdown};

fn main() -> Result<ExitCode> {
    let arguments = Arguments::from_args();
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut trials = page_trials(&package.join("../docs/protocol.md"))?;
    trials.extend(file_trials(&package.join("tests/transcripts"))?);
    Ok(libtest_mimic::run(&arguments, trials).exit_code())
}

fn page_trials(page: &Path) -> Result<Vec<Trial>> {
    let text = fs::read_to_string(page).with_context(|| format!("reading {}", page.display()))?;
    let transcripts = parse_markdown(&text).with_context(|| format!("in {}", page.display()))?;
    ensure!(!transcripts.is_empty(), "{} holds no transcript", page.display());
    Ok(transcripts
        .into_iter()
        .map(|transcript| trial("protocol.md", transcript))
        .collect())
}

fn file_trials(folder: &Path) -> Result<Vec<Trial>> {
    let mut trials = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "txt") {
            continue;
        }
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let transcript = parse_file(&name, &text).with_context(|| format!("in {}", path.display()))?;
        trials.push(trial("transcripts", transcript));
    }
    ensure!(!trials.is_empty(), "{} holds no transcript", folder.display());
    trials.sort_by(|one, other| one.name().cmp(other.name()));
    Ok(trials)
}

fn trial(source: &str, transcript: Transcript) -> Trial {
    let name = format!("{source}::{}", transcript.name);
    Trial::test(name, move || {
        player::play(&transcript).map_err(|error| Failed::from(format!("{error:#}")))
    })
}
