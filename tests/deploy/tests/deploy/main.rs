//! Everything that deploys the product, checked without a cluster.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod compose;
mod connector;
mod containers;
mod manifests;
mod observe;
mod production;
mod refusals;
mod settings;

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use onhand_deploy::object::Object;
use onhand_deploy::policy::{self, World};
use onhand_deploy::render;

/// The overlays, and the combinations that the README promises, by name.
fn combinations() -> Result<BTreeMap<String, Vec<String>>> {
    let mut found = BTreeMap::new();
    let text = onhand_deploy::tools::read("deploy/README.md")?;
    let table = text.split("| combination | components |").nth(1).unwrap_or_default();
    for line in table
        .lines()
        .skip(1)
        .take_while(|line| line.starts_with('|') || line.is_empty())
    {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, name, components, _] = cells.as_slice() else {
            continue;
        };
        let components: Vec<String> = components
            .split(',')
            .filter_map(|word| Some(word.trim().strip_prefix('`')?.strip_suffix('`')?.to_owned()))
            .collect();
        if !components.is_empty() {
            found.insert((*name).to_owned(), components);
        }
    }
    ensure!(found.len() > 3, "deploy/README.md has no table of combinations");
    Ok(found)
}

fn overlay(name: &str) -> Result<Vec<Object>> {
    render::folder(&format!("{}/overlays/{name}", render::MANIFESTS))
}

/// What the rules say of a rendering, as lines.
fn problems(objects: &[Object]) -> Result<Vec<String>> {
    let own_secrets = policy::own_secrets()?;
    let found = policy::check(&World {
        objects,
        own_secrets: &own_secrets,
    });
    Ok(found.iter().map(ToString::to_string).collect())
}
