//! The program itself is asked about every setting and command that the manifests give it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use onhand_deploy::object::{Object, items, text};
use onhand_deploy::{program, tools};

use super::overlay;

/// Containers of the product, with the object that makes them.
fn roles(objects: &[Object]) -> impl Iterator<Item = (&Object, &serde_json::Value)> {
    let pods = objects.iter().filter_map(|object| Some((object, object.pod()?)));
    pods.flat_map(|(object, pod)| items(pod, "/containers").map(move |container| (object, container)))
        .filter(|(_, container)| text(container, "/name") == "onhand")
}

#[test]
fn the_program_takes_every_setting_that_it_is_given() {
    let plain = program::plain_variables().unwrap();
    assert!(
        plain.contains("ONHAND_LOG") && plain.contains("ONHAND_APP_PASSWORD"),
        "{plain:?}"
    );
    let mut asked: BTreeMap<Vec<(String, String)>, Result<(), String>> = BTreeMap::new();
    for name in ["dev", "staging", "prod"] {
        let objects = overlay(name).unwrap();
        let mut count = 0;
        for (object, container) in roles(&objects) {
            count += 1;
            let variables = program::environment(object, container, &objects).unwrap();
            for (variable, value) in &variables {
                let known = !variable.starts_with("ONHAND_") || variable.contains("__") || plain.contains(variable);
                assert!(known, "{name}: {object}: the program does not know {variable}");
                assert!(
                    !value.contains("$("),
                    "{name}: {object}: {variable} is not filled in: {value}"
                );
            }
            // Whose pod it is differs and is no setting to judge.
            let key: Vec<(String, String)> = variables.clone().into_iter().collect();
            let answer = asked.entry(key).or_insert_with(|| program::settings(&variables));
            assert_eq!(*answer, Ok(()), "{name}: {object}");
        }
        assert_eq!(count, 10, "{name} has other roles");
    }
}

#[test]
fn the_program_knows_every_command_and_every_role_is_deployed() {
    let objects = overlay("dev").unwrap();
    let mut commands = BTreeSet::new();
    for (object, container) in roles(&objects) {
        let arguments: Vec<&str> = items(container, "/args")
            .filter_map(|argument| argument.as_str())
            .collect();
        program::command(&arguments).unwrap_or_else(|error| panic!("{object}: {error}"));
        commands.insert(arguments.join(" "));
    }
    // The local stack starts the same roles; steps that it takes itself are Jobs here.
    let local = tools::read("cli/src/stack/parts/roles.rs").unwrap();
    let mut wanted: BTreeSet<String> = ["migrate", "connect apply"].map(str::to_owned).into();
    for line in local.lines().map(str::trim) {
        if let Some((_, rest)) = line.split_once("consumer(stack, \"") {
            wanted.insert(format!("consume {}", rest.split('"').next().unwrap()));
        } else if let Some((_, rest)) = line.split_once("role(stack, &[") {
            let words = rest.split(']').next().unwrap();
            if words.contains('"') && !words.contains("sink") {
                wanted.insert(words.replace(['"', ','], ""));
            }
        }
    }
    assert_eq!(commands, wanted);
}
