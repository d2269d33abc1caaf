//! In place of a backend, in a build without the feature `grpc`.

use crate::failure::Failure;
use crate::host::Start;

/// Refuses, as the settings have been before.
pub(crate) async fn serve(_: Start) -> Result<(), Failure> {
    Err(Failure::setting(
        "`chat-server backend` is not built into this program",
    ))
}
