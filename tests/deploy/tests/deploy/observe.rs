//! Rules, routes and dashboards: Prometheus and Alertmanager take them, each alert fires for its fault, each has a runbook.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use onhand_deploy::object::{items, text};
use onhand_deploy::observe::{self, RULES};
use onhand_deploy::{program, tools};
use serde_json::{Value, json};

const OF_THE_CLUSTER: &str = "deploy/k8s/components/monitoring/rules.yaml";
const RUNBOOKS: &str = "docs/runbooks";

fn run(program: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    command
        .current_dir(tools::root().join("deploy/observe"))
        .args(arguments);
    tools::output(&mut command).unwrap_or_else(|error| panic!("{error:#}"))
}

/// Alerts, with the severities that each has.
fn alerts() -> BTreeSet<(String, String)> {
    let rules = observe::rules().unwrap();
    let alerts = rules.iter().filter(|rule| rule.get("alert").is_some());
    let named = |rule: &Value| {
        (
            text(rule, "/alert").to_owned(),
            text(rule, "/labels/severity").to_owned(),
        )
    };
    alerts.map(named).collect()
}

#[test]
fn prometheus_and_alertmanager_take_their_files() {
    run("promtool", &["check", "rules", "rules.yml"]);
    run("promtool", &["check", "config", "--syntax-only", "prometheus.yml"]);
    run("amtool", &["check-config", "alertmanager.yml"]);
}

#[test]
fn each_alert_fires_for_its_fault_and_stays_quiet_without() {
    run("promtool", &["test", "rules", "rules.test.yml"]);
}

#[test]
fn budgets_of_errors_wake_or_warn_or_stay_quiet() {
    run("promtool", &["test", "rules", "slo.test.yml"]);
}

/// The tests above are worth nothing for an alert that they do not name, once as firing and once as quiet.
#[test]
fn no_alert_is_without_a_test() {
    let mut asked = BTreeSet::new();
    for file in ["deploy/observe/rules.test.yml", "deploy/observe/slo.test.yml"] {
        for test in items(&observe::yaml(file).unwrap(), "/tests") {
            for check in items(test, "/promql_expr_test") {
                let alert = text(check, "/expr").split("alertname=\"").nth(1).unwrap();
                let fires = items(check, "/exp_samples").next().is_some();
                asked.insert((alert.split('"').next().unwrap().to_owned(), fires));
            }
        }
    }
    let wanted: BTreeSet<_> = alerts()
        .into_iter()
        .flat_map(|(alert, _)| [(alert.clone(), true), (alert, false)])
        .collect();
    assert_eq!(asked, wanted);
}

/// The operator's resource is the file with another head. ONHAND_WRITE=1 writes it anew.
#[test]
fn the_cluster_has_the_same_rules() {
    let rules = tools::read(RULES).unwrap();
    let (_, groups) = rules.split_once("\ngroups:\n").unwrap();
    let of_the_cluster = tools::read(OF_THE_CLUSTER).unwrap();
    let (head, there) = of_the_cluster.split_once("\nspec:\n").unwrap();
    let indented = |line: &str| {
        if line.is_empty() {
            String::new()
        } else {
            format!("  {line}")
        }
    };
    let wanted: Vec<String> = std::iter::once("groups:").chain(groups.lines()).map(indented).collect();
    let wanted = format!("{}\n", wanted.join("\n"));
    if std::env::var_os("ONHAND_WRITE").is_some() {
        let text = format!("{head}\nspec:\n{wanted}");
        fs::write(tools::root().join(OF_THE_CLUSTER), text).unwrap();
        return;
    }
    assert!(
        there == wanted,
        "{OF_THE_CLUSTER} is not what {RULES} says; see its first line"
    );
    let object = observe::yaml(OF_THE_CLUSTER).unwrap();
    assert_eq!(object["spec"], observe::yaml(RULES).unwrap());
}

#[test]
fn each_alert_says_what_it_is_and_has_a_runbook_and_no_runbook_is_left_over() {
    let mut runbooks = BTreeSet::new();
    for rule in observe::rules().unwrap() {
        let Some(alert) = rule.get("alert").and_then(Value::as_str) else {
            continue;
        };
        assert!(
            ["critical", "warning"].contains(&text(&rule, "/labels/severity")),
            "{alert}"
        );
        assert_eq!(text(&rule, "/labels/service"), "onhand", "{alert}");
        assert!(!text(&rule, "/labels/area").is_empty(), "{alert}");
        for field in ["/annotations/summary", "/annotations/description"] {
            assert!(text(&rule, field).len() > 20, "{alert}: {field}");
        }
        let url = text(&rule, "/annotations/runbook_url");
        assert!(
            url.starts_with("https://") && url.ends_with(&format!("/runbooks/{alert}.md")),
            "{url}"
        );
        runbooks.insert(format!("{alert}.md"));
    }
    let there: BTreeSet<String> = fs::read_dir(tools::root().join(RUNBOOKS))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name != "README.md")
        .collect();
    assert_eq!(there, runbooks);
    for name in &there {
        let page = tools::read(&format!("{RUNBOOKS}/{name}")).unwrap();
        for heading in [
            "## What it means",
            "## What to look at",
            "## What to do",
            "## How it ends",
        ] {
            assert!(page.contains(heading), "{name}: {heading}");
        }
    }
}

