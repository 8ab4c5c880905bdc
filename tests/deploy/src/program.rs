//! What the program itself says of settings and commands.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::object::{Object, items, text};
use crate::tools;

/// Variables of a container, as they would be set. What comes from a secret or from the cluster gets a stand-in.
///
/// # Errors
/// A variable comes from a config map that is not there.
pub fn environment(object: &Object, container: &Value, objects: &[Object]) -> Result<BTreeMap<String, String>> {
    let mut variables = BTreeMap::new();
    for source in items(container, "/envFrom") {
        let name = text(source, "/configMapRef/name");
        let map = objects
            .iter()
            .find(|map| map.kind() == "ConfigMap" && map.namespace() == object.namespace() && map.name() == name)
            .with_context(|| format!("{object}: no config map {name}"))?;
        variables.extend(map.at("/data").map(crate::object::strings).unwrap_or_default());
    }
    for entry in items(container, "/env") {
        let value = match entry.get("value").and_then(Value::as_str) {
            Some(value) => expand(value, &variables),
            None => "standin".to_owned(),
        };
        variables.insert(text(entry, "/name").to_owned(), value);
    }
    Ok(variables)
}

/// Fills `$(NAME)` in with variables that were set before, as Kubernetes does; others stay as they are.
fn expand(value: &str, variables: &BTreeMap<String, String>) -> String {
    let mut text = value.to_owned();
    for (name, value) in variables {
        text = text.replace(&format!("$({name})"), value);
    }
    text
}

/// Has the program read these settings. It ends with a message about the first that it does not take.
///
/// # Errors
/// A setting is unknown or cannot work.
pub fn settings(variables: &BTreeMap<String, String>) -> Result<(), String> {
    // Asks Connect for a state, after all settings were read and judged. Nobody listens at that port.
    let run = || -> Result<std::process::Output> {
        Ok(Command::new(tools::binary()?)
            .args(["connect", "status"])
            .env_clear()
            .envs(variables.iter().filter(|(name, _)| name.starts_with("ONHAND_")))
            .env("ONHAND_CONNECT__URL", "http://127.0.0.1:9")
            .output()?)
    };
    let output = run().map_err(|error| format!("{error:#}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    // The one answer that means that it came past its settings.
    if said.contains("kafka connect is not available") {
        return Ok(());
    }
    Err(said.trim().to_owned())
}

/// Whether the program knows a command with these arguments.
///
/// # Errors
/// It does not, or cannot be run.
pub fn command(arguments: &[&str]) -> Result<(), String> {
    let run = || tools::output(Command::new(tools::binary()?).args(arguments).arg("--help"));
    run().map(drop).map_err(|error| format!("{error:#}"))
}

/// Variables without a section (`ONHAND_LOG`) that the sources of the program mention.
///
/// # Errors
/// A source cannot be read.
pub fn plain_variables() -> Result<BTreeSet<String>> {
    let mut names = literals("ONHAND_")?;
    names.retain(|name| !name.contains("__"));
    Ok(names)
}

/// Texts in the sources of the program that begin like this.
///
/// # Errors
/// A source cannot be read.
pub fn literals(prefix: &str) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for folder in ["api/src", "cdc/src", "cli/src", "consumers/src", "db/src", "trace/src"] {
        for source in tools::rust_sources(&tools::root().join(folder))? {
            let text = fs::read_to_string(&source)?;
            let words = text.split('"').filter(|word| word.starts_with(prefix));
            found.extend(words.map(str::to_owned));
        }
    }
    Ok(found)
}
