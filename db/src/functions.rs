//! The SQL functions of `functions/`, carried in the binary and loaded as one set.

use include_dir::{Dir, include_dir};
use sha2::{Digest, Sha256};

static FUNCTIONS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../functions");

/// The set of functions of this release, and its digest.
#[derive(Debug)]
pub(crate) struct FunctionSet {
    /// All files of the manifest, in load order.
    pub(crate) files: Vec<FunctionFile>,
    /// SHA-256 of the files, one after the other, in hex.
    pub(crate) hash: String,
}

/// A file with one function.
#[derive(Debug)]
pub(crate) struct FunctionFile {
    path: &'static str,
    /// What makes the function.
    pub(crate) script: &'static str,
}

impl FunctionFile {
    /// Name of the function if it is a public one; helpers are those in `internal/`.
    pub(crate) fn public_name(&self) -> Option<&'static str> {
        let (subject, file) = self.path.split_once('/')?;
        file.strip_suffix(".sql").filter(|_| subject != "internal")
    }
}

/// Reads the set that was compiled in.
///
/// # Errors
/// Names a file that the manifest lists and that is not there.
pub(crate) fn function_set() -> Result<FunctionSet, String> {
    let manifest = text("manifest")?;
    let mut files = Vec::new();
    let mut digest = Sha256::new();
    for path in manifest
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let script = text(path)?;
        digest.update(script);
        digest.update("\n");
        files.push(FunctionFile { path, script });
    }
    let hash = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(FunctionSet { files, hash })
}

fn text(path: &str) -> Result<&'static str, String> {
    FUNCTIONS
        .get_file(path)
        .and_then(include_dir::File::contents_utf8)
        .ok_or_else(|| format!("functions/{path} is listed in functions/manifest but was not compiled in"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_manifest_lists_every_file_once() {
        let listed: Vec<&str> = text("manifest")
            .unwrap()
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty())
            .collect();
        let there: BTreeSet<&str> = FUNCTIONS
            .dirs()
            .flat_map(Dir::files)
            .filter_map(|file| file.path().to_str())
            .filter(|path| path.ends_with(".sql"))
            .collect();
        assert_eq!(listed.len(), there.len());
        assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), there);
    }

    #[test]
    fn the_hash_is_hex_of_256_bits() {
        assert_eq!(function_set().unwrap().hash.len(), 64);
    }
}
