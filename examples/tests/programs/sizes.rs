//! What is said of the programs.

use std::fs;
use std::path::Path;

use libtest_mimic::Failed;

const MOST_LINES: usize = 80;
const MOST_LINES_TO_EMBED: usize = 15;

pub(crate) fn no_program_is_longer_than_80_lines() -> Result<(), Failed> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut programs = 0;
    for path in files.collect::<Result<Vec<_>, _>>()? {
        if path.extension().is_some_and(|extension| extension == "rs") {
            let lines = fs::read_to_string(&path)?.lines().count();
            assert!(lines <= MOST_LINES, "{} has {lines} lines", path.display());
            programs += 1;
        }
    }
    assert!(programs >= 9, "only {programs} programs were found");
    Ok(())
}

pub(crate) fn the_front_page_embeds_in_15_lines() -> Result<(), Failed> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = fs::read_to_string(folder.join("embed.rs"))?;
    let begin = program.find("use ").ok_or("it uses nothing")?;
    let end = program.find("\n#[test]").ok_or("it has no test")?;
    let shown = program[begin..end].trim_end();
    let body = shown.split_once("fn main()").ok_or("it has no main")?.1;
    let lines = body.lines().skip(1).filter(|line| !line.trim().is_empty());
    // The last line closes the function.
    assert!(lines.count() - 1 <= MOST_LINES_TO_EMBED);
    let front_page = fs::read_to_string(folder.join("../README.md"))?;
    assert!(
        front_page.contains(shown),
        "README.md shows another program than embed.rs"
    );
    Ok(())
}
