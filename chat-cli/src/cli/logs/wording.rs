//! A record as a line for people.

use chat_core::ports::{Level, LogRecord};
use serde_json::Value;

use crate::cli::text::{Colour, Tone, precise_local_time, visible};

/// Time, level, node, event, and the fields as `key=value`. Nothing in a record reaches the terminal as a
/// command to it, or passes for another part of the line.
pub(super) fn line(record: &LogRecord, colour: Colour) -> String {
    let (level, tone) = match record.level {
        Level::Info => ("info ", Tone::Own),
        Level::Warn => ("warn ", Tone::Alert),
        Level::Error => ("error", Tone::Failed),
    };
    let mut line = format!(
        "{} {} {} {}",
        colour.paint(Tone::Quiet, &precise_local_time(record.at)),
        colour.paint(tone, level),
        colour.paint(Tone::Person, &visible(record.node.as_str())),
        colour.paint(Tone::Topic, &word(&record.event)),
    );
    for (key, value) in &record.fields {
        let key = colour.paint(Tone::Quiet, &format!("{}=", word(key)));
        line.push(' ');
        line.push_str(&key);
        line.push_str(&value_text(value));
    }
    line
}

/// That records are missing.
pub(super) fn hole(node: &str, missing: u64, colour: Colour) -> String {
    let records = if missing == 1 { "record" } else { "records" };
    let verb = if missing == 1 { "is" } else { "are" };
    let text = format!("… {missing} {records} of {} {verb} missing", visible(node));
    colour.paint(Tone::Quiet, &text)
}

fn value_text(value: &Value) -> String {
    match value {
        Value::String(text) => word(text),
        Value::Array(_) | Value::Object(_) => visible(&value.to_string()),
        other => other.to_string(),
    }
}

/// A text as one word: in quotes where it is empty or could be taken for several.
fn word(text: &str) -> String {
    let is_plain = |character: char| {
        !character.is_whitespace() && !character.is_control() && !matches!(character, '"' | '=' | '\\')
    };
    if !text.is_empty() && text.chars().all(is_plain) {
        return visible(text);
    }
    visible(&Value::from(text).to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cli::logs::testing::record;

    fn with(event: &str, fields: &Value) -> LogRecord {
        let mut record = record("n1", 0);
        record.event = event.to_owned();
        record.fields = fields.as_object().unwrap().clone();
        record
    }

    fn without_time(record: &LogRecord) -> String {
        let line = line(record, Colour::Off);
        line.split_once(" info  ").unwrap().1.to_owned()
    }

    #[test]
    fn fields_are_words_that_cannot_be_taken_for_others() {
        let fields = json!({"a": 1, "b": "x", "c": "x y", "d": "", "e": "k=v", "f": [1, "z"], "g": null, "h": 0.5, "i j": true});
        assert_eq!(
            without_time(&with("status", &fields)),
            r#"n1 status a=1 b=x c="x y" d="" e="k=v" f=[1,"z"] g=null h=0.5 "i j"=true"#
        );
    }

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        let hostile = "\x1b[2J\u{9b}31m\n\r\u{202e}\u{7f}";
        let record = with(hostile, &json!({hostile: hostile, "list": [hostile]}));
        for colour in [Colour::Off, Colour::On] {
            let line = line(&record, colour);
            let own = ["\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[36m"];
            let rest = own.iter().fold(line, |line, code| line.replace(code, ""));
            assert!(
                !rest.chars().any(|it| it.is_control() || it == '\u{202e}'),
                "{rest:?}"
            );
        }
    }
}
