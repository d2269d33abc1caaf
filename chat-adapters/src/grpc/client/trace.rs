//! The trace that a call belongs to, as W3C Trace Context writes it.

/// The value of a `traceparent` header: `00-TRACE-SPAN-FLAGS`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trace(String);

impl Trace {
    /// The trace of the caller's span, where it has one that can be passed on, or else a new one that nobody samples.
    pub(super) fn of(present: Option<String>) -> Self {
        present
            .filter(|text| is_traceparent(text))
            .map_or_else(Self::new, Self)
    }

    fn new() -> Self {
        let (trace, span) = (fastrand::u128(1..), fastrand::u64(1..));
        Self(format!("00-{trace:032x}-{span:016x}-00"))
    }

    /// The whole value.
    pub(super) fn header(&self) -> &str {
        &self.0
    }

    /// The id of the trace alone, for logs.
    pub(super) fn id(&self) -> &str {
        self.0.split('-').nth(1).unwrap_or_default()
    }
}

/// Whether it is of the version that is known, with ids that are not all zeros.
fn is_traceparent(text: &str) -> bool {
    let is_hex = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_id = |part: &str, length: usize| is_hex(part, length) && part.bytes().any(|byte| byte != b'0');
    let parts: Vec<_> = text.split('-').collect();
    match parts.as_slice() {
        ["00", trace, span, flags] => is_id(trace, 32) && is_id(span, 16) && is_hex(flags, 2),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trace_of_the_caller_is_passed_on() {
        let present = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let trace = Trace::of(Some(present.to_owned()));
        assert_eq!(trace.header(), present);
        assert_eq!(trace.id(), "0af7651916cd43dd8448eb211c80319c");
    }

    #[test]
    fn each_call_without_one_gets_a_trace_of_its_own() {
        let useless = [
            None,
            Some(""),
            Some("00-00000000000000000000000000000000-b7ad6b7169203331-01"),
            Some("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01"),
            Some("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01"),
            Some("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
            Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\n"),
        ];
        let mut ids = std::collections::HashSet::new();
        for present in useless {
            let trace = Trace::of(present.map(str::to_owned));
            assert!(is_traceparent(trace.header()), "{present:?}: {trace:?}");
            assert!(ids.insert(trace.id().to_owned()), "{trace:?}");
        }
    }
}
