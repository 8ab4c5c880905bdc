//! Broken copies are refused: for every rule a copy that breaks it, and copies that no schema allows.

use std::collections::BTreeSet;
use std::fs;

use onhand_deploy::object::Object;
use onhand_deploy::policy::{self, World};
use onhand_deploy::{program, render, schema, tools};
use serde_json::{Value, json};

use super::{overlay, problems};

type Break = fn(&mut Vec<Object>);

fn edit(objects: &mut [Object], kind: &str, name: &str, pointer: &str, change: impl FnOnce(&mut Value)) {
    let object = objects
        .iter_mut()
        .find(|object| object.kind() == kind && object.name() == name)
        .unwrap_or_else(|| panic!("no {kind} {name}"));
    change(
        object
            .0
            .pointer_mut(pointer)
            .unwrap_or_else(|| panic!("{kind} {name} has no {pointer}")),
    );
}

fn set(objects: &mut [Object], kind: &str, name: &str, pointer: &str, field: &str, value: Value) {
    edit(objects, kind, name, pointer, |at| at[field] = value);
}

fn unset(objects: &mut [Object], kind: &str, name: &str, pointer: &str, field: &str) {
    edit(objects, kind, name, pointer, |at| {
        at.as_object_mut()
            .unwrap()
            .remove(field)
            .unwrap_or_else(|| panic!("no {field}"));
    });
}

fn drop_object(objects: &mut Vec<Object>, kind: &str, name: &str) {
    let before = objects.len();
    objects.retain(|object| !(object.kind() == kind && object.name() == name));
    assert!(objects.len() < before, "no {kind} {name}");
}

const POD: &str = "/spec/template/spec";
const CONTAINER: &str = "/spec/template/spec/containers/0";

