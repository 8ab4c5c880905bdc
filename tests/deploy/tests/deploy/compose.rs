//! The compose file: complete, consistent, and taken by the program.

use std::collections::{BTreeMap, BTreeSet};

use onhand_deploy::{program, tools};
use serde_json::Value;

const FILE: &str = "deploy/compose.yaml";

/// The file with its merges carried out.
fn file() -> Value {
    read(&tools::read(FILE).unwrap())
}

fn read(text: &str) -> Value {
    let mut value: serde_norway::Value = serde_norway::from_str(text).unwrap();
    value.apply_merge().unwrap();
    serde_json::to_value(value).unwrap()
}

fn services(file: &Value) -> &serde_json::Map<String, Value> {
    file["services"].as_object().unwrap()
}

/// Variables of a service, with what the caller's environment would give filled in.
fn environment(service: &Value) -> BTreeMap<String, String> {
    let entries = service["environment"].as_object().into_iter().flatten();
    entries
        .map(|(name, value)| (name.clone(), defaults(value.as_str().unwrap())))
        .collect()
}

/// `${NAME:-default}` becomes the default.
fn defaults(text: &str) -> String {
    let mut parts = text.split("${");
    let mut filled = parts.next().unwrap().to_owned();
    for part in parts {
        let (name, rest) = part.split_once('}').unwrap();
        filled.push_str(
            name.split_once(":-")
                .unwrap_or_else(|| panic!("{name} has no default"))
                .1,
        );
        filled.push_str(rest);
    }
    filled
}

/// Everything that does not fit, as sentences.
fn problems(file: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let services = services(file);
    let volumes: BTreeSet<&String> = file["volumes"].as_object().unwrap().keys().collect();
    let mut taken = BTreeSet::new();
    for (name, service) in services {
        let image = service["image"].as_str().unwrap_or_default();
        let tag = image
            .rsplit('/')
            .next()
            .unwrap()
            .split_once(':')
            .map_or("", |(_, tag)| tag);
        if tag.is_empty() || tag == "latest" {
            found.push(format!("{name}: image '{image}' is not pinned"));
        }
        if let Some(file) = service["build"]["dockerfile"].as_str()
            && !tools::root().join(file).is_file()
        {
            found.push(format!("{name}: no {file}"));
        }
        for (other, condition) in service["depends_on"].as_object().into_iter().flatten() {
            match services.get(other) {
                None => found.push(format!("{name}: waits for '{other}', which is not there")),
                Some(other_service) => {
                    let healthy = condition["condition"] == "service_healthy";
                    if healthy && other_service.get("healthcheck").is_none() {
                        found.push(format!("{name}: waits for the health of '{other}', which has no check"));
                    }
                }
            }
        }
        for port in service["ports"].as_array().into_iter().flatten() {
            let port = port.as_str().unwrap();
            let place = port.rsplit_once(':').unwrap().0.to_owned();
            if !place.starts_with("127.0.0.1:") {
                found.push(format!("{name}: port {port} is open to the network"));
            }
            if !taken.insert(place) {
                found.push(format!("{name}: port {port} is taken"));
            }
        }
        for volume in service["volumes"].as_array().into_iter().flatten() {
            let source = volume.as_str().unwrap().split(':').next().unwrap().to_owned();
            let there = match source.strip_prefix("./") {
                Some(path) => tools::root().join("deploy").join(path).exists(),
                // Of the machine, which this repository knows nothing of.
                None => source.starts_with('/') || volumes.contains(&source),
            };
            if !there {
                found.push(format!("{name}: no volume or file '{source}'"));
            }
        }
        found.extend(addresses(name, service, services));
        if image.starts_with("onhand:") {
            found.extend(program(name, service));
        }
    }
    found
}

/// Hosts in settings are services.
fn addresses(name: &str, service: &Value, services: &serde_json::Map<String, Value>) -> Vec<String> {
    let mut found = Vec::new();
    for (variable, value) in environment(service) {
        let after = value.rsplit_once("://").map_or(value.as_str(), |(_, rest)| rest);
        let after = after.rsplit_once('@').map_or(after, |(_, host)| host);
        let Some((host, rest)) = after.split_once(':') else {
            continue;
        };
        let is_address = rest.chars().next().is_some_and(|letter| letter.is_ascii_digit());
        let local = host.is_empty() || host.starts_with(|letter: char| letter.is_ascii_digit());
        if is_address && !local && !services.contains_key(host) {
            found.push(format!("{name}: {variable} names '{host}', which is no service"));
        }
    }
    found
}

