//! Strict validation: every field of an object is one that its kind has, of the right type, and none that must be there is missing.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use anyhow::{Context, Result, anyhow};
use jsonschema::Validator;
use serde_json::{Value, json};

use crate::custom;
use crate::object::{Object, items, text};
use crate::tools;

/// Groups whose definitions no package registry has. Their objects are checked by the rules of our own alone.
pub const WITHOUT_SCHEMA: [&str; 1] = ["cluster.redpanda.com"];

/// Validators by version and kind, made when one is first met.
static MADE: Mutex<BTreeMap<(String, String), Arc<Validator>>> = Mutex::new(BTreeMap::new());

/// What is wrong with an object.
///
/// # Errors
/// There is no schema for it, and it is not among those that have none.
pub fn check(object: &Object) -> Result<Vec<String>> {
    if WITHOUT_SCHEMA.contains(&object.group()) {
        return Ok(Vec::new());
    }
    let validator = validator(object)?;
    let errors = validator.iter_errors(&object.0);
    Ok(errors
        .map(|error| format!("{object}: {}: {error}", error.instance_path()))
        .collect())
}

fn validator(object: &Object) -> Result<Arc<Validator>> {
    let key = (object.api().to_owned(), object.kind().to_owned());
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(validator) = made.get(&key) {
        return Ok(Arc::clone(validator));
    }
    let schema = find(object.api(), object.kind())?;
    let validator = jsonschema::validator_for(&schema).map_err(|error| anyhow!("{key:?}: {error}"))?;
    let validator = Arc::new(validator);
    made.insert(key, Arc::clone(&validator));
    Ok(validator)
}

fn find(api: &str, kind: &str) -> Result<Value> {
    match kubernetes(api, kind)? {
        Some(schema) => Ok(schema),
        None => custom::schema(api, kind)?.with_context(|| format!("there is no schema for {api} {kind}")),
    }
}

/// The schema of a kind that Kubernetes itself has.
fn kubernetes(api: &str, kind: &str) -> Result<Option<Value>> {
    let definitions = definitions()?;
    let (group, version) = api.split_once('/').unwrap_or(("", api));
    let all = definitions
        .get("$defs")
        .and_then(Value::as_object)
        .context("no definitions")?;
    let found = all.iter().find(|(_, definition)| {
        items(definition, "/x-kubernetes-group-version-kind").any(|entry| {
            text(entry, "/group") == group && text(entry, "/version") == version && text(entry, "/kind") == kind
        })
    });
    let Some((name, _)) = found else { return Ok(None) };
    Ok(Some(json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$ref": format!("#/$defs/{name}"),
        "$defs": all,
    })))
}

fn definitions() -> Result<&'static Value> {
    static READ: OnceLock<Result<Value, String>> = OnceLock::new();
    let read = || -> Result<Value> {
        let text = fs::read_to_string(tools::kubernetes_schemas()?)?;
        // References are to the file by a path of its publisher's.
        Ok(serde_json::from_str(&text.replace("/api/_definitions.json#", "#"))?)
    };
    let read = READ.get_or_init(|| read().map_err(|error| format!("{error:#}")));
    read.as_ref().map_err(|error| anyhow!("{error}"))
}
