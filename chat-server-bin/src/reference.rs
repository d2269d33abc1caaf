//! `config.example.toml` as the one place that explains settings: `--help` takes its texts from it.

use std::sync::LazyLock;

/// The example file.
pub(crate) const EXAMPLE: &str = include_str!("../config.example.toml");

/// A setting as the example file shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Explained {
    /// Its key, for example `limits.max_frame`.
    pub(crate) key: String,
    /// The comment above it, on one line.
    pub(crate) explanation: String,
    /// The value after `=`, as written.
    pub(crate) default: String,
}

static REFERENCE: LazyLock<Vec<Explained>> = LazyLock::new(|| read(EXAMPLE));

/// Every setting of the example file, in its order.
pub(crate) fn reference() -> &'static [Explained] {
    &REFERENCE
}

/// Reads `# explanation` lines, each followed by its `key = value`, below `[section]` lines.
fn read(example: &str) -> Vec<Explained> {
    let (mut section, mut comment, mut settings) = (String::new(), Vec::new(), Vec::new());
    for line in example.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix('#') {
            comment.push(text.trim());
        } else if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = format!("{name}.");
            comment.clear();
        } else if let Some((key, value)) = line.split_once('=') {
            settings.push(Explained {
                key: format!("{section}{}", key.trim()),
                explanation: std::mem::take(&mut comment).join(" "),
                default: value.trim().to_owned(),
            });
        } else {
            comment.clear();
        }
    }
    settings
}
