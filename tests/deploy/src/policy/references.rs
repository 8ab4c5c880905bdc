//! Whether everything that is referred to is there: keys of config maps and secrets, accounts, targets of scaling.

use serde_json::Value;

use super::{Keys, Report, World};
use crate::object::{Object, containers, items, text, walk};

/// Every config map, secret and key that something refers to exists in its namespace.
pub(super) fn references(world: &World<'_>, report: &mut Report) {
    let maps = config_maps(world);
    let secrets = secrets(world);
    for (object, pod) in world.with_pods() {
        for reference in of_pod(pod) {
            let known = if reference.secret { &secrets } else { &maps };
            reference.check(object, known, report);
        }
    }
    for object in world.objects.iter().filter(|object| object.template().is_none()) {
        for reference in of_resource(object) {
            reference.check(object, &secrets, report);
        }
    }
    unused(world, report);
}

/// One mention of a config map or secret; with a key, if one is named.
struct Reference<'a> {
    secret: bool,
    name: &'a str,
    key: Option<&'a str>,
}

impl Reference<'_> {
    fn check(&self, object: &Object, known: &Keys, report: &mut Report) {
        let what = if self.secret { "secret" } else { "config map" };
        let place = (object.namespace().to_owned(), self.name.to_owned());
        let Some(keys) = known.get(&place) else {
            report.require(false, object, format!("there is no {what} '{}'", self.name));
            return;
        };
        if let Some(key) = self.key {
            report.require(
                keys.contains(key),
                object,
                format!("{what} '{}' has no key '{key}'", self.name),
            );
        }
    }
}

fn config_maps(world: &World<'_>) -> Keys {
    world
        .of_kind("ConfigMap")
        .map(|object| entry(object, &["/data", "/binaryData"]))
        .collect()
}

/// Secrets that are rendered, that an operator will make, and that have to be made by hand.
fn secrets(world: &World<'_>) -> Keys {
    let mut keys = world.own_secrets.clone();
    keys.extend(
        world
            .of_kind("Secret")
            .map(|object| entry(object, &["/data", "/stringData"])),
    );
    for certificate in world.of_kind("Certificate") {
        let name = text(&certificate.0, "/spec/secretName").to_owned();
        let made = ["tls.crt", "tls.key", "ca.crt"].map(str::to_owned);
        keys.insert((certificate.namespace().to_owned(), name), made.into());
    }
    keys
}

fn entry(object: &Object, pointers: &[&str]) -> ((String, String), std::collections::BTreeSet<String>) {
    let keys = pointers
        .iter()
        .filter_map(|pointer| object.at(pointer)?.as_object())
        .flat_map(|map| map.keys().cloned())
        .collect();
    ((object.namespace().to_owned(), object.name().to_owned()), keys)
}

fn of_pod(pod: &Value) -> Vec<Reference<'_>> {
    let mut found = Vec::new();
    for container in containers(pod) {
        for entry in items(container, "/env") {
            for (secret, field) in [(true, "secretKeyRef"), (false, "configMapKeyRef")] {
                if let Some(at) = entry.pointer(&format!("/valueFrom/{field}")) {
                    found.push(Reference {
                        secret,
                        name: text(at, "/name"),
                        key: Some(text(at, "/key")),
                    });
                }
            }
        }
        for entry in items(container, "/envFrom") {
            for (secret, field) in [(true, "secretRef"), (false, "configMapRef")] {
                if let Some(at) = entry.get(field) {
                    found.push(Reference {
                        secret,
                        name: text(at, "/name"),
                        key: None,
                    });
                }
            }
        }
    }
    for volume in items(pod, "/volumes") {
        of_source(volume, "/secretName", &mut found);
        for source in items(volume, "/projected/sources") {
            of_source(source, "/name", &mut found);
        }
    }
    found
}

fn of_source<'a>(source: &'a Value, name_of_secret: &str, found: &mut Vec<Reference<'a>>) {
    for (secret, field, name) in [(true, "secret", name_of_secret), (false, "configMap", "/name")] {
        let Some(at) = source.get(field) else { continue };
        let name = text(at, name);
        found.push(Reference {
            secret,
            name,
            key: None,
        });
        for item in items(at, "/items") {
            found.push(Reference {
                secret,
                name,
                key: Some(text(item, "/key")),
            });
        }
    }
}

/// What custom resources say of secrets: every `secretKeyRef` and its like, and the fields that hold a name alone.
fn of_resource(object: &Object) -> Vec<Reference<'_>> {
    let mut found = Vec::new();
    walk(&object.0, "", &mut |key, value| match (key, value) {
        ("secretKeyRef" | "accessKeyId" | "secretAccessKey" | "secretTargetRef", Value::Object(_)) => {
            found.push(Reference {
                secret: true,
                name: text(value, "/name"),
                key: Some(text(value, "/key")),
            });
        }
        ("superuserSecret", Value::Object(_)) => {
            for key in ["username", "password"] {
                found.push(Reference {
                    secret: true,
                    name: text(value, "/name"),
                    key: Some(key),
                });
            }
        }
        ("secretRef", Value::String(name)) => {
            found.push(Reference {
                secret: true,
                name,
                key: Some("users.txt"),
            });
        }
        _ => {}
    });
    found
}

/// A config map that nothing takes is a setting that has no effect.
fn unused(world: &World<'_>, report: &mut Report) {
    for map in world.of_kind("ConfigMap") {
        // Grafana's sidecar takes these by their label.
        if map.at("/metadata/labels/grafana_dashboard").is_some() {
            continue;
        }
        let taken = world.with_pods().any(|(object, pod)| {
            object.namespace() == map.namespace()
                && of_pod(pod)
                    .iter()
                    .any(|reference| !reference.secret && reference.name == map.name())
        });
        report.require(taken, map, "nothing takes it");
    }
}

/// Accounts exist, what is scaled exists, and says itself how many it is only if nothing else does.
pub(super) fn targets(world: &World<'_>, report: &mut Report) {
    for (object, pod) in world.with_pods() {
        let account = text(pod, "/serviceAccountName");
        let there = world.find("ServiceAccount", object.namespace(), account).is_some();
        report.require(there, object, format!("its account '{account}' is not there"));
    }
    for scaler in world.objects {
        let kind = match scaler.kind() {
            "HorizontalPodAutoscaler" => text(&scaler.0, "/spec/scaleTargetRef/kind"),
            "ScaledObject" => "Deployment",
            _ => continue,
        };
        let name = text(&scaler.0, "/spec/scaleTargetRef/name");
        match world.find(kind, scaler.namespace(), name) {
            None => report.require(false, scaler, format!("there is no {kind} {name}")),
            Some(target) => report.require(
                target.at("/spec/replicas").is_none(),
                target,
                "it states replicas, which every apply would set against what scales it",
            ),
        }
    }
}
