//! The programs that the runner starts, which are built before it.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

pub(crate) struct Programs {
    pub(crate) server: PathBuf,
    pub(crate) load: PathBuf,
    pub(crate) bare: PathBuf,
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
            bare: present(&examples.join("mysql_append"))?,
        })
    }
}

fn present(program: &Path) -> anyhow::Result<PathBuf> {
    if !program.is_file() {
        bail!(
            "{} is missing: `make figures` builds all that is needed",
            program.display()
        );
    }
    Ok(program.to_owned())
}