/// Commands of the program in runbooks are ones that it has.
#[test]
fn runbooks_name_commands_that_exist() {
    let mut asked = BTreeSet::new();
    for entry in fs::read_dir(tools::root().join(RUNBOOKS)).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        let page = tools::read(&format!("{RUNBOOKS}/{name}")).unwrap();
        // Lines of blocks, which begin with the program; what follows a # explains.
        for line in page.lines().filter_map(|line| line.trim().strip_prefix("./onhand ")) {
            let line = line.split('#').next().unwrap().trim();
            asked.insert((line.to_owned(), name.clone()));
        }
    }
    assert!(asked.len() > 15, "{asked:?}");
    for (line, page) in asked {
        let word = |word| if str::starts_with(word, "<") { "x" } else { word };
        let words: Vec<&str> = line.split_whitespace().map(word).collect();
        program::command(&words).unwrap_or_else(|error| panic!("{page}: {line}: {error}"));
    }
}

#[test]
fn who_is_told_of_what() {
    for (labels, receiver) in [
        (
            "alertname=OnhandRoleMissing severity=critical service=onhand role=cache",
            "team-inventory-critical",
        ),
        (
            "alertname=OnhandConsumerBehind severity=warning service=onhand role=cache",
            "team-inventory",
        ),
        // What the product itself tells.
        (
            "alertname=OnhandOutOfStock severity=critical service=onhand kind=out_of_stock sku=A-1 location=W1",
            "team-stock",
        ),
        (
            "alertname=OnhandLotExpiry severity=warning service=onhand kind=lot_expiry sku=A-1 location=W1",
            "team-stock",
        ),
        (
            "alertname=OnhandPipelineLag severity=critical service=onhand kind=pipeline_lag",
            "team-inventory-critical",
        ),
        // Whoever else uses this Alertmanager.
        ("alertname=DiskFull severity=warning", "team-inventory"),
    ] {
        let mut arguments = vec!["config", "routes", "test", "--config.file", "alertmanager.yml"];
        arguments.extend(labels.split(' '));
        assert_eq!(run("amtool", &arguments).trim(), receiver, "{labels}");
    }
}

#[test]
fn secrets_of_receivers_are_in_files_only() {
    let file = observe::yaml("deploy/observe/alertmanager.yml").unwrap().to_string();
    for field in ["slack_api_url\"", "api_url\"", "routing_key\"", "service_key\""] {
        assert!(!file.contains(field), "{field}");
    }
    assert!(file.contains("slack_api_url_file") && file.contains("routing_key_file"));
}

#[test]
fn dashboards_are_told_apart_and_ask_what_prometheus_understands() {
    let dashboards = observe::dashboards().unwrap();
    let titles: BTreeSet<&str> = dashboards.iter().map(|(_, file)| text(file, "/title")).collect();
    let wanted = [
        "Cache Performance",
        "Database Performance",
        "Event Processing",
        "Pipeline Freshness",
        "Stock System Overview",
    ];
    assert!(titles.iter().eq(wanted.iter()), "{titles:?}");
    let mut rules = Vec::new();
    for (name, file) in &dashboards {
        assert_eq!(format!("{}.json", text(file, "/uid")), *name);
        let ids: BTreeSet<u64> = items(file, "/panels")
            .filter_map(|panel| panel["id"].as_u64())
            .collect();
        assert_eq!(ids.len(), items(file, "/panels").count(), "{name}");
        rules.extend(
            observe::queries(file)
                .into_iter()
                .map(|expr| json!({"record": "asked", "expr": expr})),
        );
    }
    assert!(rules.len() > 60, "{}", rules.len());
    // A group may not have one rule twice, and two panels may ask the same.
    let groups: Vec<Value> = rules
        .iter()
        .enumerate()
        .map(|(n, rule)| json!({"name": n.to_string(), "rules": [rule]}))
        .collect();
    let path = std::env::temp_dir().join(format!("onhand-queries-{}.yml", std::process::id()));
    fs::write(&path, json!({ "groups": groups }).to_string()).unwrap();
    let checked = tools::output(
        Command::new("promtool")
            .args(["check", "rules", "--lint=none"])
            .arg(&path),
    );
    fs::remove_file(&path).unwrap();
    checked.unwrap();
}

