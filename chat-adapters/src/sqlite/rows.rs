//! Between the domain's types and the columns and parameters that hold them.

use chat_core::BackendError;

pub(super) use crate::sql::rows::*;

/// Values as the one JSON parameter of a statement that reads them with `json_each`.
///
/// One statement of one shape then serves every batch, whatever its size.
pub(super) fn json<T: serde::Serialize + ?Sized>(values: &T) -> Result<String, BackendError> {
    serde_json::to_string(values)
        .map_err(|error| BackendError::broken("a value has no JSON form").because(error))
}
