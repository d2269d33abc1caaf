//! Text to steps.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// A transcript: a server's settings, and what clients do and see.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Transcript {
    /// What the trial is called.
    pub(crate) name: String,
    /// Lines of the server's settings file.
    pub(crate) settings: Vec<String>,
    /// What happens, in order.
    pub(crate) steps: Vec<Step>,
}

/// One line of a transcript.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step {
    /// Its line in the file it comes from.
    pub(crate) line: usize,
    /// Whose step it is; `server` for the server's own.
    pub(crate) client: String,
    /// What is done or seen.
    pub(crate) action: Action,
}

/// What a step does or expects.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    /// Opens a connection.
    Connect,
    /// Opens a connection and logs in, after registering a name that is new to the transcript.
    ConnectAs {
        /// The user's name.
        user: String,
        /// The device's name.
        device: String,
    },
    /// Closes the connection from the client's side.
    Disconnect,
    /// Expects that the server closes the connection.
    Closed,
    /// Sends a line.
    Send(String),
    /// Expects a frame.
    Expect(Value),
    /// Sends SIGTERM to the server.
    Terminate,
}

/// Reads a file that is one transcript.
pub(crate) fn parse_file(name: &str, text: &str) -> Result<Transcript> {
    parse_lines(name.to_owned(), text.lines().zip(1..))
}

/// Reads every `transcript` block of a Markdown page, each named by its heading and line.
pub(crate) fn parse_markdown(text: &str) -> Result<Vec<Transcript>> {
    let mut transcripts = Vec::new();
    let mut heading = "";
    let mut lines = text.lines().zip(1..);
    while let Some((line, number)) = lines.next() {
        if line.trim_start().starts_with("```") {
            let block: Vec<_> = lines
                .by_ref()
                .take_while(|(line, _)| line.trim() != "```")
                .collect();
            if line.trim() == "```transcript" {
                let name = format!("{heading} (line {number})");
                transcripts.push(parse_lines(name, block.into_iter())?);
            }
        } else if line.starts_with('#') {
            heading = line.trim_start_matches('#').trim();
        }
    }
    Ok(transcripts)
}

fn parse_lines<'a>(name: String, lines: impl Iterator<Item = (&'a str, usize)>) -> Result<Transcript> {
    let (mut settings, mut steps) = (Vec::new(), Vec::new());
    for (text, line) in lines {
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        if let Some(setting) = text.strip_prefix("server: ").filter(|rest| rest.contains('=')) {
            ensure!(
                steps.is_empty(),
                "line {line}: settings come before the first step"
            );
            settings.push(setting.to_owned());
            continue;
        }
        let step = parse_step(text, line).with_context(|| format!("line {line}: `{text}`"))?;
        steps.push(step);
    }
    ensure!(!steps.is_empty(), "{name} has no step");
    Ok(Transcript {
        name,
        settings,
        steps,
    })
}

fn parse_step(text: &str, line: usize) -> Result<Step> {
    let end = text
        .find(|c: char| !c.is_ascii_alphanumeric())
        .context("a step begins with a client's name and one of `:`, `>` and `<`")?;
    let (client, rest) = text.split_at(end);
    ensure!(!client.is_empty(), "the client's name is missing");
    let action = match rest.split_at_checked(1) {
        Some((">", rest)) => Action::Send(repeat_characters(rest.trim_start())?),
        Some(("<", rest)) => Action::Expect(serde_json::from_str(rest).context("not JSON")?),
        Some((":", rest)) => parse_action(client, rest.trim())?,
        _ => bail!("after the client's name comes one of `:`, `>` and `<`"),
    };
    Ok(Step {
        line,
        client: client.to_owned(),
        action,
    })
}

fn parse_action(client: &str, text: &str) -> Result<Action> {
    let words: Vec<&str> = text.split_whitespace().collect();
    Ok(match (client, words.as_slice()) {
        ("server", ["terminate"]) => Action::Terminate,
        ("server", _) => bail!("the server's steps are `terminate` and, before all others, `KEY = VALUE`"),
        (_, ["connect"]) => Action::Connect,
        (_, ["connect", "as", user]) => Action::ConnectAs {
            user: (*user).to_owned(),
            device: "default".to_owned(),
        },
        (_, ["connect", "as", user, "on", device]) => Action::ConnectAs {
            user: (*user).to_owned(),
            device: (*device).to_owned(),
        },
        (_, ["disconnect"]) => Action::Disconnect,
        (_, ["closed"]) => Action::Closed,
        _ => {
            bail!("a client's steps are `connect`, `connect as USER [on DEVICE]`, `disconnect` and `closed`")
        }
    })
}

/// Writes `<x*3>` as `xxx`, so that long texts stay readable.
fn repeat_characters(text: &str) -> Result<String> {
    let mut written = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        written.push_str(before);
        let Some((character, count, after)) = read_repetition(after) else {
            written.push('<');
            rest = after;
            continue;
        };
        let count: usize = count.parse().context("the count after `*` is too large")?;
        ensure!(count <= 1 << 24, "the count after `*` is too large");
        written.extend(std::iter::repeat_n(character, count));
        rest = after;
    }
    written.push_str(rest);
    Ok(written)
}

fn read_repetition(text: &str) -> Option<(char, &str, &str)> {
    let character = text.chars().next()?;
    let rest = text.get(character.len_utf8()..)?.strip_prefix('*')?;
    let (count, after) = rest.split_once('>')?;
    let is_count = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
    is_count.then_some((character, count, after))
}
