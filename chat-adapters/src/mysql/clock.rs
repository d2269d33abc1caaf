//! The server's clock.

/// The statement's time by the server's clock, in milliseconds since the Unix epoch, whatever the
/// session's time zone is.
macro_rules! now {
    () => {
        "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(3)) DIV 1000"
    };
}

pub(super) use now;
