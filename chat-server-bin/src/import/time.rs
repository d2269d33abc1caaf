//! Times as the original's clients wrote them.

use chat_core::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// The moment of a text such as `2020-02-22 00:08:56`, which says nothing of its time zone: it is
/// read in `zone`. `None` where it is no time, or lies before 1970 or after `now`.
pub(super) fn parse(text: &str, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
    let text = text.trim().replace('/', "-");
    let local: DateTime = text.parse().ok()?;
    let moment = zone.to_timestamp(local).ok()?;
    let millis = u64::try_from(moment.as_millisecond()).ok()?;
    Some(Timestamp::from_millis(millis)).filter(|at| *at <= now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_times_are_read_in_the_zone_and_others_are_none() {
        // 2020-02-22 00:08:56 UTC, counted from the epoch: 18,314 days and 536 seconds.
        const AT: u64 = (18_314 * 86_400 + 536) * 1_000;
        const HOURS: u64 = 3_600_000;
        let now = Timestamp::from_millis(AT + 9 * HOURS);
        let at = |millis| Some(Timestamp::from_millis(millis));
        let china = TimeZone::fixed(jiff::tz::offset(8));
        for (text, zone, expected) in [
            ("2020-02-22 00:08:56", &TimeZone::UTC, at(AT)),
            (" 2020/02/22T00:08:56 ", &TimeZone::UTC, at(AT)),
            ("2020-02-22 00:08:56", &china, at(AT - 8 * HOURS)),
            ("2020-02-22 10:08:56", &TimeZone::UTC, None),
            ("1969-12-31 23:59:59", &TimeZone::UTC, None),
            ("2020-02-30 00:00:00", &TimeZone::UTC, None),
            ("yesterday", &TimeZone::UTC, None),
            ("", &TimeZone::UTC, None),
        ] {
            assert_eq!(parse(text, zone, now), expected, "{text}");
        }
    }
}
