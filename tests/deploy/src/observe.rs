//! The rules of Prometheus and the dashboards: what they ask for.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::object::{items, text};
use crate::tools;

/// The one source of rules.
pub const RULES: &str = "deploy/observe/rules.yml";
/// The folder of the dashboards.
pub const DASHBOARDS: &str = "deploy/observe/grafana/dashboards";

/// Words of the query language that are no names of metrics. Functions are told by their bracket.
const WORDS: [&str; 8] = ["and", "or", "unless", "bool", "offset", "by", "without", "on"];

/// A file in YAML.
///
/// # Errors
/// It cannot be read, or is none.
pub fn yaml(path: &str) -> Result<Value> {
    serde_norway::from_str(&tools::read(path)?).with_context(|| path.to_owned())
}

/// All rules, recording and alerting.
///
/// # Errors
/// The file cannot be read.
pub fn rules() -> Result<Vec<Value>> {
    let file = yaml(RULES)?;
    let groups = items(&file, "/groups");
    Ok(groups.flat_map(|group| items(group, "/rules").cloned()).collect())
}

/// Names of the recorded series.
///
/// # Errors
/// The file cannot be read.
pub fn recorded() -> Result<BTreeSet<String>> {
    let rules = rules()?;
    let names = rules.iter().filter_map(|rule| rule.get("record")?.as_str());
    Ok(names.map(str::to_owned).collect())
}

/// The dashboards by their file names.
///
/// # Errors
/// One cannot be read.
pub fn dashboards() -> Result<Vec<(String, Value)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(tools::root().join(DASHBOARDS)).context(DASHBOARDS)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let file = serde_json::from_str(&tools::read(&format!("{DASHBOARDS}/{name}"))?);
        found.push((name.clone(), file.with_context(|| name)?));
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(found)
}

/// What the panels of a dashboard and its annotations ask.
#[must_use]
pub fn queries(dashboard: &Value) -> Vec<String> {
    let panels = items(dashboard, "/panels").flat_map(|panel| items(panel, "/targets"));
    let all = panels.chain(items(dashboard, "/annotations/list"));
    all.map(|query| text(query, "/expr").to_owned()).collect()
}

/// Names of the series that an expression asks for.
#[must_use]
pub fn names(expression: &str) -> BTreeSet<String> {
    let plain = without_lists(&without_selectors(expression));
    let mut found = BTreeSet::new();
    let mut rest = plain.as_str();
    while let Some(start) = rest.find(|letter: char| letter.is_ascii_alphabetic() || letter == '_') {
        // A digit before it belongs to a number, like the e of 1e6.
        let number = rest[..start].ends_with(|letter: char| letter.is_ascii_digit());
        rest = &rest[start..];
        let end = rest.find(|letter: char| !is_of_name(letter)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let called = after.trim_start().starts_with('(');
        if !number && !called && !WORDS.contains(&word) {
            found.insert(word.to_owned());
        }
        rest = after;
    }
    found
}

fn is_of_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_' || letter == ':'
}

/// Without what stands in quotes, in braces and in square brackets.
fn without_selectors(expression: &str) -> String {
    let (mut quoted, mut depth) = (false, 0_u32);
    let mut kept = String::new();
    for letter in expression.chars() {
        match letter {
            '"' => quoted = !quoted,
            '{' | '[' if !quoted => depth = depth.saturating_add(1),
            '}' | ']' if !quoted => depth = depth.saturating_sub(1),
            _ if !quoted && depth == 0 => kept.push(letter),
            _ => {}
        }
    }
    kept
}

/// Without the lists of labels behind `by` and its like.
fn without_lists(expression: &str) -> String {
    let mut kept = expression.to_owned();
    for word in [
        " by (",
        " without (",
        " on (",
        " ignoring (",
        " group_left (",
        " group_right (",
    ] {
        while let Some(start) = kept.find(word) {
            let end = kept[start..].find(')').map_or(kept.len(), |at| start + at + 1);
            kept.replace_range(start..end, " ");
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn names_of_series_are_told_from_labels_functions_and_numbers() {
        let found = names(
            "(sum by (le, role) (rate(a_total{x=\"y_z\", b=~\"c|d\"}[5m])) or vector(0)) / on (role) group_left (k) up > 1e6 * 2 and time() - max(r:s:t_5m) > 3",
        );
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["a_total", "r:s:t_5m", "up"]);
    }
}
