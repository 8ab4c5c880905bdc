//! Where things are: the repository, and what is fetched for the checks.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow, ensure};

/// The root of the repository.
#[must_use]
pub fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().and_then(Path::parent).unwrap_or(here)
}

/// The text of a file of the repository.
///
/// # Errors
/// It cannot be read.
pub fn read(path: &str) -> Result<String> {
    std::fs::read_to_string(root().join(path)).with_context(|| format!("{path} could not be read"))
}

/// The Rust sources below a folder.
///
/// # Errors
/// A folder cannot be read.
pub fn rust_sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(rust_sources(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(files)
}

/// The program `kubectl`.
///
/// # Errors
/// It cannot be fetched.
pub fn kubectl() -> Result<PathBuf> {
    match std::env::var_os("ONHAND_KUBECTL") {
        Some(path) => Ok(path.into()),
        None => Ok(fetched()?.join("kubectl")),
    }
}

/// The file with the schemas of Kubernetes.
///
/// # Errors
/// It cannot be fetched.
pub fn kubernetes_schemas() -> Result<PathBuf> {
    Ok(fetched()?.join("kubernetes.json"))
}

/// The program of the product: what `ONHAND_BIN` names, or the one that cargo built beside the tests.
///
/// # Errors
/// There is none: checks that ask it would otherwise pass without having asked.
pub fn binary() -> Result<PathBuf> {
    let path = match std::env::var_os("ONHAND_BIN") {
        Some(path) => PathBuf::from(path),
        None => {
            let test = std::env::current_exe()?;
            let folder = test.ancestors().nth(2).context("the test has no folder")?;
            folder.join("onhand")
        }
    };
    ensure!(
        path.is_file(),
        "{} is not there: build it (cargo build --bin onhand), or set ONHAND_BIN",
        path.display()
    );
    Ok(path)
}

/// What a command prints, if it succeeds.
///
/// # Errors
/// It cannot be run, or says that it failed.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("{command:?} could not be run"))?;
    ensure!(
        output.status.success(),
        "{command:?} failed: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8(output.stdout)?)
}

fn fetched() -> Result<PathBuf> {
    static FOLDER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let script = root().join("tests/deploy/fetch");
        output(&mut Command::new(script))
            .map(|text| PathBuf::from(text.trim_end()))
            .map_err(|error| format!("{error:#}"))
    });
    folder.clone().map_err(|error| anyhow!(error))
}
