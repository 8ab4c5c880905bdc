//! Which rows there are, and where their tests on the whole stack stand.

use anyhow::{Result, ensure};
use std::fs;
use std::path::Path;

/// Programs whose tests do without the stack.
const WITHOUT_STACK: [&str; 8] = [
    "contracts",
    "copies",
    "deploy",
    "faults",
    "fuzz",
    "histories",
    "races",
    "sql",
];

/// The rows that are about the pipeline.
fn rows() -> impl Iterator<Item = String> {
    (12..=27).chain([29]).map(|number| format!("f{number}_"))
}

/// Each row has a scenario here, and a test on the whole stack.
pub(crate) fn are_complete(here: &[String]) -> Result<()> {
    let mut stack = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"), &mut stack)?;
    ensure!(
        stack.len() > 50,
        "only {} tests found on the stack: {stack:?}",
        stack.len()
    );
    for (place, names) in [("here", here), ("on the whole stack", &stack)] {
        let missing: Vec<String> = rows()
            .filter(|row| !names.iter().any(|name| name.contains(row.as_str())))
            .collect();
        ensure!(missing.is_empty(), "no test {place} of {missing:?}");
    }
    Ok(())
}

/// The names of all tests below a folder: functions, and the entries of lists like that of the disturbances.
fn collect(folder: &Path, names: &mut Vec<String>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path
            .file_stem()
            .is_some_and(|name| WITHOUT_STACK.iter().any(|other| name == *other))
        {
            continue;
        }
        if path.is_dir() {
            collect(&path, names)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            names.extend(fs::read_to_string(&path)?.lines().filter_map(name_in));
        }
    }
    Ok(())
}

/// Only functions that are tests have such names; those of the list stand between quotes.
fn name_in(line: &str) -> Option<String> {
    let line = line.trim_start();
    let rest = line.strip_prefix("async fn ").or_else(|| line.strip_prefix("(\""))?;
    Some(rest.split(['(', '"']).next()?.to_owned())
}
