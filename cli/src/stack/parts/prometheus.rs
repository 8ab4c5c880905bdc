//! Prometheus: gathers the metrics of the roles and judges the rules. Started by `up --observe` only.

use std::time::Duration;

use anyhow::Result;
use futures_util::FutureExt;
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::observer;
use crate::stack::part::{Launch, Part};
use crate::stack::{Stack, probe};

const NAME: &str = "prometheus";
/// The ones that an environment of any size takes: what differs is in the lists of targets.
const CONFIG: &str = include_str!("../../../../deploy/observe/prometheus.yml");
const RULES: &str = include_str!("../../../../deploy/observe/rules.yml");

pub(super) const PART: Part = Part {
    name: NAME,
    needs: &[],
    ports: |stack| vec![stack.ports().prometheus()],
    prepare,
    launch,
    probe: |stack| {
        async move {
            let url = format!("http://127.0.0.1:{}/-/ready", stack.ports().prometheus());
            probe::http(&stack.http, &url).await.map(drop)
        }
        .boxed()
    },
    start_deadline: Duration::from_secs(60),
    stop_signal: Signal::SIGTERM,
    stop_deadline: Duration::from_secs(20),
    // What ends first is missed by what still watches.
    stop_wave: 0,
    stands_back: true,
};

fn prepare(stack: &Stack) -> Result<()> {
    let etc = observer::folder(stack);
    let (rules, targets) = (etc.join("rules"), etc.join("targets"));
    for folder in [&etc, &rules, &targets, &stack.layout.data(NAME)] {
        stack.owner.make_dir(folder, 0o750)?;
    }
    let alertmanager = json!([{ "targets": [format!("127.0.0.1:{}", stack.ports().alertmanager())] }]);
    for (path, text) in [
        (etc.join("prometheus.yml"), CONFIG.to_owned()),
        (rules.join("onhand.yml"), RULES.to_owned()),
        (targets.join("onhand.json"), roles(stack).to_string()),
        (targets.join("alertmanager.json"), alertmanager.to_string()),
    ] {
        stack.owner.write(&path, &text, 0o644)?;
    }
    Ok(())
}

/// Who is asked for metrics. A role is told by its label, as on a cluster.
fn roles(stack: &Stack) -> Value {
    let ports = stack.ports();
    [
        ("api", ports.api_metrics()),
        ("cache", ports.cache_metrics()),
        ("search", ports.search_metrics()),
        ("publish", ports.publish_metrics()),
        ("ingest", ports.ingest_metrics()),
        ("alerts", ports.alerts_metrics()),
        ("verify", ports.verify_metrics()),
    ]
    .into_iter()
    .map(|(role, port)| json!({ "targets": [format!("127.0.0.1:{port}")], "labels": { "role": role } }))
    .collect()
}

fn launch(stack: &Stack) -> Result<Launch> {
    let data = stack.layout.data(NAME);
    Ok(Launch::new(observer::program(&["prometheus"])?)
        .arg(format!(
            "--config.file={}",
            observer::folder(stack).join("prometheus.yml").display()
        ))
        .arg(format!("--storage.tsdb.path={}", data.join("tsdb").display()))
        // Longer than the longest window of an alert.
        .arg("--storage.tsdb.retention.time=15d")
        .arg(format!("--web.listen-address=127.0.0.1:{}", stack.ports().prometheus())))
}