/// Rule, and what breaks it.
const BROKEN: &[(&str, Break)] = &[
    ("restricted", |o| {
        set(
            o,
            "Deployment",
            "cache",
            &format!("{POD}/securityContext"),
            "runAsNonRoot",
            json!(false),
        )
    }),
    ("restricted", |o| {
        set(
            o,
            "Deployment",
            "cache",
            &format!("{POD}/securityContext"),
            "runAsUser",
            json!(0),
        )
    }),
    ("restricted", |o| {
        unset(
            o,
            "StatefulSet",
            "postgres",
            &format!("{POD}/securityContext"),
            "seccompProfile",
        )
    }),
    ("restricted", |o| {
        unset(o, "StatefulSet", "redis", CONTAINER, "securityContext")
    }),
    ("restricted", |o| {
        set(
            o,
            "Deployment",
            "search",
            &format!("{CONTAINER}/securityContext"),
            "privileged",
            json!(true),
        )
    }),
    ("restricted", |o| {
        set(
            o,
            "Deployment",
            "search",
            &format!("{CONTAINER}/securityContext"),
            "readOnlyRootFilesystem",
            json!(false),
        )
    }),
    ("restricted", |o| {
        set(
            o,
            "Deployment",
            "search",
            &format!("{CONTAINER}/securityContext/capabilities"),
            "add",
            json!(["NET_ADMIN"]),
        )
    }),
    ("restricted", |o| {
        set(o, "Deployment", "debezium", POD, "hostNetwork", json!(true))
    }),
    ("restricted", |o| {
        set(
            o,
            "Deployment",
            "debezium",
            &format!("{POD}/volumes/0"),
            "hostPath",
            json!({"path": "/"}),
        )
    }),
    ("restricted", |o| {
        unset(o, "Job", "migrate", POD, "automountServiceAccountToken")
    }),
    ("restricted", |o| {
        unset(o, "StatefulSet", "redis", POD, "enableServiceLinks")
    }),
    ("resources", |o| {
        unset(o, "Deployment", "publish", &format!("{CONTAINER}/resources"), "limits")
    }),
    ("resources", |o| {
        unset(
            o,
            "Job",
            "connector",
            &format!("{CONTAINER}/resources/requests"),
            "memory",
        )
    }),
    ("resources", |o| {
        set(
            o,
            "Deployment",
            "ingest",
            &format!("{CONTAINER}/resources/requests"),
            "memory",
            json!("2Gi"),
        )
    }),
    ("probes", |o| {
        unset(o, "Deployment", "stock-service", CONTAINER, "startupProbe")
    }),
    ("probes", |o| {
        unset(o, "StatefulSet", "elasticsearch", CONTAINER, "livenessProbe")
    }),
    ("probes", |o| {
        set(
            o,
            "Deployment",
            "alerts",
            &format!("{CONTAINER}/readinessProbe/httpGet"),
            "port",
            json!("htpp"),
        )
    }),
    ("images", |o| {
        set(
            o,
            "Deployment",
            "redpanda-console",
            CONTAINER,
            "image",
            json!("redpandadata/console:latest"),
        )
    }),
    ("images", |o| {
        set(
            o,
            "Deployment",
            "redpanda-console",
            CONTAINER,
            "image",
            json!("localhost:5000/console"),
        )
    }),
    ("grace", |o| {
        set(
            o,
            "Deployment",
            "stock-service",
            POD,
            "terminationGracePeriodSeconds",
            json!(30),
        )
    }),
    ("grace", |o| {
        set(
            o,
            "Deployment",
            "cache",
            POD,
            "terminationGracePeriodSeconds",
            json!(10),
        )
    }),
    ("grace", |o| {
        unset(o, "StatefulSet", "postgres", POD, "terminationGracePeriodSeconds")
    }),
    ("labels", |o| {
        unset(
            o,
            "Service",
            "stock-service",
            "/metadata/labels",
            "app.kubernetes.io/part-of",
        )
    }),
    ("labels", |o| {
        unset(
            o,
            "Deployment",
            "verify",
            "/metadata/labels",
            "app.kubernetes.io/component",
        )
    }),
    ("selectors", |o| {
        set(
            o,
            "Deployment",
            "verify",
            "/spec/selector/matchLabels",
            "app.kubernetes.io/component",
            json!("verifier"),
        )
    }),
    ("selectors", |o| {
        unset(
            o,
            "Deployment",
            "verify",
            "/spec/selector/matchLabels",
            "app.kubernetes.io/component",
        )
    }),
    ("disruption", |o| drop_object(o, "PodDisruptionBudget", "stock-service")),
    ("disruption", |o| {
        set(o, "PodDisruptionBudget", "redis", "/spec", "maxUnavailable", json!(0))
    }),
    ("disruption", |o| {
        set(
            o,
            "PodDisruptionBudget",
            "redis",
            "/spec/selector/matchLabels",
            "app.kubernetes.io/name",
            json!("radis"),
        )
    }),
    ("spread", |o| {
        unset(o, "Deployment", "stock-service", POD, "topologySpreadConstraints")
    }),
    ("spread", |o| {
        set(
            o,
            "Deployment",
            "stock-service",
            &format!("{POD}/topologySpreadConstraints/0/labelSelector/matchLabels"),
            "app.kubernetes.io/component",
            json!("x"),
        )
    }),
    ("spread", |o| {
        set(
            o,
            "Deployment",
            "stock-service",
            &format!("{POD}/topologySpreadConstraints/0/labelSelector"),
            "matchLabels",
            json!({"app.kubernetes.io/part-of": "onhand"}),
        )
    }),
    ("namespaces", |o| drop_object(o, "Namespace", "debezium")),
    ("namespaces", |o| {
        set(
            o,
            "Namespace",
            "onhand",
            "/metadata/labels",
            "pod-security.kubernetes.io/enforce",
            json!("privileged"),
        )
    }),
    ("namespaces", |o| {
        unset(o, "Deployment", "watch", "/metadata", "namespace")
    }),
    ("unique", |o| o.push(o[0].clone())),
    ("services", |o| {
        edit(o, "Service", "stock-service", "/spec/ports/0/targetPort", |port| {
            *port = json!(8081)
        })
    }),
    ("services", |o| {
        set(
            o,
            "Service",
            "redis",
            "/spec/selector",
            "app.kubernetes.io/name",
            json!("radis"),
        )
    }),
    ("services", |o| drop_object(o, "Service", "elasticsearch-nodes")),
    ("addresses", |o| {
        edit(o, "Service", "schema-registry", "/spec/ports/0/port", |port| {
            *port = json!(8080)
        })
    }),
    ("addresses", |o| {
        set(
            o,
            "Deployment",
            "debezium",
            &format!("{CONTAINER}/env/0"),
            "value",
            json!("brokers.redpanda.svc.cluster.local:9092"),
        )
    }),
    ("references", |o| {
        drop_object(o, "ConfigMap", &find(o, "ConfigMap", "inventory-config"))
    }),
    ("references", |o| drop_object(o, "Secret", "redis-secrets")),
    ("references", |o| {
        unset(o, "Secret", "onhand-secrets", "/data", "app-password")
    }),
    ("targets", |o| drop_object(o, "ServiceAccount", "watch")),
    ("targets", |o| drop_object(o, "Deployment", "stock-service")),
    ("targets", |o| {
        set(o, "Deployment", "stock-service", "/spec", "replicas", json!(3))
    }),
];

