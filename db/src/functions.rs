//! The SQL functions of `functions/`, carried in the binary and loaded as one set.

use include_dir::{Dir, include_dir};
use sha2::{Digest, Sha256};

static FUNCTIONS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../functions");

/// The set of functions of this release: one SQL script in load order, and its digest.
#[derive(Debug)]
pub(crate) struct FunctionSet {
    /// All files of the manifest, one after the other.
    pub(crate) script: String,
    /// SHA-256 of the script, in hex.
    pub(crate) hash: String,
}

/// Reads the set that was compiled in.
///
/// # Errors
/// Names a file that the manifest lists and that is not there.
pub(crate) fn function_set() -> Result<FunctionSet, String> {
    let manifest = text("manifest")?;
    let mut script = String::new();
    for path in manifest
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        script.push_str(text(path)?);
        script.push('\n');
    }
    let hash = Sha256::digest(script.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Ok(FunctionSet { script, hash })
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
