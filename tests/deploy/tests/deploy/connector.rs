//! The connector on a cluster is the one of the local stack: one definition, in which only addresses and secrets differ.

use std::collections::{BTreeMap, BTreeSet};

use onhand_deploy::object::{Object, items, strings, text, walk};
use onhand_deploy::{program, render, tools};
use serde_json::Value;

use super::overlay;

const DEFINITION: &str = "connectors/debezium-postgres.json";
const WORKER: &str = "connectors/connect-worker.properties";

fn definition() -> BTreeMap<String, String> {
    let value: Value = serde_json::from_str(&tools::read(DEFINITION).unwrap()).unwrap();
    strings(&value["config"])
}

/// Names of the variables in the definition.
fn placeholders(config: &BTreeMap<String, String>) -> BTreeSet<String> {
    let values = config.values().flat_map(|value| value.split("${env:").skip(1));
    values.map(|rest| rest.split('}').next().unwrap().to_owned()).collect()
}

/// What the worker makes of the definition.
fn rendered(config: &BTreeMap<String, String>, variables: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let fill = |value: &String| {
        let mut value = value.clone();
        for (name, with) in variables {
            value = value.replace(&format!("${{env:{name}}}"), with);
        }
        value
    };
    config
        .iter()
        .map(|(option, value)| (option.clone(), fill(value)))
        .collect()
}

/// The variables that the launcher of the local stack gives its worker, with its own expressions as values.
fn local_variables() -> BTreeMap<String, String> {
    let source = tools::read("cli/src/stack/parts/connect.rs").unwrap();
    let names = source.split('"').filter(|word| word.starts_with("ONHAND_CDC_"));
    names.map(|name| (name.to_owned(), format!("local {name}"))).collect()
}

/// The variables of the worker of a rendering, whoever runs it.
fn cluster_variables(objects: &[Object]) -> BTreeMap<String, String> {
    for object in objects {
        if object.kind() == "Deployment" && object.name() == "debezium" {
            let container = &object.pod().unwrap()["containers"][0];
            return program::environment(object, container, objects).unwrap();
        }
        if object.kind() == "KafkaConnect" {
            let container = object.at("/spec/template/connectContainer").unwrap();
            return program::environment(object, container, objects).unwrap();
        }
    }
    panic!("there is no worker");
}

fn all() -> Vec<(String, Vec<Object>)> {
    let mut all: Vec<(String, Vec<Object>)> = ["dev", "staging", "prod"]
        .iter()
        .map(|name| ((*name).to_owned(), overlay(name).unwrap()))
        .collect();
    all.push(("strimzi".to_owned(), render::base_with(&["strimzi-connect"]).unwrap()));
    all
}

#[test]
fn both_render_to_the_same_connector_but_for_addresses_and_secrets() {
    let config = definition();
    let wanted = placeholders(&config);
    let own = |variables: BTreeMap<String, String>| -> BTreeMap<String, String> {
        variables
            .into_iter()
            .filter(|(name, _)| name.starts_with("ONHAND_CDC_"))
            .collect()
    };
    let local = own(local_variables());
    assert_eq!(local.keys().cloned().collect::<BTreeSet<_>>(), wanted);
    let local = rendered(&config, &local);
    for (name, objects) in all() {
        let variables = own(cluster_variables(&objects));
        assert_eq!(variables.keys().cloned().collect::<BTreeSet<_>>(), wanted, "{name}");
        let cluster = rendered(&config, &variables);
        let differ: BTreeSet<&str> = config
            .keys()
            .filter(|option| local.get(*option) != cluster.get(*option))
            .map(String::as_str)
            .collect();
        let allowed: BTreeSet<&str> = [
            "database.hostname",
            "database.port",
            "database.dbname",
            "database.user",
            "database.password",
            "database.sslmode",
            "key.converter.apicurio.registry.url",
            "value.converter.apicurio.registry.url",
        ]
        .into();
        assert_eq!(differ, allowed, "{name}");
        assert!(
            cluster.values().all(|value| !value.contains("${")),
            "{name}: {cluster:?}"
        );
    }
}

