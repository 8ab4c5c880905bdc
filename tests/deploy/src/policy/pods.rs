//! What a pod may do, needs, says of itself, and how it ends.

use serde_json::Value;

use super::{Report, World};
use crate::object::{Object, containers, items, text};

/// Kinds of volumes that the restricted standard allows.
const VOLUMES: [&str; 7] = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

/// The restricted pod security standard, and a root file system that cannot be written.
pub(super) fn restricted(world: &World<'_>, report: &mut Report) {
    for (object, pod) in world.with_pods() {
        for share in ["hostNetwork", "hostPID", "hostIPC"] {
            report.require(!flag(pod, &format!("/{share}")), object, format!("{share} is set"));
        }
        report.require(
            pod.pointer("/automountServiceAccountToken") == Some(&Value::Bool(false)),
            object,
            "nothing in it asks the API server, so it gets no token (automountServiceAccountToken: false)",
        );
        report.require(
            pod.pointer("/enableServiceLinks") == Some(&Value::Bool(false)),
            object,
            "every service of its namespace becomes a variable of its own environment (enableServiceLinks: false)",
        );
        for volume in items(pod, "/volumes") {
            let kinds = volume.as_object().into_iter().flat_map(serde_json::Map::keys);
            for kind in kinds.filter(|key| *key != "name") {
                report.require(
                    VOLUMES.contains(&kind.as_str()),
                    object,
                    format!("volumes of kind {kind}"),
                );
            }
        }
        for container in containers(pod) {
            security(object, pod, container, report);
        }
    }
}

fn security(object: &Object, pod: &Value, container: &Value, report: &mut Report) {
    let name = text(container, "/name");
    // What the container says wins over what the pod says.
    let either = |field: &str| {
        let path = format!("/securityContext/{field}");
        container.pointer(&path).or_else(|| pod.pointer(&path))
    };
    let own = |field: &str| container.pointer(&format!("/securityContext/{field}"));
    let user = either("runAsUser").and_then(Value::as_i64);
    let seccomp = either("seccompProfile").map(|profile| text(profile, "/type"));
    let dropped = own("capabilities/drop").and_then(Value::as_array);
    let added = own("capabilities/add")
        .and_then(Value::as_array)
        .is_some_and(|list| !list.is_empty());
    let ports_of_host = items(container, "/ports").any(|port| port.get("hostPort").is_some());
    for (holds, problem) in [
        (either("runAsNonRoot") == Some(&Value::Bool(true)), "may run as root"),
        (user.is_some_and(|user| user > 0), "runs as no stated user, or as root"),
        (
            matches!(seccomp, Some("RuntimeDefault" | "Localhost")),
            "has no seccomp profile",
        ),
        (
            own("allowPrivilegeEscalation") == Some(&Value::Bool(false)),
            "may gain privileges",
        ),
        (
            own("readOnlyRootFilesystem") == Some(&Value::Bool(true)),
            "may write its root file system",
        ),
        (own("privileged") != Some(&Value::Bool(true)), "is privileged"),
        (
            dropped.is_some_and(|list| list.contains(&Value::from("ALL"))),
            "keeps capabilities",
        ),
        (!added, "adds capabilities"),
        (!ports_of_host, "takes a port of the node"),
    ] {
        report.require(holds, object, format!("container {name} {problem}"));
    }
}

fn flag(value: &Value, pointer: &str) -> bool {
    value.pointer(pointer) == Some(&Value::Bool(true))
}

/// Every container says what it needs and what it may take.
pub(super) fn resources(world: &World<'_>, report: &mut Report) {
    for (object, pod) in world.with_pods() {
        for container in containers(pod) {
            let name = text(container, "/name");
            for resource in ["cpu", "memory"] {
                let amount = |what: &str| {
                    container
                        .pointer(&format!("/resources/{what}/{resource}"))
                        .and_then(quantity)
                };
                let (request, limit) = (amount("requests"), amount("limits"));
                let stated = request.is_some() && limit.is_some();
                report.require(
                    stated,
                    object,
                    format!("container {name} states no request and limit of {resource}"),
                );
                let fits = !stated || request <= limit;
                report.require(
                    fits,
                    object,
                    format!("container {name} requests more {resource} than its limit"),
                );
            }
        }
    }
}