/// The same for what only production has.
const BROKEN_IN_PRODUCTION: &[(&str, Break)] = &[
    ("routes", |o| {
        edit(
            o,
            "HTTPRoute",
            "stock-service",
            "/spec/rules/0/backendRefs/0/port",
            |port| *port = json!(8080),
        )
    }),
    ("routes", |o| {
        edit(
            o,
            "HTTPRoute",
            "stock-service",
            "/spec/parentRefs/0/sectionName",
            |name| *name = json!("tls"),
        )
    }),
    ("routes", |o| {
        edit(o, "ServiceMonitor", "onhand", "/spec/endpoints/0/port", |port| {
            *port = json!("http")
        })
    }),
    ("selectors", |o| {
        edit(o, "NetworkPolicy", "redis", "/spec/podSelector/matchLabels", |labels| {
            *labels = json!({"app.kubernetes.io/name": "radis"})
        })
    }),
    ("references", |o| {
        edit(
            o,
            "User",
            "onhand",
            "/spec/authentication/password/valueFrom/secretKeyRef/key",
            |key| *key = json!("other"),
        )
    }),
    ("targets", |o| {
        edit(o, "ScaledObject", "cache", "/spec/scaleTargetRef/name", |name| {
            *name = json!("cash")
        })
    }),
    ("images", |o| {
        edit(o, "Cluster", "postgres", "/spec/imageName", |name| {
            *name = json!("postgresql")
        })
    }),
];

/// The rendered name of what a generator made.
fn find(objects: &[Object], kind: &str, prefix: &str) -> String {
    let found = objects
        .iter()
        .find(|object| object.kind() == kind && object.name().starts_with(prefix));
    found.unwrap().name().to_owned()
}

