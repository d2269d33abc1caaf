//! Maps by what the server numbers.

use std::collections::HashMap;

/// A map whose keys are ids that the server gave. Nobody outside chooses them, so that a hash which is quick, and seeded
/// anew in each process, does in place of one that withstands chosen keys.
pub(crate) type ById<K, V> = HashMap<K, V, foldhash::fast::RandomState>;
