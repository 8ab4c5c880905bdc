//! `docs/asyncapi.yaml` says of each public topic what the program says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use onhand_cdc::registry::SchemaFormat;
use onhand_cdc::schemas::{self, SchemaFile};
use onhand_cdc::topics::{self, TopicSpec};
use onhand_cdc::{Environment, Table};
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn document() -> Value {
    let text = std::fs::read_to_string(root().join("docs/asyncapi.yaml")).unwrap();
    serde_norway::from_str(&text).unwrap()
}

fn object<'v>(value: &'v Value, path: &str) -> impl Iterator<Item = (&'v String, &'v Value)> {
    value
        .pointer(path)
        .and_then(Value::as_object)
        .unwrap_or_else(|| panic!("no object {path}"))
        .iter()
}

fn text<'v>(value: &'v Value, path: &str) -> &'v str {
    value
        .pointer(path)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("no text {path} in {value}"))
}

/// The object that a reference within the document names.
fn followed<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    match value.get("$ref").and_then(Value::as_str) {
        Some(reference) => {
            let path = reference
                .strip_prefix('#')
                .unwrap_or_else(|| panic!("{reference} leads out of the document"));
            document
                .pointer(path)
                .unwrap_or_else(|| panic!("{reference} leads nowhere"))
        }
        None => value,
    }
}

/// Address of each channel, with the environment put in where the address has a place for it.
fn addresses(document: &Value) -> BTreeMap<String, &Value> {
    let mut found = BTreeMap::new();
    for (_, channel) in object(document, "/channels") {
        let address = text(channel, "/address");
        if let Some(parameter) = channel.pointer("/parameters/env/enum") {
            let names: Vec<&str> = parameter
                .as_array()
                .unwrap()
                .iter()
                .map(|name| name.as_str().unwrap())
                .collect();
            assert_eq!(names, Environment::ALL.map(Environment::name));
            for name in names {
                found.insert(address.replace("{env}", name), channel);
            }
        } else {
            assert!(
                !address.contains('{'),
                "{address} has a parameter that is not described"
            );
            found.insert(address.to_owned(), channel);
        }
    }
    found
}

/// Every topic of the program that others may use.
fn public_topics() -> BTreeMap<String, TopicSpec> {
    let inside = |name: &str| {
        let dead_letters = name.ends_with(".dlq");
        let own = [
            topics::HEARTBEAT,
            topics::HEARTBEAT_TABLE,
            topics::SIGNAL_TABLE,
            topics::NOTIFICATION,
            topics::DLQ_STATE,
        ];
        dead_letters || own.contains(&name)
    };
    topics::all()
        .into_iter()
        .chain(Environment::ALL.map(topics::environment_events))
        .filter(|spec| !inside(&spec.name))
        .map(|spec| (spec.name.clone(), spec))
        .collect()
}

#[test]
fn each_channel_is_a_public_topic_and_each_public_topic_a_channel() {
    let document = document();
    let (channels, specs) = (addresses(&document), public_topics());
    let described: BTreeSet<&str> = channels.keys().map(String::as_str).collect();
    let made: BTreeSet<&str> = specs.keys().map(String::as_str).collect();
    let missing: Vec<_> = made.difference(&described).collect();
    assert!(missing.is_empty(), "topics without a channel: {missing:?}");
    let unknown: Vec<_> = described.difference(&made).collect();
    assert!(unknown.is_empty(), "channels without a topic: {unknown:?}");
    assert!(
        Table::ALL
            .iter()
            .all(|table| described.contains(table.topic().as_str()))
    );
}

#[test]
fn each_channel_says_how_its_topic_is_made() {
    let document = document();
    let specs = public_topics();
    for (address, channel) in addresses(&document) {
        let Some(spec) = specs.get(&address) else { continue };
        let binding = channel
            .pointer("/bindings/kafka")
            .unwrap_or_else(|| panic!("{address} has no binding"));
        assert_eq!(binding["partitions"], spec.partitions, "{address}");
        let config: BTreeMap<&str, &str> = spec.config.iter().copied().collect();
        let said = &binding["topicConfiguration"];
        assert_eq!(said["cleanup.policy"][0], config["cleanup.policy"], "{address}");
        let retention = said.get("retention.ms").map(ToString::to_string);
        assert_eq!(retention.as_deref(), config.get("retention.ms").copied(), "{address}");
    }
}

