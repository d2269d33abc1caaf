//! Where the original database is.

use std::fmt;

use chat_adapters::original::{Charset, OriginalDatabase, OriginalError};

/// The URL of `--from`, which holds a password and is never shown, and how to read texts.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Source {
    url: String,
    charset: Charset,
}

impl Source {
    pub(crate) fn new(url: &str, charset: &str) -> Self {
        Self {
            url: url.to_owned(),
            // The command line takes only the names of known ones.
            charset: charset.parse().unwrap_or_default(),
        }
    }

    pub(super) async fn open(&self) -> Result<OriginalDatabase, OriginalError> {
        OriginalDatabase::open(&self.url, self.charset).await
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("charset", &self.charset)
            .finish_non_exhaustive()
    }
}
