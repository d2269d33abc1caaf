use std::env;
use std::path::{Path, PathBuf};

/// The folder of what `.ci/with-services` fetches: the one that a variable names, or one beside what cargo builds.
pub(crate) fn fetched(variable: &str, folder: &str) -> PathBuf {
    let named = |variable: &str| env::var_os(variable).filter(|folder| !folder.is_empty());
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    named(variable).map_or_else(
        || {
            let target = named("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
            workspace.join(target).join(folder)
        },
        PathBuf::from,
    )
}
