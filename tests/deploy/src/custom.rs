//! Schemas of custom resources, read out of Rust types that were generated from their definitions.
//!
//! The types say what a definition says: the name and type of every field, which must be there, and the words that an enumeration
//! knows. They are parsed, not compiled.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Map, Value, json};
use syn::{Attribute, Expr, Fields, GenericArgument, Item, Lit, PathArguments, Type};

use crate::object::{items, text};
use crate::tools;

/// The name of the feature that names the packages.
const FEATURE: &str = "onhand-deploy/custom-resources";
const PREFIX: &str = "kcr_";

/// The schema of a kind, if one of the packages has it.
///
/// # Errors
/// The packages cannot be had, or hold what is not understood.
pub fn schema(api: &str, kind: &str) -> Result<Option<Value>> {
    static FILES: OnceLock<Result<Vec<PathBuf>, String>> = OnceLock::new();
    let files = FILES.get_or_init(|| sources().map_err(|error| format!("{error:#}")));
    let files = files.as_ref().map_err(|error| anyhow!("{error}"))?;
    let (group, version) = api.split_once('/').unwrap_or(("", api));
    let marks = [
        format!("group = \"{group}\""),
        format!("version = \"{version}\""),
        format!("kind = \"{kind}\""),
    ];
    for file in files {
        let source = fs::read_to_string(file)?;
        let named = |line: &str| line.starts_with("#[kube(") && marks.iter().all(|mark| line.contains(mark));
        if source.lines().any(named) {
            let schema = read(&source, api, kind);
            return schema.map(Some).with_context(|| file.display().to_string());
        }
    }
    Ok(None)
}

/// Every source file of the packages.
fn sources() -> Result<Vec<PathBuf>> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let metadata = tools::output(
        Command::new(cargo)
            .current_dir(tools::root())
            .args(["metadata", "--locked", "--format-version", "1", "--features", FEATURE])
            .args(["--filter-platform", "x86_64-unknown-linux-gnu"]),
    )?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    let mut files = Vec::new();
    for package in items(&metadata, "/packages") {
        if text(package, "/name").starts_with(PREFIX) {
            let manifest = Path::new(text(package, "/manifest_path"));
            files.extend(tools::rust_sources(&manifest.with_file_name("src"))?);
        }
    }
    if files.is_empty() {
        bail!("the packages with the definitions of custom resources are not there");
    }
    Ok(files)
}

fn read(source: &str, api: &str, kind: &str) -> Result<Value> {
    let file = syn::parse_file(source)?;
    let mut definitions = BTreeMap::new();
    let mut spec = None;
    for item in &file.items {
        match item {
            Item::Struct(item) => {
                if item.attrs.iter().any(|attribute| attribute.path().is_ident("kube")) {
                    spec = Some(item.ident.to_string());
                }
                definitions.insert(item.ident.to_string(), structure(&item.fields)?);
            }
            Item::Enum(item) => {
                let words = item.variants.iter().map(|variant| {
                    let own = || variant.ident.to_string();
                    Value::from(renamed(&variant.attrs).unwrap_or_else(own))
                });
                definitions.insert(item.ident.to_string(), json!({ "enum": words.collect::<Vec<_>>() }));
            }
            _ => {}
        }
    }
    let spec = spec.context("it has no resource")?;
    Ok(json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "additionalProperties": false,
        "properties": {
            "apiVersion": { "const": api },
            "kind": { "const": kind },
            "metadata": {
                "type": "object",
                "required": ["name"],
                "additionalProperties": false,
                "properties": {
                    "name": { "type": "string" },
                    "namespace": { "type": "string" },
                    "labels": { "type": "object", "additionalProperties": { "type": "string" } },
                    "annotations": { "type": "object", "additionalProperties": { "type": "string" } },
                },
            },
            "spec": { "$ref": format!("#/$defs/{spec}") },
        },
        "$defs": definitions,
    }))
}

fn structure(fields: &Fields) -> Result<Value> {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for field in fields {
        let ident = field.ident.as_ref().context("a field without a name")?;
        let own = || ident.to_string().trim_start_matches("r#").to_owned();
        let name = renamed(&field.attrs).unwrap_or_else(own);
        let (optional, schema) = of_field(&field.ty).with_context(|| format!("field {name}"))?;
        if !optional {
            required.push(Value::from(name.clone()));
        }
        properties.insert(name, schema);
    }
    Ok(json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    }))
}

fn of_field(kind: &Type) -> Result<(bool, Value)> {
    let (name, arguments) = parts(kind)?;
    match (name.as_str(), arguments.as_slice()) {
        ("Option", [inner]) => Ok((true, of(inner)?)),
        _ => Ok((false, of(kind)?)),
    }
}

fn of(kind: &Type) -> Result<Value> {
    let (name, arguments) = parts(kind)?;
    Ok(match (name.as_str(), arguments.as_slice()) {
        ("Option", [inner]) => of(inner)?,
        ("Vec", [inner]) => json!({ "type": "array", "items": of(inner)? }),
        ("BTreeMap", [_, inner]) => json!({ "type": "object", "additionalProperties": of(inner)? }),
        ("String", []) => json!({ "type": "string" }),
        ("bool", []) => json!({ "type": "boolean" }),
        ("i8" | "i16" | "i32" | "i64" | "u8" | "u16" | "u32" | "u64", []) => json!({ "type": "integer" }),
        ("f32" | "f64", []) => json!({ "type": "number" }),
        ("IntOrString", []) => json!({ "type": ["integer", "string"] }),
        // Whatever the definition leaves open.
        ("Value" | "Condition" | "ObjectReference", []) => json!(true),
        (name, []) => json!({ "$ref": format!("#/$defs/{name}") }),
        (name, _) => bail!("type {name} is not understood"),
    })
}

/// The last name of a type's path, and the types in its angle brackets.
fn parts(kind: &Type) -> Result<(String, Vec<&Type>)> {
    let Type::Path(path) = kind else {
        bail!("a type is no path")
    };
    let last = path.path.segments.last().context("a type has no name")?;
    let arguments = match &last.arguments {
        PathArguments::AngleBracketed(list) => list
            .args
            .iter()
            .filter_map(|argument| match argument {
                GenericArgument::Type(kind) => Some(kind),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    };
    Ok((last.ident.to_string(), arguments))
}

/// The name that `#[serde(rename = "...")]` gives.
fn renamed(attributes: &[Attribute]) -> Option<String> {
    let mut name = None;
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        // What is no list of settings is of no concern here.
        let _ = attribute.parse_nested_meta(|meta| {
            if meta.input.peek(syn::Token![=]) {
                let value: Expr = meta.value()?.parse()?;
                if let (true, Expr::Lit(literal)) = (meta.path.is_ident("rename"), value)
                    && let Lit::Str(text) = literal.lit
                {
                    name = Some(text.value());
                }
            }
            Ok(())
        });
    }
    name
}
