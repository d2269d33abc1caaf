//! A record as it was read.

use chat_core::ports::LogRecord;

use crate::cli::text::escape_in_json;

/// A record, and what its source knows of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) record: LogRecord,
    /// The line it was read from, without its end.
    line: String,
    /// So many records of its node are missing just before it.
    pub(crate) missing: u64,
}

impl Entry {
    /// Reads a line; `None` where it is no record.
    pub(crate) fn parse(line: &[u8]) -> Option<Self> {
        let line = std::str::from_utf8(line).ok()?.trim_ascii();
        let record = serde_json::from_str(line).ok()?;
        Some(Self {
            record,
            line: line.to_owned(),
            missing: 0,
        })
    }

    /// A record that comes from elsewhere than a line.
    #[cfg(any(test, feature = "kafka"))]
    pub(crate) fn of(record: LogRecord) -> Option<Self> {
        let line = serde_json::to_string(&record).ok()?;
        Some(Self {
            record,
            line,
            missing: 0,
        })
    }

    /// The record as it was written.
    pub(crate) fn json(&self) -> &str {
        &self.line
    }

    /// The record as it was written, but with nothing in it that a terminal obeys: the same values for who reads
    /// the JSON.
    pub(crate) fn harmless_json(&self) -> String {
        escape_in_json(&self.line)
    }

    /// About how much memory it takes, in bytes: the parsed fields about as much as their text.
    pub(crate) const fn size(&self) -> usize {
        2 * self.line.len() + size_of::<Self>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"at":5,"node":"n1","number":1,"level":"info","event":"status","fields":{"b":1,"a":2},"later":[]}"#;

    #[test]
    fn a_line_is_kept_as_it_was_written() {
        let entry = Entry::parse(format!("{LINE}\r\n").as_bytes()).unwrap();
        assert_eq!(entry.json(), LINE);
        assert_eq!((entry.record.at.as_millis(), entry.record.number), (5, 1));
    }

    #[test]
    fn what_is_no_record_is_none() {
        for line in [
            &b""[..],
            b"{}",
            b"ready: listening",
            &LINE.as_bytes()[..40],
            b"{\"at\":5,\"node\":\"a b\",\"number\":1,\"level\":\"info\",\"event\":\"e\",\"fields\":{}}",
            b"\xff",
        ] {
            assert_eq!(Entry::parse(line), None, "{line:?}");
        }
    }

    #[test]
    fn harmless_json_has_the_same_values() {
        let hostile = "{\"at\":5,\t\"node\":\"n1\",\"number\":1,\"level\":\"info\",\"event\":\"e\",\"fields\":{\"\u{9b}31m\":\"\u{202e}x\u{1f980}\"}}";
        let entry = Entry::parse(hostile.as_bytes()).unwrap();
        let harmless = entry.harmless_json();
        assert!(harmless.contains(r#""\u009b31m":"\u202ex🦀""#), "{harmless}");
        assert_eq!(Entry::parse(harmless.as_bytes()).unwrap().record, entry.record);
    }
}
