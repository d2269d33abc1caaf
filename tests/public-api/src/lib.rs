//! Lists the public API of a library, an item a line.

use std::collections::HashSet;
use std::path::Path;

use public_api::Builder;

/// The public API that a file of rustdoc tells of, by name; without what is implemented for everything, and without the
/// mocks, which follow from the ports.
///
/// # Errors
/// Where the file is missing, or was written by another toolchain than the one this crate knows.
pub fn listing(json: &Path) -> public_api::Result<String> {
    let api = Builder::from_rustdoc_json(json)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .build()?;
    let mut listing = String::new();
    // What implements a trait is named with the type and again with the trait.
    let mut listed = HashSet::new();
    for item in api.items().map(ToString::to_string) {
        if !item.contains("Mock") && !item.contains("__mock") && listed.insert(item.clone()) {
            listing.push_str(&item);
            listing.push('\n');
        }
    }
    Ok(listing)
}
