//! Requests, and what came of them.

use std::time::Duration;

use metrics::Histogram;

use super::tally::Tally;
use crate::error::ErrorCode;
use crate::meters::catalogue as metric;
use crate::protocol::RequestType;

/// Requests by type, and errors by code.
#[derive(Debug)]
pub(crate) struct Requests {
    by_type: Vec<(Tally, Histogram)>,
    errors: Vec<Tally>,
}

impl Requests {
    pub(super) fn new() -> Self {
        let of_type = |&request: &&'static str| {
            let labels = [request];
            let seconds = metric::REQUEST_SECONDS.distribution(&labels);
            (Tally::new(metric::REQUESTS.count(&labels)), seconds)
        };
        let errors = ErrorCode::SPELLINGS
            .iter()
            .map(|&code| Tally::new(metric::ERRORS.count(&[code])));
        Self {
            by_type: RequestType::SPELLINGS.iter().map(of_type).collect(),
            errors: errors.collect(),
        }
    }

    /// A request was taken.
    pub(crate) fn taken(&self, request: RequestType) {
        if let Some((taken, _)) = self.by_type.get(request as usize) {
            taken.add(1);
        }
    }

    /// Its reply is ready.
    pub(crate) fn answered(&self, request: RequestType, duration: Duration) {
        if let Some((_, seconds)) = self.by_type.get(request as usize) {
            seconds.record(duration);
        }
    }

    /// A client was told an error.
    pub(crate) fn failed(&self, code: ErrorCode) {
        if let Some(errors) = self.errors.get(code as usize) {
            errors.add(1);
        }
    }

    /// How many requests were taken since the node's start.
    pub(crate) fn total(&self) -> u64 {
        self.by_type.iter().map(|(taken, _)| taken.total()).sum()
    }

    /// How many errors were told since the node's start.
    pub(crate) fn errors_total(&self) -> u64 {
        self.errors.iter().map(Tally::total).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_over_all_types_and_codes() {
        let requests = Requests::new();
        requests.taken(RequestType::Register);
        requests.taken(RequestType::Send);
        requests.taken(RequestType::Invalid);
        requests.failed(ErrorCode::BadFrame);
        requests.failed(ErrorCode::Internal);
        assert_eq!((requests.total(), requests.errors_total()), (3, 2));
    }
}
