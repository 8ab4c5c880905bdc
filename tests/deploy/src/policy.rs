//! Rules of our own, for what no schema says. Each takes all objects of one rendering and reports what breaks it.

mod network;
mod pods;
mod references;
mod structure;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::object::{Object, items, strings, text};
use crate::tools;

pub use pods::pinned;

/// What breaks a rule, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The rule, by name.
    pub rule: &'static str,
    /// The object and what is wrong with it.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.text)
    }
}

/// Keys of secrets or config maps, by namespace and name.
pub type Keys = BTreeMap<(String, String), BTreeSet<String>>;

/// What every rule looks at.
#[derive(Debug)]
pub struct World<'a> {
    /// All objects of one rendering.
    pub objects: &'a [Object],
    /// Secrets that are made by hand before: the table in `docs/production.md`.
    pub own_secrets: &'a Keys,
}

type Rule = fn(&World<'_>, &mut Report);

const RULES: &[(&str, Rule)] = &[
    ("restricted", pods::restricted),
    ("resources", pods::resources),
    ("probes", pods::probes),
    ("images", pods::images),
    ("grace", pods::grace),
    ("labels", structure::labels),
    ("selectors", structure::selectors),
    ("disruption", structure::disruption),
    ("spread", structure::spread),
    ("namespaces", structure::namespaces),
    ("unique", structure::unique),
    ("services", network::services),
    ("routes", network::routes),
    ("addresses", network::addresses),
    ("references", references::references),
    ("targets", references::targets),
];

/// Names of all rules.
pub fn rules() -> impl Iterator<Item = &'static str> {
    RULES.iter().map(|(name, _)| *name)
}

/// Everything that breaks a rule.
#[must_use]
pub fn check(world: &World<'_>) -> Vec<Problem> {
    let mut report = Report::default();
    for (name, rule) in RULES {
        report.rule = name;
        rule(world, &mut report);
    }
    report.problems
}

/// Gathers problems.
#[derive(Debug, Default)]
struct Report {
    rule: &'static str,
    problems: Vec<Problem>,
}

impl Report {
    fn require(&mut self, holds: bool, object: &Object, text: impl fmt::Display) {
        if !holds {
            self.problems.push(Problem {
                rule: self.rule,
                text: format!("{object}: {text}"),
            });
        }
    }
}

/// The secrets that have to be there before, out of the table of the document for production: rows of namespace, name and keys.
///
/// # Errors
/// The document has no such table.
pub fn own_secrets() -> Result<Keys> {
    let mut keys = Keys::new();
    for line in tools::read("docs/production.md")?.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, namespace, name, listed, _what, _] = cells.as_slice() else {
            continue;
        };
        let (Some(namespace), Some(name)) = (code(namespace), code(name)) else {
            continue;
        };
        let listed = listed.split(',').filter_map(|key| code(key.trim())).map(str::to_owned);
        keys.insert((namespace.to_owned(), name.to_owned()), listed.collect());
    }
    ensure!(!keys.is_empty(), "docs/production.md has no table of secrets");
    Ok(keys)
}

fn code(cell: &str) -> Option<&str> {
    cell.strip_prefix('`')?.strip_suffix('`')
}

/// Whether labels have everything that a selector asks for. A selector that asks for nothing selects everything.
fn selects(selector: &Value, labels: &BTreeMap<String, String>) -> bool {
    let wanted = selector.get("matchLabels").map(strings).unwrap_or_default();
    let same = wanted.iter().all(|(key, value)| labels.get(key) == Some(value));
    same && items(selector, "/matchExpressions").all(|expression| {
        let value = labels.get(text(expression, "/key"));
        let listed = || items(expression, "/values").any(|item| item.as_str() == value.map(String::as_str));
        match text(expression, "/operator") {
            "In" => value.is_some() && listed(),
            "NotIn" => value.is_none() || !listed(),
            "Exists" => value.is_some(),
            "DoesNotExist" => value.is_none(),
            _ => false,
        }
    })
}

impl World<'_> {
    fn of_kind(&self, kind: &str) -> impl Iterator<Item = &Object> {
        self.objects.iter().filter(move |object| object.kind() == kind)
    }

    fn find(&self, kind: &str, namespace: &str, name: &str) -> Option<&Object> {
        self.of_kind(kind)
            .find(|object| object.namespace() == namespace && object.name() == name)
    }

    fn with_pods(&self) -> impl Iterator<Item = (&Object, &Value)> {
        self.objects.iter().filter_map(|object| Some((object, object.pod()?)))
    }

    /// What makes pods in a namespace that a selector selects.
    fn selected<'a>(
        &'a self,
        namespace: &'a str,
        selector: &'a Value,
    ) -> impl Iterator<Item = (&'a Object, &'a Value)> {
        self.with_pods()
            .filter(move |(object, _)| object.namespace() == namespace && selects(selector, &object.pod_labels()))
    }
}
