//! Whether what is called is there and listens.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::pods::has_port;
use super::{Report, World, selects};
use crate::object::{Object, items, strings, walk};

/// A Service selects pods, and each of its ports is one of theirs.
pub(super) fn services(world: &World<'_>, report: &mut Report) {
    for service in world.of_kind("Service") {
        let Some(selector) = service.at("/spec/selector") else {
            let outside = service.at("/spec/externalName").is_some();
            report.require(outside, service, "it selects nothing");
            continue;
        };
        let selector = json!({ "matchLabels": selector });
        let pods: Vec<(&Object, &Value)> = world.selected(service.namespace(), &selector).collect();
        report.require(!pods.is_empty(), service, "it selects no pod");
        for port in items(&service.0, "/spec/ports") {
            let target = port
                .get("targetPort")
                .or_else(|| port.get("port"))
                .cloned()
                .unwrap_or_default();
            let hit = pods
                .iter()
                .any(|(_, pod)| items(pod, "/containers").any(|container| has_port(container, &target)));
            report.require(hit || pods.is_empty(), service, format!("no pod has its port {target}"));
        }
    }
    for set in world.of_kind("StatefulSet") {
        let name = set.at("/spec/serviceName").and_then(Value::as_str).unwrap_or_default();
        let there = world.find("Service", set.namespace(), name).is_some();
        report.require(there, set, format!("its Service '{name}' is not there"));
    }
}

/// What routes or watches by Service finds one, with the port it names.
pub(super) fn routes(world: &World<'_>, report: &mut Report) {
    for route in world.of_kind("HTTPRoute") {
        for rule in items(&route.0, "/spec/rules") {
            for backend in items(rule, "/backendRefs") {
                let name = backend.get("name").and_then(Value::as_str).unwrap_or_default();
                let hit = world.find("Service", route.namespace(), name).is_some_and(|service| {
                    items(&service.0, "/spec/ports").any(|port| port.get("port") == backend.get("port"))
                });
                report.require(hit, route, format!("backend {name} has no such port"));
            }
        }
        for parent in items(&route.0, "/spec/parentRefs") {
            let name = parent.get("name").and_then(Value::as_str).unwrap_or_default();
            let hit = world.find("Gateway", route.namespace(), name).is_some_and(|gateway| {
                let section = parent.get("sectionName");
                section.is_none()
                    || items(&gateway.0, "/spec/listeners").any(|listener| listener.get("name") == section)
            });
            report.require(hit, route, format!("gateway {name} has no such listener"));
        }
    }
    for monitor in world.of_kind("ServiceMonitor") {
        // The operator's Service has labels and ports of its own.
        if operated(world, monitor.namespace()) {
            continue;
        }
        let selector = monitor.at("/spec/selector").cloned().unwrap_or_default();
        let services: Vec<&Object> = world
            .of_kind("Service")
            .filter(|service| service.namespace() == monitor.namespace())
            .filter(|service| {
                selects(
                    &selector,
                    &service.at("/metadata/labels").map(strings).unwrap_or_default(),
                )
            })
            .collect();
        report.require(!services.is_empty(), monitor, "it selects no Service");
        for endpoint in items(&monitor.0, "/spec/endpoints") {
            let hit = services
                .iter()
                .any(|service| items(&service.0, "/spec/ports").any(|port| port.get("name") == endpoint.get("port")));
            report.require(
                hit,
                monitor,
                format!("no Service has its port {:?}", endpoint.get("port")),
            );
        }
    }
}

fn operated(world: &World<'_>, namespace: &str) -> bool {
    world
        .of_kind("Redpanda")
        .any(|operator| operator.namespace() == namespace)
}

const SUFFIX: &str = ".svc.cluster.local";