#[test]
fn the_document_has_what_asyncapi_3_requires() {
    let document = document();
    assert_eq!(text(&document, "/asyncapi"), "3.0.0");
    assert!(!text(&document, "/info/title").is_empty() && !text(&document, "/info/version").is_empty());
    for (name, server) in object(&document, "/servers") {
        assert_eq!(text(server, "/protocol"), "kafka", "{name}");
        assert!(!text(server, "/host").is_empty(), "{name}");
    }
    let mut used = BTreeSet::new();
    for (name, operation) in object(&document, "/operations") {
        assert!(["send", "receive"].contains(&text(operation, "/action")), "{name}");
        let channel = text(operation, "/channel/$ref");
        followed(&document, &operation["channel"]);
        assert!(used.insert(channel.to_owned()), "{channel} has two operations");
    }
    assert_eq!(
        used.len(),
        object(&document, "/channels").count(),
        "a channel without an operation"
    );
    for (name, channel) in object(&document, "/channels") {
        assert!(object(channel, "/messages").count() > 0, "{name} has no message");
        for (key, message) in object(channel, "/messages") {
            let message = followed(&document, message);
            assert!(message.get("payload").is_some(), "{name}/{key} has no payload");
            assert!(!text(message, "/contentType").is_empty(), "{name}/{key}");
            for message_trait in message.get("traits").and_then(Value::as_array).into_iter().flatten() {
                assert!(
                    followed(&document, message_trait).get("headers").is_some(),
                    "{name}/{key}"
                );
            }
        }
    }
}

/// Files that the payloads of a channel are described by.
fn files(document: &Value, channel: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (_, message) in object(channel, "/messages") {
        let payload = followed(document, &followed(document, message)["payload"]);
        let Some(reference) = payload.pointer("/schema/$ref").and_then(Value::as_str) else {
            continue;
        };
        let file = reference
            .strip_prefix("../cdc/schemas/")
            .unwrap_or_else(|| panic!("{reference} is no schema file"));
        let format = text(payload, "/schemaFormat");
        let expected = if file.ends_with(".avsc") {
            "application/vnd.apache.avro;version=1.9.0"
        } else {
            "application/schema+json;version=draft-07"
        };
        assert_eq!(format, expected, "{file}");
        found.insert(file.to_owned());
    }
    found
}

#[test]
fn each_payload_is_the_newest_schema_of_its_topic() {
    let document = document();
    let mut newest: BTreeMap<String, &SchemaFile> = BTreeMap::new();
    for file in schemas::FILES {
        newest.insert(file.subject(), file);
    }
    for (address, channel) in addresses(&document) {
        let files = files(&document, channel);
        for file in &files {
            let there = root().join("cdc/schemas").join(file).is_file();
            assert!(there, "{address}: {file} is not there");
        }
        let Some(file) = newest.get(&format!("{address}-value")) else {
            continue;
        };
        assert!(
            files.contains(file.path),
            "{address}: {files:?}, registered is {}",
            file.path
        );
        let expected = match file.format() {
            SchemaFormat::Avro => "application/vnd.confluent.avro",
            SchemaFormat::Json => "application/json",
        };
        for (key, message) in object(channel, "/messages") {
            assert_eq!(
                text(followed(&document, message), "/contentType"),
                expected,
                "{address}/{key}"
            );
        }
    }
}

/// How long a topic keeps its records, in words.
fn kept(channel: &Value) -> &'static str {
    let topic = &channel["bindings"]["kafka"]["topicConfiguration"];
    if topic["cleanup.policy"][0] == "compact" {
        return "the newest record of each key (compacted)";
    }
    match topic["retention.ms"].as_u64().unwrap() {
        86_400_000 => "a day",
        604_800_000 => "a week",
        2_592_000_000 => "30 days",
        other => panic!("no words for {other} ms"),
    }
}

/// The console shows the page whose name is the topic's.
#[test]
fn each_channel_has_a_page_for_the_console_that_says_the_same() {
    let document = document();
    let folder = root().join("docs/topics");
    let mut left: BTreeSet<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    for (address, channel) in addresses(&document) {
        let name = format!("{address}.md");
        assert!(left.remove(&name), "{name} is missing");
        let page = std::fs::read_to_string(folder.join(&name)).unwrap();
        let mut said = vec![
            format!("# {address}\n\n{}\n", text(channel, "/description")),
            format!("| Partitions | {} |", channel["bindings"]["kafka"]["partitions"]),
            format!("| Kept | {} |", kept(channel)),
        ];
        for (_, message) in object(channel, "/messages") {
            let message = followed(&document, message);
            said.push(format!(
                "| Value | `{}`: {}",
                text(message, "/name"),
                text(message, "/summary")
            ));
            said.push(text(message, "/bindings/kafka/key/description").to_owned());
        }
        for words in said {
            assert!(page.contains(&words), "{name} does not say: {words}");
        }
    }
    assert!(left.is_empty(), "pages without a topic: {left:?}");
}
