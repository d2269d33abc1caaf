use std::fs;
use std::path::PathBuf;

use crate::error::StartError;
use crate::fetched::fetched;
use crate::service::Service;

/// The variable that names the folder of the script.
const FOLDER: &str = "CHAT_AXE";

/// The script of axe-core, which makes `axe` in a page: what looks for things there that keep people out.
///
/// # Errors
/// [`StartError`]; [`Missing`](crate::Missing) where it was not fetched.
pub fn axe_script() -> Result<String, StartError> {
    Service::Axe.check()?;
    Ok(fs::read_to_string(file())?)
}

/// Whether the script is there, as `.ci/with-services` fetches it.
pub(crate) fn has_script() -> bool {
    file().is_file()
}

fn file() -> PathBuf {
    fetched(FOLDER, "axe").join("axe.min.js")
}
