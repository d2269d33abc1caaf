//! All transcripts that there are.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::notation::parse::{Transcript, parse_file, parse_markdown};

/// Every example of `docs/protocol.md` and every file of `tests/transcripts`, each with the name of its trial.
pub(crate) fn all_transcripts() -> Result<Vec<(String, Transcript)>> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = of_page(&package.join("../docs/protocol.md"))?;
    all.extend(of_folder(&package.join("tests/transcripts"))?);
    Ok(all)
}

fn of_page(page: &Path) -> Result<Vec<(String, Transcript)>> {
    let text = fs::read_to_string(page).with_context(|| format!("reading {}", page.display()))?;
    let transcripts = parse_markdown(&text).with_context(|| format!("in {}", page.display()))?;
    ensure!(!transcripts.is_empty(), "{} holds no transcript", page.display());
    Ok(named("protocol.md", transcripts))
}

fn of_folder(folder: &Path) -> Result<Vec<(String, Transcript)>> {
    let mut transcripts = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "txt") {
            continue;
        }
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        transcripts.push(parse_file(&name, &text).with_context(|| format!("in {}", path.display()))?);
    }
    ensure!(
        !transcripts.is_empty(),
        "{} holds no transcript",
        folder.display()
    );
    transcripts.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(named("transcripts", transcripts))
}

fn named(source: &str, transcripts: Vec<Transcript>) -> Vec<(String, Transcript)> {
    let named = transcripts
        .into_iter()
        .map(|transcript| (format!("{source}::{}", transcript.name), transcript));
    named.collect()
}
