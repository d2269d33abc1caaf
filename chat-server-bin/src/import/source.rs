//! Where the original database is.

use chat_adapters::original::{Charset, OriginalDatabase, OriginalError};

use crate::backend_url::BackendUrl;

/// The URL of `--from`, and how to read texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    url: BackendUrl,
    charset: Charset,
}

impl Source {
    pub(crate) fn new(url: &str, charset: &str) -> Self {
        Self {
            url: BackendUrl::new(url),
            // The command line takes only the names of known ones.
            charset: charset.parse().unwrap_or_default(),
        }
    }

    pub(super) async fn open(&self) -> Result<OriginalDatabase, OriginalError> {
        OriginalDatabase::open(self.url.with_secrets(), self.charset).await
    }
}
