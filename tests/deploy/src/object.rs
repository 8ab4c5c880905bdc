//! One object of a cluster.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// An object as it was rendered.
#[derive(Debug, Clone, PartialEq)]
pub struct Object(pub Value);

impl Object {
    /// `apps/v1`.
    #[must_use]
    pub fn api(&self) -> &str {
        text(&self.0, "/apiVersion")
    }

    /// `apps`; empty for the core group.
    #[must_use]
    pub fn group(&self) -> &str {
        self.api().split_once('/').map_or("", |(group, _)| group)
    }

    /// `Deployment`.
    #[must_use]
    pub fn kind(&self) -> &str {
        text(&self.0, "/kind")
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        text(&self.0, "/metadata/name")
    }

    /// Its namespace; empty if it is in none.
    #[must_use]
    pub fn namespace(&self) -> &str {
        text(&self.0, "/metadata/namespace")
    }

    /// The value at a JSON pointer.
    #[must_use]
    pub fn at(&self, pointer: &str) -> Option<&Value> {
        self.0.pointer(pointer)
    }

    /// The template of the pods that it makes.
    #[must_use]
    pub fn template(&self) -> Option<&Value> {
        match self.kind() {
            "Deployment" | "StatefulSet" | "DaemonSet" | "Job" => self.at("/spec/template"),
            "CronJob" => self.at("/spec/jobTemplate/spec/template"),
            _ => None,
        }
    }

    /// The specification of the pods that it makes.
    #[must_use]
    pub fn pod(&self) -> Option<&Value> {
        self.template().and_then(|template| template.get("spec"))
    }

    /// The labels of the pods that it makes.
    #[must_use]
    pub fn pod_labels(&self) -> BTreeMap<String, String> {
        self.template()
            .and_then(|template| template.pointer("/metadata/labels"))
            .map(strings)
            .unwrap_or_default()
    }

    /// Whether it makes pods that go on running.
    #[must_use]
    pub fn runs(&self) -> bool {
        matches!(self.kind(), "Deployment" | "StatefulSet" | "DaemonSet")
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.namespace() {
            "" => write!(f, "{} {}", self.kind(), self.name()),
            namespace => write!(f, "{} {namespace}/{}", self.kind(), self.name()),
        }
    }
}

/// Objects out of a YAML stream.
///
/// # Errors
/// It is no YAML, or a document in it is no object.
pub fn parse(yaml: &str) -> Result<Vec<Object>> {
    let mut objects = Vec::new();
    for document in serde_norway::Deserializer::from_str(yaml) {
        let value: Value = serde::Deserialize::deserialize(document).context("not YAML")?;
        if value.is_null() {
            continue;
        }
        ensure!(value.get("kind").is_some(), "a document has no kind: {value}");
        objects.push(Object(value));
    }
    Ok(objects)
}

/// The text at a JSON pointer; empty if there is none.
#[must_use]
pub fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The items of the list at a JSON pointer; none if there is no list.
pub fn items<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

/// A map of texts, such as labels.
#[must_use]
pub fn strings(value: &Value) -> BTreeMap<String, String> {
    let entries = value.as_object().into_iter().flatten();
    entries
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect()
}

/// All containers of a pod; those that run before it first.
pub fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    items(pod, "/initContainers").chain(items(pod, "/containers"))
}

/// Calls a function with every value inside a value, from the outside in, and the key under which each stands.
pub fn walk<'a>(value: &'a Value, key: &'a str, visit: &mut impl FnMut(&'a str, &'a Value)) {
    visit(key, value);
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| walk(value, key, visit)),
        Value::Array(list) => list.iter().for_each(|value| walk(value, key, visit)),
        _ => {}
    }
}
