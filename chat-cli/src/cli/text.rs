//! Text for a terminal: made harmless, coloured, with times.

use std::io::IsTerminal;

use chat_core::Timestamp;
use jiff::Zoned;
use jiff::tz::TimeZone;

/// Makes characters visible that a terminal would obey or that reorder what is read.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_obeyed(character) {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// The same for a text of several lines: they follow under the first, set off from what the
/// program prints itself.
pub(crate) fn visible_lines(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let lines: Vec<String> = text
        .split('\n')
        .map(|line| visible(&line.replace('\t', "    ")))
        .collect();
    lines.join("\n    | ")
}

/// Makes the same characters of a line of JSON visible, by escapes that stand for the same values.
pub(crate) fn escape_in_json(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            // JSON has these outside of texts only, where a space does the same.
            '\t' | '\n' | '\r' => shown.push(' '),
            // None of them needs more than four digits.
            obeyed if is_obeyed(obeyed) => shown.push_str(&format!("\\u{:04x}", u32::from(obeyed))),
            other => shown.push(other),
        }
    }
    shown
}

/// Controls, and the marks that change the direction of text or break its lines.
fn is_obeyed(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

/// What a piece of text is, which decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// A user's name.
    Person,
    /// One's own name.
    Own,
    /// A group's name.
    Group,
    /// Times, ids, what the program says itself.
    Quiet,
    /// Something to look at.
    Alert,
    /// Something that failed.
    Failed,
    /// What a line is about.
    Topic,
}

impl Tone {
    const fn code(self) -> &'static str {
        match self {
            Self::Person => "36",
            Self::Own => "32",
            Self::Group => "35",
            Self::Quiet => "2",
            Self::Alert => "1;33",
            Self::Failed => "1;31",
            Self::Topic => "1",
        }
    }
}

/// Whether to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colour {
    /// With escape sequences.
    On,
    /// Plain text.
    Off,
}

impl Colour {
    /// On for a terminal, unless `NO_COLOR` is set (<https://no-color.org>).
    pub(crate) fn of_stdout() -> Self {
        if std::io::stdout().is_terminal() && !Self::is_refused() {
            Self::On
        } else {
            Self::Off
        }
    }

    /// Whether `NO_COLOR` asks for none.
    pub(crate) fn is_refused() -> bool {
        std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
    }

    /// Colours a text, which must be harmless already.
    pub(crate) fn paint(self, tone: Tone, text: &str) -> String {
        match self {
            Self::On => format!("\x1b[{}m{text}\x1b[0m", tone.code()),
            Self::Off => text.to_owned(),
        }
    }
}

/// A moment in local time: the time of day for today, with the date otherwise.
pub(crate) fn local_time(at: Timestamp) -> String {
    local_time_seen(at, &Zoned::now())
}

fn local_time_seen(at: Timestamp, now: &Zoned) -> String {
    let millis = i64::try_from(at.as_millis()).unwrap_or(i64::MAX);
    let Ok(moment) = jiff::Timestamp::from_millisecond(millis) else {
        return "?".to_owned();
    };
    let local = moment.to_zoned(now.time_zone().clone());
    let format = if local.date() == now.date() {
        "%H:%M"
    } else {
        "%Y-%m-%d %H:%M"
    };
    local.strftime(format).to_string()
}

/// A moment in local time, with the date and the seconds.
pub(crate) fn full_local_time(at: Timestamp) -> String {
    local_time_as(at, "%Y-%m-%d %H:%M:%S")
}

/// A moment in local time, with the date and the milliseconds.
pub(crate) fn precise_local_time(at: Timestamp) -> String {
    local_time_as(at, "%Y-%m-%d %H:%M:%S.%3f")
}

/// The time of day, with the seconds.
pub(crate) fn time_of_day(at: Timestamp) -> String {
    local_time_as(at, "%H:%M:%S")
}

fn local_time_as(at: Timestamp, format: &str) -> String {
    let millis = i64::try_from(at.as_millis()).unwrap_or(i64::MAX);
    match jiff::Timestamp::from_millisecond(millis) {
        Ok(moment) => moment.to_zoned(TimeZone::system()).strftime(format).to_string(),
        Err(_) => "?".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_shown_instead() {
        for (text, expected) in [
            ("plain, größer, 李雷, 🦀", "plain, größer, 李雷, 🦀"),
            ("\x1b[2J\x07", "\\u{1b}[2J\\u{7}"),
            ("a\rb\u{9b}31m\u{7f}", "a\\u{d}b\\u{9b}31m\\u{7f}"),
            ("\u{202e}abc\u{2066}", "\\u{202e}abc\\u{2066}"),
        ] {
            assert_eq!(visible(text), expected);
        }
    }

    #[test]
    fn lines_of_a_message_cannot_pass_for_lines_of_the_program() {
        assert_eq!(
            visible_lines("one\r\ntwo\n\x1b[1m"),
            "one\n    | two\n    | \\u{1b}[1m"
        );
    }

    #[test]
    fn only_other_days_show_their_date() {
        let now: Zoned = "2026-11-23T10:00:00+01:00[+01:00]".parse().unwrap();
        let at = |text: &str| {
            let moment: jiff::Timestamp = text.parse().unwrap();
            Timestamp::from_millis(moment.as_millisecond().unsigned_abs())
        };
        assert_eq!(local_time_seen(at("2026-11-23T08:59:00Z"), &now), "09:59");
        assert_eq!(
            local_time_seen(at("2026-11-22T22:59:00Z"), &now),
            "2026-11-22 23:59"
        );
    }

    #[test]
    fn colours_can_be_left_out() {
        assert_eq!(Colour::Off.paint(Tone::Alert, "x"), "x");
        assert_eq!(Colour::On.paint(Tone::Alert, "x"), "\x1b[1;33mx\x1b[0m");
    }
}
