//! Moments as people write them.

use std::str::FromStr;
use std::time::Duration;

use chat_core::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// A moment: a time, or so long before the present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    Ago(Duration),
    At(Timestamp),
}

/// It is neither a duration nor a time.
#[derive(Debug, thiserror::Error)]
#[error("write how long ago, such as 10m or 2h, or a time such as 2026-11-25T17:00:00Z")]
pub(crate) struct NoMoment;

impl FromStr for Moment {
    type Err = NoMoment;

    fn from_str(text: &str) -> Result<Self, NoMoment> {
        if let Ok(ago) = humantime::parse_duration(text) {
            return Ok(Self::Ago(ago));
        }
        let moment = match text.parse::<jiff::Timestamp>() {
            Ok(moment) => moment,
            // Without a time zone it is local time.
            Err(_) => {
                let local: DateTime = text.parse().map_err(|_| NoMoment)?;
                let local = local.to_zoned(TimeZone::system()).map_err(|_| NoMoment)?;
                local.timestamp()
            }
        };
        let millis = u64::try_from(moment.as_millisecond()).map_err(|_| NoMoment)?;
        Ok(Self::At(Timestamp::from_millis(millis)))
    }
}

impl Moment {
    /// When it is, seen at `now`.
    pub(crate) fn seen_at(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Ago(ago) => now.before(ago),
            Self::At(at) => at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_duration_ago_or_a_time() {
        let now = Timestamp::from_millis(1_000_000);
        for (text, expected) in [
            ("10m", 400_000),
            ("1s 500ms", 998_500),
            ("100d", 0),
            ("1970-01-01T00:01:00Z", 60_000),
            ("1970-01-01T01:01:00.5+01:00", 60_500),
        ] {
            let moment: Moment = text.parse().unwrap();
            assert_eq!(moment.seen_at(now).as_millis(), expected, "{text}");
        }
        for text in [
            "",
            "10",
            "yesterday",
            "1969-12-31T23:59:59Z",
            "2026-13-01T00:00:00Z",
        ] {
            assert!(text.parse::<Moment>().is_err(), "{text}");
        }
    }
}