/// Every address inside the cluster that a setting names is one of a Service, at a port that it has.
pub(super) fn addresses(world: &World<'_>, report: &mut Report) {
    let known = listeners(world);
    for object in world.objects {
        let mut check = |text: &str| {
            for (host, port) in named(text) {
                let Some(service) = service_of(host) else {
                    report.require(false, object, format!("address {host} names no Service"));
                    continue;
                };
                let ports = known.get(&service);
                let there = ports.is_some_and(|ports| port.is_none_or(|port| ports.contains(&port)));
                let shown = port.map(|port| format!(":{port}")).unwrap_or_default();
                report.require(there, object, format!("nothing listens at {host}{shown}"));
            }
        };
        walk(&object.0, "", &mut |_, value| {
            if let Value::String(text) = value {
                check(text);
            }
        });
    }
}

/// Ports by namespace and name of a Service, also of those that an operator will make.
fn listeners(world: &World<'_>) -> BTreeMap<(String, String), BTreeSet<u64>> {
    let mut known: BTreeMap<(String, String), BTreeSet<u64>> = BTreeMap::new();
    let mut add = |namespace: &str, name: &str, ports: Vec<u64>| {
        known
            .entry((namespace.to_owned(), name.to_owned()))
            .or_default()
            .extend(ports);
    };
    for object in world.objects {
        match object.kind() {
            "Service" => {
                let ports = items(&object.0, "/spec/ports").filter_map(|port| port.get("port")?.as_u64());
                add(object.namespace(), object.name(), ports.collect());
            }
            // The operator's Service is named after it; administration has a port that is not set here.
            "Redpanda" => {
                let kafka = object
                    .at("/spec/clusterSpec/listeners/kafka/port")
                    .and_then(Value::as_u64);
                add(
                    object.namespace(),
                    object.name(),
                    kafka.into_iter().chain([9644]).collect(),
                );
            }
            "Cluster" => {
                for extra in items(&object.0, "/spec/managed/services/additional") {
                    let name = extra.pointer("/serviceTemplate/metadata/name").and_then(Value::as_str);
                    add(object.namespace(), name.unwrap_or_default(), vec![5432]);
                }
            }
            "KafkaConnect" => add(
                object.namespace(),
                &format!("{}-connect-api", object.name()),
                vec![8083],
            ),
            _ => {}
        }
    }
    known
}

/// The names of hosts in the cluster in a text, with the ports that stand behind them.
fn named(text: &str) -> Vec<(&str, Option<u64>)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(SUFFIX) {
        let (before, after) = rest.split_at(at);
        let start = before
            .rfind(|letter: char| !(letter.is_ascii_alphanumeric() || "-.@${}".contains(letter)))
            .map_or(0, |place| place + 1);
        let host = before.get(start..).unwrap_or_default();
        // What stands before an @ is a name and password, unless it is a place that is filled in later.
        let host = match host.rsplit_once('@') {
            Some((_, host)) if !host.starts_with('.') => host,
            _ => host,
        };
        let after = after.get(SUFFIX.len()..).unwrap_or_default();
        let digits: String = match after.strip_prefix(':') {
            Some(port) => port.chars().take_while(char::is_ascii_digit).collect(),
            None => String::new(),
        };
        found.push((host, digits.parse().ok()));
        rest = after;
    }
    found
}

/// Namespace and name out of `name.namespace` or `pod.name.namespace`.
fn service_of(host: &str) -> Option<(String, String)> {
    let mut labels = host.rsplit('.');
    let (namespace, name) = (labels.next()?, labels.next()?);
    Some((namespace.to_owned(), name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_found_in_urls_lists_and_templates() {
        let text =
            "postgres://u:$(P)@postgres.database.svc.cluster.local:5432/x, @HOST@.redpanda.redpanda.svc.cluster.local";
        let found = named(text);
        assert_eq!(found[0], ("postgres.database", Some(5432)));
        assert_eq!(found[1].1, None);
        assert_eq!(service_of(found[1].0), Some(("redpanda".into(), "redpanda".into())));
    }
}
