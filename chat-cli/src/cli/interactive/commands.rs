//! The /commands.

use chat_core::protocol::Conversations;
use chat_core::types::{Description, GroupName, InvalidValue};

use crate::cli::action::Action;
use crate::cli::failure::Failure;
use crate::cli::target::{GroupTarget, Target};

/// A line that its user entered.
#[derive(Clone, Debug)]
pub(super) enum Line {
    /// Nothing.
    Empty,
    /// A text for the current conversation.
    Text(String),
    /// `/to`: make a conversation the current one.
    Open(Target),
    /// `/send`: a text for another conversation.
    SendTo(Target, String),
    /// A request.
    Act(Action),
    /// `/history` without a conversation: the current one's.
    HistoryHere,
    /// `/ping`.
    Ping,
    /// `/help`.
    Help,
    /// `/quit`.
    Quit,
}

/// Each command with its arguments and what it does, for `/help` and for completion.
pub(super) const COMMANDS: &[(&str, &str, &str)] = &[
    (
        "/to",
        "@NAME | #GROUP",
        "talk there: lines without a slash go to it",
    ),
    (
        "/send",
        "@NAME | #GROUP TEXT",
        "send one message there; names with spaces need /to",
    ),
    (
        "/history",
        "[@NAME | #GROUP]",
        "older messages, of here or of there",
    ),
    (
        "/conversations",
        "",
        "your conversations, newest first, with unread counts",
    ),
    ("/friends", "", "your friends"),
    ("/add-friend", "@NAME", "befriend a user"),
    ("/remove-friend", "@NAME", "end a friendship"),
    ("/groups", "", "your groups"),
    ("/create-group", "NAME [: DESCRIPTION]", "make a group"),
    ("/join", "ID", "join a group"),
    ("/leave", "#GROUP", "leave a group"),
    ("/members", "#GROUP", "who is in a group"),
    ("/find", "@NAME", "find a user"),
    ("/ping", "", "ask the server for a sign of life"),
    ("/help", "", "this list"),
    (
        "/quit",
        "",
        "leave; so does Ctrl-D. To send a text that starts with a slash, write two",
    ),
];

const HISTORY_LINES: u16 = 20;

/// Reads a line.
pub(super) fn parse(line: &str) -> Result<Line, Failure> {
    let line = line.trim();
    if line.is_empty() {
        return Ok(Line::Empty);
    }
    if !line.starts_with('/') {
        return Ok(Line::Text(line.to_owned()));
    }
    if let Some(text) = line.strip_prefix("//") {
        return Ok(Line::Text(format!("/{text}")));
    }
    let (command, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    parse_command(command, rest.trim())
}

fn parse_command(command: &str, rest: &str) -> Result<Line, Failure> {
    let checked = |result: Result<Line, InvalidValue>| result.map_err(|invalid| wrong(command, &invalid));
    match command {
        "/to" => checked(rest.parse().map(Line::Open)),
        "/send" => {
            let (to, text) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            checked(to.parse().map(|to| Line::SendTo(to, text.trim().to_owned())))
        }
        "/history" if rest.is_empty() => Ok(Line::HistoryHere),
        "/history" => checked(rest.parse().map(|of| Line::Act(history(of)))),
        "/conversations" => {
            let limit = Conversations::default().limit;
            Ok(Line::Act(Action::Conversations { limit }))
        }
        "/friends" => Ok(Line::Act(Action::Friends)),
        "/add-friend" => checked(rest.parse().map(|user| Line::Act(Action::AddFriend(user)))),
        "/remove-friend" => checked(rest.parse().map(|user| Line::Act(Action::RemoveFriend(user)))),
        "/groups" => Ok(Line::Act(Action::Groups)),
        "/create-group" => checked(create_group(rest)),
        "/join" => checked(rest.parse().map(|group| Line::Act(Action::Join(group)))),
        "/leave" => checked(rest.parse().map(|group| Line::Act(Action::Leave(group)))),
        "/members" => checked(rest.parse().map(|group| Line::Act(members(group)))),
        "/find" => checked(rest.parse().map(|user| Line::Act(Action::Find(user)))),
        "/ping" => Ok(Line::Ping),
        "/help" => Ok(Line::Help),
        "/quit" => Ok(Line::Quit),
        _ => Err(Failure::Usage(format!(
            "{command} is no command; see them with /help"
        ))),
    }
}

/// The last messages of a conversation.
pub(super) const fn history(of: Target) -> Action {
    Action::History {
        of,
        before: None,
        limit: HISTORY_LINES,
    }
}

const fn members(group: GroupTarget) -> Action {
    Action::Members {
        group,
        after: None,
        limit: 200,
    }
}

fn create_group(rest: &str) -> Result<Line, InvalidValue> {
    let (name, description) = rest.split_once(':').unwrap_or((rest, ""));
    let name = GroupName::parse(name.trim().trim_start_matches('#'))?;
    let description = Description::parse(description.trim())?;
    Ok(Line::Act(Action::CreateGroup { name, description }))
}

fn wrong(command: &str, invalid: &InvalidValue) -> Failure {
    let usage = COMMANDS
        .iter()
        .find(|(name, ..)| *name == command)
        .map_or("", |(_, usage, _)| usage);
    Failure::Usage(format!("write {command} {usage}; what it names {invalid}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_of_the_list_is_known() {
        for (command, usage, _) in COMMANDS {
            let example = if usage.is_empty() { "" } else { "7" };
            assert!(parse(&format!("{command} {example}")).is_ok(), "{command}");
        }
        assert!(parse("/dance").is_err());
    }

    #[test]
    fn lines_without_a_slash_and_with_two_are_texts() {
        assert!(matches!(parse(" hello  "), Ok(Line::Text(text)) if text == "hello"));
        assert!(matches!(parse("//to me"), Ok(Line::Text(text)) if text == "/to me"));
        assert!(matches!(parse("  "), Ok(Line::Empty)));
        assert!(matches!(parse("/send @bob a b"), Ok(Line::SendTo(_, text)) if text == "a b"));
        assert!(matches!(parse("/create-group rust: about crabs"),
            Ok(Line::Act(Action::CreateGroup { name, description }))
                if name.as_str() == "rust" && description.as_str() == "about crabs"));
    }
}
