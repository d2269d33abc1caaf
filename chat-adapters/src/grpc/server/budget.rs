//! The time that a call gets, and the trace that it belongs to, as its headers say.

use std::time::Duration;

use hyper::HeaderMap;
use tokio::time::Instant;

/// The longest that a call may take, whatever its caller says.
const LONGEST_CALL: Duration = Duration::from_secs(60);

/// When a call is given up, by this process' own clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline(pub(super) Instant);

impl Deadline {
    /// Counts from now.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let asked = text(headers, "grpc-timeout").and_then(duration);
        Self(Instant::now() + asked.unwrap_or(LONGEST_CALL).min(LONGEST_CALL))
    }
}

/// A time-out as gRPC writes it: up to eight digits and a unit.
fn duration(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if !(1..=8).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let count = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(count * 3_600)),
        "M" => Some(Duration::from_secs(count * 60)),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

/// The id of the trace; empty where the caller names none.
pub(super) fn trace_id(headers: &HeaderMap) -> &str {
    let id = text(headers, "traceparent").and_then(|parent| parent.split('-').nth(1));
    let is_id = |id: &&str| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    id.filter(is_id).unwrap_or_default()
}

pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_out_is_read_as_grpc_writes_it() {
        let cases = [
            ("5S", Some(Duration::from_secs(5))),
            ("99999999H", Some(Duration::from_secs(99_999_999 * 3_600))),
            ("1M", Some(Duration::from_secs(60))),
            ("250m", Some(Duration::from_millis(250))),
            ("7u", Some(Duration::from_micros(7))),
            ("9n", Some(Duration::from_nanos(9))),
        ];
        for (text, expected) in cases {
            assert_eq!(duration(text), expected, "{text}");
        }
        for bad in ["", "S", "5", "5s", "-5S", "+5S", "123456789S", "5é", "é"] {
            assert_eq!(duration(bad), None, "{bad}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_call_gets_longer_than_the_longest() {
        let mut headers = HeaderMap::new();
        let left = |headers: &HeaderMap| Deadline::of(headers).0 - Instant::now();
        assert_eq!(left(&headers), LONGEST_CALL);
        for (text, expected) in [
            ("1H", LONGEST_CALL),
            ("2S", Duration::from_secs(2)),
            ("x", LONGEST_CALL),
        ] {
            headers.insert("grpc-timeout", text.parse().unwrap());
            assert_eq!(left(&headers), expected, "{text}");
        }
    }

    #[test]
    fn only_the_id_of_a_trace_is_taken() {
        let mut headers = HeaderMap::new();
        let id = "0af7651916cd43dd8448eb211c80319c";
        for (value, expected) in [
            (format!("00-{id}-b7ad6b7169203331-01"), id),
            ("00-short-b7ad6b7169203331-01".to_owned(), ""),
            ("nothing".to_owned(), ""),
        ] {
            headers.insert("traceparent", value.parse().unwrap());
            assert_eq!(trace_id(&headers), expected, "{value}");
        }
    }
}