#[test]
fn it_comes_out_of_the_program_and_nowhere_else() {
    let bytes = std::fs::read(tools::binary().unwrap()).unwrap();
    let text_of_it = tools::read(DEFINITION).unwrap();
    let inside = bytes
        .windows(text_of_it.len())
        .any(|window| window == text_of_it.as_bytes());
    assert!(inside, "the program was built with another definition");
    for (name, objects) in all() {
        let job = objects
            .iter()
            .find(|object| object.kind() == "Job" && object.name() == "connector")
            .unwrap();
        let arguments: Vec<&Value> = items(job.pod().unwrap(), "/containers/0/args").collect();
        assert_eq!(arguments, ["connect", "apply"], "{name}");
        for object in &objects {
            assert_ne!(object.kind(), "KafkaConnector", "{name}: {object} is a copy");
            walk(&object.0, "", &mut |_, value| {
                let copy = value.as_str().is_some_and(|text| text.contains("connector.class"));
                assert!(!copy, "{name}: {object} holds a copy");
            });
        }
    }
}

#[test]
fn the_worker_has_one_configuration() {
    let file = tools::read(WORKER).unwrap();
    for name in ["dev", "staging", "prod"] {
        let objects = overlay(name).unwrap();
        let map = objects
            .iter()
            .find(|object| object.name().starts_with("debezium-config"))
            .unwrap();
        assert_eq!(
            map.at("/data/connect-worker.properties").and_then(Value::as_str),
            Some(file.as_str()),
            "{name}"
        );
    }
    let mut wanted: BTreeMap<String, String> = file
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.to_owned(), value.replace("@REPLICATION_FACTOR@", "-1")))
        .collect();
    // What the operator sets itself, or has a field of its own for.
    wanted.retain(|_, value| !value.contains('@'));
    let objects = render::base_with(&["strimzi-connect"]).unwrap();
    let worker = objects.iter().find(|object| object.kind() == "KafkaConnect").unwrap();
    for (key, field) in [
        ("group.id", "groupId"),
        ("config.storage.topic", "configStorageTopic"),
        ("offset.storage.topic", "offsetStorageTopic"),
        ("status.storage.topic", "statusStorageTopic"),
    ] {
        assert_eq!(
            wanted.remove(key).as_deref(),
            Some(text(&worker.0, &format!("/spec/{field}")))
        );
    }
    let has: BTreeMap<String, String> = worker
        .at("/spec/config")
        .unwrap()
        .as_object()
        .unwrap()
        .iter()
        .map(plain)
        .collect();
    assert_eq!(has, wanted);
}

fn plain((key, value): (&String, &Value)) -> (String, String) {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    (key.clone(), text)
}

/// The script that starts the worker fills in everything, and gives producers and consumers the security settings too.
#[test]
fn the_start_of_the_worker_leaves_no_gap() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("worker");
    std::fs::create_dir_all(&folder).unwrap();
    let security = folder.join("client.properties");
    std::fs::write(&security, "# a comment\n\nsecurity.protocol=SASL_SSL\n").unwrap();
    let mut script = tools::read("connectors/start-worker.sh").unwrap();
    // What it would start is not here; what it would start it with is.
    script = script.replace("exec /kafka/bin/connect-distributed.sh", "cat");
    let start = folder.join("start-worker.sh");
    std::fs::write(&start, script).unwrap();
    std::fs::write(folder.join("connect-worker.properties"), tools::read(WORKER).unwrap()).unwrap();
    let written = tools::output(
        std::process::Command::new("bash")
            .arg(&start)
            .env("TMPDIR", env!("CARGO_TARGET_TMPDIR"))
            .env("BOOTSTRAP_SERVERS", "redpanda:9092")
            .env("ADVERTISED_HOST", "10.0.0.1")
            .env("REPLICATION_FACTOR", "3")
            .env("CLIENT_PROPERTIES", &security),
    )
    .unwrap();
    let lines: Vec<&str> = written
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .collect();
    assert!(lines.iter().all(|line| !line.contains('@')), "{written}");
    for line in [
        "bootstrap.servers=redpanda:9092",
        "rest.advertised.host.name=10.0.0.1",
        "offset.storage.replication.factor=3",
        "plugin.path=/kafka/connect",
        "security.protocol=SASL_SSL",
        "producer.security.protocol=SASL_SSL",
        "consumer.security.protocol=SASL_SSL",
    ] {
        assert!(lines.contains(&line), "{line} is missing:\n{written}");
    }
}
