//! Every overlay and combination renders, is valid, and breaks no rule.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use onhand_deploy::object::Object;
use onhand_deploy::render;
use onhand_deploy::schema::{self, WITHOUT_SCHEMA};

use super::{combinations, overlay, problems};

/// What a component needs before it.
const NEEDS: [(&str, &[&str]); 2] = [("backup", &["cnpg"]), ("point-in-time-restore", &["cnpg", "backup"])];

fn good(what: &str, objects: &[Object]) -> Result<()> {
    ensure!(objects.len() > 50, "{what} has {} objects only", objects.len());
    let mut found = problems(objects)?;
    for object in objects {
        found.extend(schema::check(object)?);
    }
    ensure!(found.is_empty(), "{what}:\n{}", found.join("\n"));
    Ok(())
}

#[test]
fn every_overlay_is_good() {
    let names = render::folders("overlays").unwrap();
    assert_eq!(names, ["dev", "prod", "staging"]);
    for name in names {
        good(&name, &overlay(&name).unwrap()).unwrap();
    }
}

#[test]
fn the_base_is_good_as_it_is() {
    let objects = render::folder("deploy/k8s/base").unwrap();
    good("base", &objects).unwrap();
}

#[test]
fn every_component_is_good_with_nothing_but_what_it_needs() {
    for name in render::folders("components").unwrap() {
        let needed = NEEDS
            .iter()
            .find(|(component, _)| *component == name)
            .map_or(&[][..], |(_, needs)| *needs);
        let mut components = needed.to_vec();
        components.push(&name);
        let objects = render::base_with(&components).unwrap();
        good(&format!("{components:?}"), &objects).unwrap();
    }
}

#[test]
fn every_documented_combination_is_good() {
    for (name, components) in combinations().unwrap() {
        let components: Vec<&str> = components.iter().map(String::as_str).collect();
        let objects = render::base_with(&components).unwrap();
        good(&name, &objects).unwrap();
    }
}

#[test]
fn documentation_names_every_component_and_no_other() {
    let text = onhand_deploy::tools::read("deploy/README.md").unwrap();
    let table = text
        .split("## Components")
        .nth(1)
        .unwrap()
        .split("| combination |")
        .next()
        .unwrap();
    let named: BTreeSet<String> = table
        .lines()
        .filter_map(|line| Some(line.strip_prefix("| `")?.split('`').next()?.to_owned()))
        .collect();
    let there: BTreeSet<String> = render::folders("components").unwrap().into_iter().collect();
    assert_eq!(named, there);
}

/// A group that gets a schema one day leaves the list; one that is not in it must have one.
#[test]
fn only_groups_that_are_listed_go_without_a_schema() {
    let objects = overlay("prod").unwrap();
    let groups: BTreeSet<&str> = objects.iter().map(Object::group).collect();
    for group in WITHOUT_SCHEMA {
        assert!(groups.contains(group), "{group} is not in use");
    }
    let mut unknown = objects[0].clone();
    unknown.0["apiVersion"] = "nobody.example/v1".into();
    assert!(schema::check(&unknown).is_err());
}

/// The versions of the local stack, which are the proven ones, are those of the cluster.
#[test]
fn a_cluster_runs_the_versions_that_the_local_stack_runs() {
    let pom = onhand_deploy::tools::read("cli/parts/pom.xml").unwrap();
    let pinned = |name: &str| {
        let from = pom.split(&format!("<{name}.version>")).nth(1).unwrap();
        from.split('<').next().unwrap().to_owned()
    };
    let mut images: Vec<String> = render::folder("deploy/k8s/base")
        .unwrap()
        .iter()
        .filter_map(Object::pod)
        .flat_map(|pod| onhand_deploy::object::containers(pod).map(|container| container["image"].to_string()))
        .collect();
    // Kafka Connect is an image of our own, on that of Debezium.
    let worker = onhand_deploy::tools::read("deploy/connect/Dockerfile").unwrap();
    images.extend(
        worker
            .lines()
            .filter_map(|line| line.strip_prefix("FROM "))
            .map(str::to_owned),
    );
    let postgres = pinned("postgres");
    let postgres = postgres.rsplit_once('.').unwrap().0;
    for (image, version) in [
        ("library/postgres", postgres),
        ("debezium/connect", &pinned("debezium")),
        ("apicurio-registry-kafkasql", &pinned("apicurio")),
        ("elasticsearch/elasticsearch", &pinned("elasticsearch")),
    ] {
        let wanted = format!("{image}:{version}");
        assert!(
            images.iter().any(|image| image.contains(&wanted)),
            "{wanted} is not among {images:?}"
        );
    }
}