/// A rule or a panel on a series that nobody has stays empty for ever. What runs is asked by the tests on the whole stack.
#[test]
fn every_series_is_recorded_or_one_that_the_program_names() {
    let (recorded, mut known) = (observe::recorded().unwrap(), program::literals("onhand_").unwrap());
    known.extend(program::literals("http_request").unwrap());
    known.extend(program::literals("stock_operation").unwrap());
    let dashboards = observe::dashboards().unwrap();
    let of_panels = dashboards.iter().flat_map(|(_, file)| observe::queries(file));
    let of_rules = observe::rules()
        .unwrap()
        .into_iter()
        .map(|rule| text(&rule, "/expr").to_owned());
    let mut used = BTreeSet::new();
    for expression in of_rules.chain(of_panels) {
        for name in observe::names(&expression) {
            let base = ["_bucket", "_count", "_sum"]
                .iter()
                .find_map(|end| name.strip_suffix(end))
                .unwrap_or(&name);
            let there = recorded.contains(&name) || known.contains(&name) || known.contains(base);
            assert!(
                there || ["up", "ALERTS"].contains(&name.as_str()),
                "{name} in {expression}"
            );
            used.insert(name);
        }
    }
    let unused: Vec<_> = recorded.difference(&used).collect();
    assert!(unused.is_empty(), "recorded for nobody: {unused:?}");
}

#[test]
fn a_cluster_gets_every_dashboard() {
    let objects = onhand_deploy::render::base_with(&["monitoring"]).unwrap();
    let maps = objects
        .iter()
        .filter(|object| object.at("/metadata/labels/grafana_dashboard").is_some());
    let mut there = BTreeSet::new();
    for map in maps {
        for (name, content) in map.at("/data").unwrap().as_object().unwrap() {
            let _: Value = serde_json::from_str(content.as_str().unwrap()).unwrap();
            there.insert(name.clone());
        }
    }
    let files: BTreeSet<String> = observe::dashboards()
        .unwrap()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(there, files);
}

/// The same seven roles are asked in containers, awaited by the alert, and counted by the dashboard.
#[test]
fn every_role_with_metrics_is_asked_and_missed() {
    let targets = observe::yaml("deploy/observe/targets/onhand.json").unwrap();
    let asked: BTreeSet<String> = items(&targets, "")
        .map(|target| text(target, "/labels/role").to_owned())
        .collect();
    let compose = tools::read("deploy/compose.yaml").unwrap();
    for target in items(&targets, "") {
        let place = target["targets"][0].as_str().unwrap();
        let (host, port) = place.split_once(':').unwrap();
        assert!(compose.contains(&format!("\n  {host}:\n")) && port == "9090", "{place}");
    }
    let rules = observe::rules().unwrap();
    let missing = rules
        .iter()
        .find(|rule| text(rule, "/alert") == "OnhandRoleMissing")
        .unwrap();
    let parts = text(missing, "/expr").split("role=\"").skip(1);
    let awaited: BTreeSet<String> = parts.map(|part| part.split('"').next().unwrap().to_owned()).collect();
    let deployed: BTreeSet<String> = onhand_deploy::render::folder("deploy/k8s/base")
        .unwrap()
        .iter()
        .filter(|object| object.runs() && object.namespace() == "onhand")
        .filter(|object| {
            object
                .pod_labels()
                .get("app.kubernetes.io/name")
                .is_some_and(|name| name == "onhand")
        })
        .filter(|object| items(object.pod().unwrap(), "/containers/0/ports").any(|port| port["name"] == "metrics"))
        .map(|object| object.pod_labels()["app.kubernetes.io/component"].clone())
        .collect();
    assert_eq!(asked, awaited);
    assert_eq!(deployed, awaited);
}

/// What one part is told of another, it finds in the compose file.
#[test]
fn logs_and_traces_go_where_somebody_takes_them() {
    let collector = observe::yaml("deploy/observe/collector.yml").unwrap();
    for pipeline in collector["service"]["pipelines"].as_object().unwrap().values() {
        for kind in ["receivers", "processors", "exporters"] {
            for name in items(pipeline, &format!("/{kind}")) {
                let defined = collector[kind].get(name.as_str().unwrap()).is_some();
                assert!(defined, "{kind}: {name}");
            }
        }
    }
    let compose = tools::read("deploy/compose.yaml").unwrap();
    let sources = observe::yaml("deploy/observe/grafana/provisioning/datasources/datasources.yml").unwrap();
    let exporters = collector["exporters"].as_object().unwrap().values();
    let urls = exporters.map(|exporter| text(exporter, "/endpoint").to_owned());
    let urls = urls.chain(items(&sources, "/datasources").map(|source| text(source, "/url").to_owned()));
    let ports = [
        ("prometheus", 9090),
        ("alertmanager", 9093),
        ("loki", 3100),
        ("tempo", 3200),
        ("tempo", 4318),
    ];
    let mut found = BTreeSet::new();
    for url in urls {
        let place = url.strip_prefix("http://").unwrap().split('/').next().unwrap();
        let (host, port) = place.split_once(':').unwrap();
        assert!(
            compose.contains(&format!("\n  {host}:\n    profiles: [observe]\n")),
            "{url}"
        );
        let known = ports
            .iter()
            .find(|(name, number)| *name == host && number.to_string() == port);
        found.insert(known.unwrap_or_else(|| panic!("{url}")));
    }
    assert_eq!(found.len(), ports.len());
    for (file, pointer, port) in [
        ("loki", "/server/http_listen_port", 3100),
        ("tempo", "/server/http_listen_port", 3200),
    ] {
        let config = observe::yaml(&format!("deploy/observe/{file}.yml")).unwrap();
        assert_eq!(config.pointer(pointer), Some(&json!(port)), "{file}");
    }
}
