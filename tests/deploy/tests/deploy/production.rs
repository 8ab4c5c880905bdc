//! What production promises.

use std::collections::BTreeSet;

use onhand_deploy::object::{Object, text};
use onhand_deploy::{policy, tools};
use serde_json::{Value, json};

use super::overlay;

fn one(objects: &[Object], kind: &str, name: &str) -> Object {
    let found = objects
        .iter()
        .find(|object| object.kind() == kind && object.name() == name);
    found.unwrap_or_else(|| panic!("no {kind} {name}")).clone()
}

fn values(name: &str) -> Value {
    let path = format!("deploy/k8s/components/redpanda-operator/helm/{name}");
    serde_norway::from_str(&tools::read(&path).unwrap()).unwrap()
}

#[test]
fn a_loss_of_one_instance_loses_no_commit() {
    let objects = overlay("prod").unwrap();
    let postgres = one(&objects, "Cluster", "postgres");
    for (pointer, value) in [
        ("/spec/instances", json!(3)),
        ("/spec/postgresql/synchronous/number", json!(1)),
        ("/spec/postgresql/synchronous/dataDurability", json!("required")),
        ("/spec/postgresql/synchronous/failoverQuorum", json!(true)),
        (
            "/spec/replicationSlots/highAvailability/synchronizeLogicalDecoding",
            json!(true),
        ),
        ("/spec/postgresql/parameters/sync_replication_slots", json!("on")),
        ("/spec/postgresql/parameters/hot_standby_feedback", json!("on")),
        ("/spec/postgresql/parameters/synchronous_commit", json!("on")),
        ("/spec/plugins/0/isWALArchiver", json!(true)),
    ] {
        assert_eq!(postgres.at(pointer), Some(&value), "{pointer}");
    }
    let store = text(&postgres.0, "/spec/plugins/0/parameters/barmanObjectName").to_owned();
    one(&objects, "ObjectStore", &store);
    one(&objects, "ScheduledBackup", "postgres-daily");
    let redpanda = one(&objects, "Redpanda", "redpanda");
    for (pointer, value) in [
        ("/statefulset/replicas", json!(3)),
        ("/config/cluster/default_topic_replications", json!(3)),
        ("/config/cluster/minimum_topic_replications", json!(3)),
        ("/auth/sasl/enabled", json!(true)),
        ("/tls/enabled", json!(true)),
        ("/listeners/kafka/authenticationMethod", json!("sasl")),
    ] {
        assert_eq!(
            redpanda.at(&format!("/spec/clusterSpec{pointer}")),
            Some(&value),
            "{pointer}"
        );
    }
}

#[test]
fn every_kafka_client_gives_a_password_over_tls() {
    let objects = overlay("prod").unwrap();
    let mut clients = 0;
    for object in objects.iter().filter(|object| object.namespace() == "onhand") {
        let Some(pod) = object.pod() else { continue };
        let container = &pod["containers"][0];
        if text(container, "/name") != "onhand" || object.name() == "migrate" {
            continue;
        }
        clients += 1;
        let variables = onhand_deploy::program::environment(object, container, &objects).unwrap();
        let security = variables
            .get("ONHAND_KAFKA__SECURITY")
            .unwrap_or_else(|| panic!("{object} has no security"));
        assert!(
            security.contains(r#""security.protocol"="SASL_SSL""#),
            "{object}: {security}"
        );
        assert_eq!(
            variables.get("ONHAND_KAFKA__REPLICATION_FACTOR").map(String::as_str),
            Some("3"),
            "{object}"
        );
    }
    assert_eq!(clients, 9);
    for trigger in objects.iter().filter(|object| object.kind() == "ScaledObject") {
        let triggers = trigger.at("/spec/triggers").and_then(Value::as_array).unwrap();
        assert!(
            triggers
                .iter()
                .all(|trigger| trigger["authenticationRef"]["name"] == "kafka"),
            "{trigger}"
        );
    }
}

#[test]
fn no_secret_of_the_repository_is_deployed_outside_of_development() {
    for name in ["staging", "prod"] {
        let objects = overlay(name).unwrap();
        assert!(objects.iter().all(|object| object.kind() != "Secret"), "{name}");
    }
    // What the document asks for by hand is at least what the examples stand for.
    let own = policy::own_secrets().unwrap();
    for secret in overlay("dev")
        .unwrap()
        .iter()
        .filter(|object| object.kind() == "Secret")
    {
        let keys: BTreeSet<String> = secret
            .at("/data")
            .unwrap()
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect();
        let place = (secret.namespace().to_owned(), secret.name().to_owned());
        assert_eq!(own.get(&place), Some(&keys), "{secret}");
    }
}

/// The values of the chart and the operator's resource are the same statement.
#[test]
fn the_values_of_the_chart_are_those_of_the_operator() {
    let prod = values("redpanda-prod-values.yaml");
    let redpanda = one(&overlay("prod").unwrap(), "Redpanda", "redpanda");
    assert_eq!(redpanda.at("/spec/clusterSpec"), Some(&prod));
    let dev = values("redpanda-values.yaml");
    for (pointer, value) in [
        ("/statefulset/replicas", json!(1)),
        ("/auth/sasl/enabled", json!(false)),
        ("/tls/enabled", json!(false)),
        ("/console/enabled", json!(true)),
        ("/storage/persistentVolume/size", json!("4Gi")),
    ] {
        assert_eq!(dev.pointer(pointer), Some(&value), "{pointer}");
    }
    // Whoever switches from one to the other finds the same sections.
    let sections = |value: &Value| -> BTreeSet<String> { value.as_object().unwrap().keys().cloned().collect() };
    assert!(sections(&dev).is_subset(&sections(&prod)));
    let port = "/listeners/kafka/port";
    assert_eq!(dev.pointer(port), prod.pointer(port));
}

#[test]
fn the_environment_in_the_names_of_topics_follows_the_overlay() {
    for (name, environment) in [("dev", "dev"), ("staging", "sit"), ("prod", "prod")] {
        let objects = overlay(name).unwrap();
        let map = objects
            .iter()
            .find(|object| object.name().starts_with("inventory-config"))
            .unwrap();
        assert_eq!(text(&map.0, "/data/ONHAND_PUBLISH__ENV"), environment);
    }
}
