//! What the parts that watch the others have in common.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::stack::Stack;

/// The folder of their configuration.
pub(super) fn folder(stack: &Stack) -> PathBuf {
    stack.layout.etc().join("observe")
}

/// The first of these programs that is installed.
pub(super) fn program(names: &[&str]) -> Result<PathBuf> {
    let folders = [Path::new("/usr/bin"), Path::new("/usr/local/bin")];
    let mut places = names.iter().flat_map(|name| folders.map(|folder| folder.join(name)));
    match places.find(|path| path.is_file()) {
        Some(path) => Ok(path),
        None => bail!(
            "{} is not installed; `./onhand up --observe` installs it, or: apt-get install prometheus prometheus-alertmanager",
            names.join(" or ")
        ),
    }
}
