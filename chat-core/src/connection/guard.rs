//! What one connection may do: how fast, and how often wrong.

use std::time::Duration;

use tokio::time::Instant;

use crate::limits::Limits;
use crate::node::{Allowance, Rate};

/// The allowances of one connection.
#[derive(Debug)]
pub(super) struct Guard {
    requests: Allowance,
    request_rate: Rate,
    errors: Allowance,
    error_rate: Rate,
}

impl Guard {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            requests: Allowance::default(),
            request_rate: Rate::per_second(limits.requests_per_second, limits.requests_burst),
            errors: Allowance::default(),
            error_rate: Rate::per_second(limits.errors_per_second, limits.errors_burst),
        }
    }

    /// Charges a request; if it is one too many, says when the next is allowed.
    pub(super) fn request(&mut self, now: Instant) -> Result<(), Duration> {
        self.requests.take(self.request_rate, now)
    }

    /// Charges a failed request; `false` when there have been too many.
    pub(super) fn error(&mut self) -> bool {
        self.errors.take(self.error_rate, Instant::now()).is_ok()
    }
}
