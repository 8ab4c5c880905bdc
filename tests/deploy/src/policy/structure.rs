//! Labels, and what is found by them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Report, World, selects};
use crate::object::{items, strings};

const PART_OF: &str = "app.kubernetes.io/part-of";
const PRODUCT: &str = "onhand";
const OWN: [&str; 2] = ["app.kubernetes.io/name", "app.kubernetes.io/component"];
const ENFORCE: &str = "pod-security.kubernetes.io/enforce";

/// Everything is recognisably part of the product, and every pod says what it is.
pub(super) fn labels(world: &World<'_>, report: &mut Report) {
    for object in world.objects {
        let labels = object.at("/metadata/labels").map(strings).unwrap_or_default();
        let part = labels.get(PART_OF).map(String::as_str);
        report.require(
            part == Some(PRODUCT),
            object,
            format!("label {PART_OF} is not {PRODUCT}"),
        );
        if object.template().is_none() {
            continue;
        }
        let pod = object.pod_labels();
        report.require(
            pod.get(PART_OF).map(String::as_str) == Some(PRODUCT),
            object,
            format!("its pods lack {PART_OF}"),
        );
        for name in OWN {
            report.require(labels.contains_key(name), object, format!("label {name} is missing"));
            report.require(
                pod.get(name) == labels.get(name),
                object,
                format!("its pods have another {name}"),
            );
        }
    }
}

/// A workload selects its own pods, and those of no other.
pub(super) fn selectors(world: &World<'_>, report: &mut Report) {
    for object in world.objects.iter().filter(|object| object.runs()) {
        let Some(selector) = object.at("/spec/selector") else {
            report.require(false, object, "it has no selector");
            continue;
        };
        report.require(
            selects(selector, &object.pod_labels()),
            object,
            "its selector does not select its own pods",
        );
        for (other, _) in world.selected(object.namespace(), selector) {
            report.require(
                std::ptr::eq(other, object),
                object,
                format!("its selector also selects the pods of {other}"),
            );
        }
    }
    for policy in world.of_kind("NetworkPolicy") {
        let selector = policy.at("/spec/podSelector").cloned().unwrap_or_default();
        let ours = selector.get("matchLabels").map(strings).unwrap_or_default();
        // Pods that an operator makes have labels of its own.
        if ours.keys().any(|label| OWN.contains(&label.as_str())) {
            let hit = world.selected(policy.namespace(), &selector).next().is_some();
            report.require(hit, policy, "it selects no pod");
        }
    }
}

/// No drain of a node takes all instances at once.
pub(super) fn disruption(world: &World<'_>, report: &mut Report) {
    let mut guarded = BTreeSet::new();
    for budget in world.of_kind("PodDisruptionBudget") {
        let selector = budget.at("/spec/selector").cloned().unwrap_or_default();
        let mut hit = false;
        for (object, _) in world.selected(budget.namespace(), &selector) {
            hit = true;
            guarded.insert(object.to_string());
        }
        report.require(hit, budget, "it guards no pod");
        let bound = budget.at("/spec/maxUnavailable").is_some() || budget.at("/spec/minAvailable").is_some();
        report.require(bound, budget, "it states no bound");
        let never = budget.at("/spec/maxUnavailable") == Some(&json!(0));
        report.require(!never, budget, "no node could ever be drained");
    }
    for object in world.objects.iter().filter(|object| object.runs()) {
        report.require(
            guarded.contains(&object.to_string()),
            object,
            "no PodDisruptionBudget guards it",
        );
    }
}

/// What may have several instances is spread over nodes, counted by labels that its pods have and those of no other.
pub(super) fn spread(world: &World<'_>, report: &mut Report) {
    for (object, pod) in world.with_pods().filter(|(object, _)| object.runs()) {
        let constraints: Vec<&Value> = items(pod, "/topologySpreadConstraints").collect();
        let scaled = world.objects.iter().any(|scaler| {
            matches!(scaler.kind(), "HorizontalPodAutoscaler" | "ScaledObject")
                && scaler.namespace() == object.namespace()
                && scaler.at("/spec/scaleTargetRef/name").and_then(Value::as_str) == Some(object.name())
        });
        let replicas = object.at("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
        let several = scaled || replicas > 1;
        report.require(
            !several || !constraints.is_empty(),
            object,
            "it has several instances and is not spread",
        );
        for constraint in constraints {
            let selector = counted(constraint, &object.pod_labels());
            let own = selector.get("matchLabels").is_some() && selects(&selector, &object.pod_labels());
            report.require(own, object, "its spread does not count its own pods");
            for (other, _) in world.selected(object.namespace(), &selector) {
                report.require(
                    std::ptr::eq(other, object),
                    object,
                    format!("its spread also counts the pods of {other}"),
                );
            }
        }
    }
}

/// What a spread counts: its selector, and the pod's own values of the labels that it names by their keys.
fn counted(constraint: &Value, pod: &BTreeMap<String, String>) -> Value {
    let mut selector = constraint.get("labelSelector").cloned().unwrap_or_default();
    let Some(labels) = selector.pointer_mut("/matchLabels").and_then(Value::as_object_mut) else {
        return selector;
    };
    for key in items(constraint, "/matchLabelKeys").filter_map(Value::as_str) {
        if let Some(value) = pod.get(key) {
            labels.insert(key.to_owned(), json!(value));
        }
    }
    selector
}

/// Kinds that are in no namespace.
const CLUSTER_WIDE: [&str; 6] = [
    "Namespace",
    "ClusterRole",
    "ClusterRoleBinding",
    "ClusterIssuer",
    "CustomResourceDefinition",
    "StorageClass",
];
/// Namespaces of operators that objects of ours go to.
const FOREIGN: [&str; 1] = ["cert-manager"];

/// Every object is in a namespace that is declared, and pods are where only restricted ones are let in.
pub(super) fn namespaces(world: &World<'_>, report: &mut Report) {
    let declared: BTreeMap<&str, BTreeMap<String, String>> = world
        .of_kind("Namespace")
        .map(|object| {
            (
                object.name(),
                object.at("/metadata/labels").map(strings).unwrap_or_default(),
            )
        })
        .collect();
    for object in world.objects {
        if CLUSTER_WIDE.contains(&object.kind()) {
            report.require(object.namespace().is_empty(), object, "its kind is in no namespace");
            continue;
        }
        let labels = declared.get(object.namespace());
        let known = labels.is_some() || FOREIGN.contains(&object.namespace());
        report.require(known, object, "its namespace is not declared");
        if object.template().is_some() {
            let level = labels.and_then(|labels| labels.get(ENFORCE)).map(String::as_str);
            // An operator's own pods may need more; ours are held to the standard by another rule.
            let operated = world
                .of_kind("Redpanda")
                .any(|operated| operated.namespace() == object.namespace());
            let wanted = if operated { "baseline" } else { "restricted" };
            report.require(
                level == Some(wanted),
                object,
                format!("its namespace does not enforce {wanted}"),
            );
        }
    }
}

/// No two objects are the same one.
pub(super) fn unique(world: &World<'_>, report: &mut Report) {
    let mut seen = BTreeSet::new();
    for object in world.objects {
        let new = seen.insert((object.group(), object.kind(), object.namespace(), object.name()));
        report.require(new, object, "it is there twice");
        let named = !object.name().is_empty() && !object.api().is_empty();
        report.require(named, object, "it has no name or version");
    }
}
