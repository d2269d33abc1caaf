//! The programs that the runner starts, which are built before it.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

pub(crate) struct Programs {
    pub(crate) server: PathBuf,
    pub(crate) load: PathBuf,
    bare: PathBuf,
}

impl Programs {
    /// They lie where cargo puts them, beside this program.
    pub(crate) fn find() -> anyhow::Result<Self> {
        let this = std::env::current_exe()?;
        let examples = this.parent().context("this program is in no folder")?;
        let built = examples
            .parent()
            .context("this program is not where cargo builds it")?;
        Ok(Self {
            server: present(&built.join("chat-server"))?,
            load: present(&examples.join("load"))?,
            bare: examples.join("mysql_append"),
        })
    }

    pub(crate) fn bare(&self) -> anyhow::Result<PathBuf> {
        present(&self.bare)
    }
}

fn present(program: &Path) -> anyhow::Result<PathBuf> {
    if !program.is_file() {
        bail!(
            "{} is missing: `make figures`, `make log-figures` and `make rpc-figures` build all that is needed",
            program.display()
        );
    }
    Ok(program.to_owned())
}