fn refused(overlay: &[Object], broken: &[(&'static str, Break)]) -> BTreeSet<&'static str> {
    let own_secrets = policy::own_secrets().unwrap();
    // In the overlay with examples, a secret that is left out must not be found among those of production.
    let own_secrets = if overlay.iter().any(|object| object.kind() == "Secret") {
        Default::default()
    } else {
        own_secrets
    };
    let check = |objects: &[Object]| {
        policy::check(&World {
            objects,
            own_secrets: &own_secrets,
        })
    };
    assert_eq!(check(overlay), []);
    let mut rules = BTreeSet::new();
    for (place, (rule, change)) in broken.iter().enumerate() {
        let mut objects = overlay.to_vec();
        change(&mut objects);
        let found = check(&objects);
        assert!(
            found.iter().any(|problem| problem.rule == *rule),
            "copy {place} breaks {rule} and is not refused: {found:?}"
        );
        rules.insert(*rule);
    }
    rules
}

#[test]
fn for_every_rule_a_copy_that_breaks_it_is_refused() {
    let mut rules = refused(&overlay("dev").unwrap(), BROKEN);
    rules.extend(refused(&overlay("prod").unwrap(), BROKEN_IN_PRODUCTION));
    assert_eq!(rules, policy::rules().collect());
}

#[test]
fn fields_that_a_kind_does_not_have_are_refused() {
    let broken: &[(&str, &str, Break)] = &[
        ("Deployment", "replica", |o| {
            set(o, "Deployment", "cache", "/spec", "replica", json!(1))
        }),
        ("Deployment", "\"two\"", |o| {
            set(o, "Deployment", "cache", "/spec", "replicas", json!("two"))
        }),
        ("Deployment", "selector", |o| {
            unset(o, "Deployment", "cache", "/spec", "selector")
        }),
        ("Service", "protocoll", |o| {
            edit(o, "Service", "redis", "/spec/ports/0", |port| {
                port["protocoll"] = json!("TCP")
            })
        }),
        ("Cluster", "instance", |o| {
            set(o, "Cluster", "postgres", "/spec", "instance", json!(3))
        }),
        ("Cluster", "storage", |o| {
            edit(o, "Cluster", "postgres", "/spec/storage/size", |size| {
                *size = json!(100)
            })
        }),
        ("ScheduledBackup", "schedule", |o| {
            unset(o, "ScheduledBackup", "postgres-daily", "/spec", "schedule")
        }),
        ("ObjectStore", "lz5", |o| {
            set(
                o,
                "ObjectStore",
                "postgres",
                "/spec/configuration/wal",
                "compression",
                json!("lz5"),
            )
        }),
        ("Certificate", "issuer", |o| {
            unset(o, "Certificate", "onhand-public", "/spec", "issuerRef")
        }),
        ("Gateway", "HTTP", |o| {
            edit(o, "Gateway", "onhand", "/spec/listeners/0", |listener| {
                listener["prot"] = json!("HTTP")
            })
        }),
        ("HTTPRoute", "backend", |o| {
            edit(o, "HTTPRoute", "stock-service", "/spec/rules/0", |rule| {
                rule["backends"] = json!([])
            })
        }),
        ("PeerAuthentication", "TIGHT", |o| {
            set(o, "PeerAuthentication", "strict", "/spec/mtls", "mode", json!("TIGHT"))
        }),
        ("ServiceMonitor", "scrape", |o| {
            set(o, "ServiceMonitor", "onhand", "/spec", "scrape", json!(true))
        }),
        ("PrometheusRule", "expr", |o| {
            edit(o, "PrometheusRule", "onhand", "/spec/groups/0/rules/0", |rule| {
                rule.as_object_mut().unwrap().remove("expr");
            })
        }),
        ("ScaledObject", "maxReplicas", |o| {
            set(o, "ScaledObject", "cache", "/spec", "maxReplicas", json!(9))
        }),
    ];
    let good = overlay("prod").unwrap();
    for (kind, word, change) in broken {
        let mut objects = good.clone();
        change(&mut objects);
        let found: Vec<String> = objects
            .iter()
            .flat_map(|object| schema::check(object).unwrap())
            .collect();
        assert!(!found.is_empty(), "{kind} with a wrong {word} is not refused");
        assert!(found.iter().all(|problem| problem.contains(kind)), "{found:?}");
    }
}

#[test]
fn settings_and_commands_that_the_program_does_not_know_are_refused() {
    let one = |name: &str, value: &str| program::settings(&[(name.to_owned(), value.to_owned())].into());
    one("ONHAND_KAFKA__BROKERS", "redpanda:9092").unwrap();
    assert!(
        one("ONHAND_KAFKA__BROKER", "redpanda:9092")
            .unwrap_err()
            .contains("unknown field")
    );
    assert!(one("ONHAND_PUBLISH__ENV", "moon").is_err());
    assert!(one("ONHAND_KAFKA__SECURITY", r#"{"sasl.password"}"#).is_err());
    program::command(&["connect", "apply"]).unwrap();
    assert!(program::command(&["connect", "aply"]).is_err());
}

/// The whole way, from files on disk: a copy of the manifests with one wrong line.
#[test]
fn a_broken_copy_of_the_files_is_refused() {
    let copy = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("broken-manifests");
    let _ = fs::remove_dir_all(&copy);
    fs::create_dir_all(copy.join("deploy")).unwrap();
    for (from, to) in [("deploy/k8s", "deploy/k8s"), ("connectors", "connectors")] {
        tools::output(
            std::process::Command::new("cp")
                .arg("-r")
                .arg(tools::root().join(from))
                .arg(copy.join(to)),
        )
        .unwrap();
    }
    let dev = copy.join("deploy/k8s/overlays/dev");
    assert_eq!(problems(&render::any(&dev).unwrap()).unwrap(), Vec::<String>::new());

    let redis = copy.join("deploy/k8s/base/redis/redis.yaml");
    let text = fs::read_to_string(&redis).unwrap();
    fs::write(&redis, text.replace("name: redis-config", "name: redis-conf")).unwrap();
    let found = problems(&render::any(&dev).unwrap()).unwrap();
    assert!(found.iter().any(|problem| problem.contains("redis-conf'")), "{found:?}");

    fs::write(&redis, text.replace("metadata:", "metadate:")).unwrap();
    assert!(render::any(&dev).is_err());
    fs::remove_dir_all(&copy).unwrap();
}
