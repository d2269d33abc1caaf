//! The server's clock.

/// The statement's time by the server's clock, in milliseconds since the Unix epoch, whatever the
/// session's time zone is.
macro_rules! now {
    () => {
        "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(3)) DIV 1000"
    };
}

/// The same in whole seconds: an index entry of it stays where it is within a second, however many batches have a message
/// for its row.
macro_rules! second {
    () => {
        "TIMESTAMPDIFF(SECOND, '1970-01-01', UTC_TIMESTAMP()) * 1000"
    };
}

pub(super) use {now, second};