/// A quantity of Kubernetes in base units.
fn quantity(value: &Value) -> Option<f64> {
    if let Some(number) = value.as_f64() {
        return Some(number);
    }
    const UNITS: [(&str, f64); 9] = [
        ("Ki", 1024.0),
        ("Mi", 1_048_576.0),
        ("Gi", 1_073_741_824.0),
        ("Ti", 1_099_511_627_776.0),
        ("m", 0.001),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("", 1.0),
    ];
    let text = value.as_str()?;
    UNITS
        .iter()
        .find_map(|(unit, factor)| Some(text.strip_suffix(unit)?.parse::<f64>().ok()? * factor))
}

/// Whatever goes on running is asked whether it has started, lives and is ready.
pub(super) fn probes(world: &World<'_>, report: &mut Report) {
    for (object, pod) in world.with_pods().filter(|(object, _)| object.runs()) {
        for container in items(pod, "/containers") {
            let name = text(container, "/name");
            for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
                let Some(asked) = container.get(probe) else {
                    report.require(false, object, format!("container {name} has no {probe}"));
                    continue;
                };
                let handlers = ["httpGet", "tcpSocket", "grpc", "exec"];
                let count = handlers.iter().filter(|handler| asked.get(**handler).is_some()).count();
                report.require(count == 1, object, format!("{probe} of {name} does not say how to ask"));
                for handler in ["httpGet", "tcpSocket", "grpc"] {
                    if let Some(port) = asked.pointer(&format!("/{handler}/port")) {
                        let known = has_port(container, port);
                        report.require(
                            known,
                            object,
                            format!("{probe} of {name} asks port {port}, which it has not"),
                        );
                    }
                }
            }
        }
    }
}

/// Whether a container has a port of this name or number.
pub(super) fn has_port(container: &Value, port: &Value) -> bool {
    items(container, "/ports").any(|own| own.get("name") == Some(port) || own.get("containerPort") == Some(port))
}

/// Every image is of one version for good: a tag that says one, or a digest.
pub(super) fn images(world: &World<'_>, report: &mut Report) {
    for (object, pod) in world.with_pods() {
        for container in containers(pod) {
            let image = text(container, "/image");
            report.require(pinned(image), object, format!("image '{image}' is not pinned"));
        }
    }
    for object in world.objects {
        for pointer in ["/spec/image", "/spec/imageName"] {
            if let Some(image) = object.at(pointer).and_then(Value::as_str) {
                report.require(pinned(image), object, format!("image '{image}' is not pinned"));
            }
        }
    }
}

/// A digest, or a tag with a number in it.
#[must_use]
pub fn pinned(image: &str) -> bool {
    if let Some((_, digest)) = image.split_once('@') {
        return digest.strip_prefix("sha256:").is_some_and(|hash| hash.len() == 64);
    }
    let last = image.rsplit('/').next().unwrap_or_default();
    last.split_once(':')
        .is_some_and(|(_, tag)| tag != "latest" && tag.contains(|letter: char| letter.is_ascii_digit()))
}

/// A process is given more time to end than it takes itself.
pub(super) fn grace(world: &World<'_>, report: &mut Report) {
    for (object, pod) in world.with_pods() {
        let grace = pod.get("terminationGracePeriodSeconds").and_then(Value::as_f64);
        let Some(grace) = grace else {
            report.require(false, object, "states no terminationGracePeriodSeconds");
            continue;
        };
        let drain = items(pod, "/containers").map(drain_seconds).fold(0.0, f64::max);
        report.require(
            grace > drain,
            object,
            format!("is killed after {grace} s, but ending takes up to {drain} s"),
        );
    }
}

/// How long a role of the product may take to end, by its own settings. The HTTP interface waits until balancers have noticed and
/// then up to a deadline for each of: open requests, queued writes and its three duties. A consumer has one deadline, beside that
/// of partitions that are taken away meanwhile.
fn drain_seconds(container: &Value) -> f64 {
    let setting = |name: &str| {
        items(container, "/env")
            .find(|entry| text(entry, "/name") == name)
            .and_then(|entry| text(entry, "/value").parse::<f64>().ok())
            .map(|milliseconds| milliseconds / 1000.0)
    };
    let api = setting("ONHAND_API__SHUTDOWN_DEADLINE_MS").map(|deadline| 5.0 * deadline);
    let delay = setting("ONHAND_API__DRAIN_DELAY_MS").unwrap_or(0.0);
    let consumer = setting("ONHAND_RUNTIME__SHUTDOWN_DEADLINE_MS").map(|deadline| 2.0 * deadline);
    api.or(consumer).unwrap_or(0.0) + delay
}