/// The program takes the settings and knows the command.
fn program(name: &str, service: &Value) -> Vec<String> {
    let arguments: Vec<&str> = service["command"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let settings = program::settings(&environment(service));
    [settings, program::command(&arguments)]
        .into_iter()
        .filter_map(Result::err)
        .map(|error| format!("{name}: {error}"))
        .collect()
}

#[test]
fn it_is_consistent() {
    assert_eq!(problems(&file()), Vec::<String>::new());
}

#[test]
fn it_has_every_part_of_the_local_stack() {
    let file = file();
    let there: BTreeSet<&str> = services(&file).keys().map(String::as_str).collect();
    let mut parts = BTreeSet::new();
    let folder = tools::root().join("cli/src/stack/parts");
    for entry in std::fs::read_dir(folder).unwrap() {
        let source = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for mark in ["const NAME: &str = \"", "    name: \""] {
            let names = source
                .split(mark)
                .skip(1)
                .map(|rest| rest.split('"').next().unwrap().to_owned());
            parts.extend(names);
        }
    }
    assert!(parts.len() >= 14, "{parts:?}");
    for part in &parts {
        let service = if part == "kafka" { "redpanda" } else { part };
        assert!(there.contains(service), "{part} is missing");
    }
    // The console, the steps that the launcher takes itself, and what shows metrics, logs and traces.
    let more = [
        "console",
        "migrate",
        "connector",
        "grafana",
        "loki",
        "tempo",
        "collector",
    ];
    assert_eq!(there.len(), parts.len() + more.len());
}

#[test]
fn images_are_those_of_the_cluster() {
    let cluster: Value = serde_norway::from_str(&tools::read("deploy/k8s/base/kustomization.yaml").unwrap()).unwrap();
    let file = file();
    for image in cluster["images"].as_array().unwrap() {
        let Some(name) = image["newName"].as_str() else {
            continue;
        };
        let wanted = format!("{name}:{}", image["newTag"].as_str().unwrap());
        // Compose builds its own Connect, out of this very one.
        let dockerfile = tools::read("deploy/connect/Dockerfile").unwrap();
        let there = services(&file).values().any(|service| service["image"] == wanted) || dockerfile.contains(&wanted);
        assert!(there, "{wanted}");
    }
}

#[test]
fn broken_copies_are_refused() {
    let text = tools::read(FILE).unwrap();
    for (from, to, word) in [
        ("redis:7.0.15-bookworm", "redis", "not pinned"),
        ("127.0.0.1:17379:6379", "127.0.0.1:17432:6379", "is taken"),
        ("127.0.0.1:17379:6379", "0.0.0.0:17379:6379", "open to the network"),
        (
            "ONHAND_CONNECT__URL: http://connect:8083",
            "ONHAND_CONNECT__URL: http://conect:8083",
            "is no service",
        ),
        ("ONHAND_KAFKA__BROKERS:", "ONHAND_KAFKA__BROKER:", "unknown field"),
        (
            "command: [\"connect\", \"watch\"]",
            "command: [\"connect\", \"wach\"]",
            "watch",
        ),
        ("- postgres:/var/lib", "- postgress:/var/lib", "no volume"),
        ("base/redis/redis.conf", "base/redis/redis.cnf", "no volume or file"),
        (
            "dockerfile: deploy/Dockerfile",
            "dockerfile: deploy/Dokerfile",
            "no deploy/Dokerfile",
        ),
        (
            "      registry:\n        condition: service_started",
            "      registri:\n        condition: service_started",
            "not there",
        ),
    ] {
        assert!(text.contains(from), "{from}");
        let found = problems(&read(&text.replacen(from, to, 1)));
        assert!(found.iter().any(|problem| problem.contains(word)), "{to}: {found:?}");
    }
}
