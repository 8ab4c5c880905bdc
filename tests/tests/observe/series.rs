//! `up --observe`, and what the roles expose while it watches them.

use super::{ONE_AT_A_TIME, ROLES, get, port};
use onhand_deploy::observe;
use onhand_tests::inbound::{Contract, record};
use onhand_tests::process;
use onhand_tests::stack::{Stack, eventually, program};
use serde_json::json;
use std::collections::BTreeSet;
use uuid::Uuid;

/// What Prometheus makes by itself.
const OF_PROMETHEUS: [&str; 2] = ["up", "ALERTS"];

fn onhand(arguments: &[&str]) -> String {
    let (code, text) = program(arguments);
    assert_eq!(code, 0, "{arguments:?}: {text}");
    text
}

fn environment_of_alerts(stack: &Stack) -> String {
    let pid = process::pid(&stack.state, "alerts").unwrap();
    let bytes = std::fs::read(format!("/proc/{pid}/environ")).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Something of everything that is counted. Returns the sku of an item that is sold out.
async fn traffic(stack: &Stack) -> String {
    let sku = format!("OBSERVE-{}", Uuid::now_v7().simple());
    stack.stocked_item(&sku, &["OBSERVE-W1"], 5).await.unwrap();
    let line = json!({"sku": sku, "location": "OBSERVE-W1", "quantity": 5});
    stack.get(&format!("/v1/inventory/product/{sku}")).await.unwrap();
    let contract = Contract::own("inventory/v2_inventory_event.avsc").await.unwrap();
    let event = json!({"eventId": Uuid::now_v7().to_string(), "sku": sku, "eventType": "STOCK_IN", "quantity": 1,
        "locationId": "OBSERVE-W1", "timestamp": 1_700_000_000_000_i64});
    let event = record(&sku, contract.encode(&event).unwrap());
    stack.produce_all("inventory-events", &[event]).await.unwrap();
    eventually("the event from outside is applied", || async {
        let item = stack.get(&format!("/v1/inventory/product/{sku}")).await?;
        Ok(item["available"] == 6)
    })
    .await
    .unwrap();
    stack.post("/v1/stock/remove", &line).await.unwrap();
    let rest = json!({"sku": sku, "location": "OBSERVE-W1", "quantity": 1});
    stack.post("/v1/stock/remove", &rest).await.unwrap();
    sku
}

/// Names of all series that the roles expose now.
async fn exposed() -> anyhow::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for (_, offset) in ROLES {
        let url = format!("http://127.0.0.1:{}/metrics", port(offset));
        let text = reqwest::get(url).await?.error_for_status()?.text().await?;
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        names.extend(lines.filter_map(|line| Some(line.split(['{', ' ']).next()?.to_owned())));
    }
    Ok(names)
}

/// Every series that a rule or a panel names, less what the rules record.
fn asked_for() -> BTreeSet<String> {
    let dashboards = observe::dashboards().unwrap();
    let of_panels = dashboards.iter().flat_map(|(_, file)| observe::queries(file));
    let of_rules = observe::rules().unwrap().into_iter();
    let of_rules = of_rules.map(|rule| rule["expr"].as_str().unwrap().to_owned());
    let recorded = observe::recorded().unwrap();
    let names = of_rules
        .chain(of_panels)
        .flat_map(|expression| observe::names(&expression));
    names
        .filter(|name| !recorded.contains(name) && !OF_PROMETHEUS.contains(&name.as_str()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_observed_stack_has_every_series_that_rules_and_dashboards_ask_for() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let stack = Stack::from_env().unwrap();
    onhand(&["up", "--observe"]);
    let status = onhand(&["status"]);
    for part in ["prometheus", "alertmanager"] {
        let ready = |line: &str| line.trim_start().starts_with(part) && line.contains("ready");
        assert!(status.lines().any(ready), "{part}: {status}");
    }
    let told = format!("ONHAND_ALERTS__ALERTMANAGER_URLS=[\"http://127.0.0.1:{}\"]", port(193));
    assert!(environment_of_alerts(&stack).contains(&told));

    let sold_out = traffic(&stack).await;
    let wanted = asked_for();
    assert!(wanted.len() > 40, "{wanted:?}");
    eventually("every series is exposed", || async {
        let there = exposed().await?;
        let missing: Vec<_> = wanted.difference(&there).collect();
        anyhow::ensure!(missing.is_empty(), "nobody exposes {missing:?}");
        Ok(true)
    })
    .await
    .unwrap();

    let prometheus = format!("http://127.0.0.1:{}/api/v1", port(190));
    eventually("prometheus reads every role and knows its alertmanager", || async {
        let targets = get(&format!("{prometheus}/targets?state=active")).await?;
        let targets = targets["data"]["activeTargets"].as_array().unwrap().clone();
        let up: BTreeSet<&str> = targets
            .iter()
            .filter(|target| target["health"] == "up")
            .filter_map(|target| target["labels"]["role"].as_str())
            .collect();
        let all: BTreeSet<&str> = ROLES.iter().map(|(role, _)| *role).collect();
        anyhow::ensure!(up == all, "only {up:?} are up");
        let told = get(&format!("{prometheus}/alertmanagers")).await?;
        Ok(told["data"]["activeAlertmanagers"]
            .as_array()
            .is_some_and(|list| list.len() == 1))
    })
    .await
    .unwrap();
    let rules = get(&format!("{prometheus}/rules")).await.unwrap();
    for group in rules["data"]["groups"].as_array().unwrap() {
        for rule in group["rules"].as_array().unwrap() {
            assert_ne!(rule["health"], "err", "{rule}");
        }
    }
    eventually("the product's own alert is in alertmanager", || async {
        let alerts = get(&format!(
            "http://127.0.0.1:{}/api/v2/alerts?receiver=team-stock",
            port(193)
        ))
        .await?;
        let mut alerts = alerts.as_array().unwrap().iter();
        Ok(alerts
            .any(|alert| alert["labels"]["sku"] == *sold_out && alert["labels"]["alertname"] == "OnhandOutOfStock"))
    })
    .await
    .unwrap();

    onhand(&["down", "prometheus", "alertmanager"]);
    onhand(&["up"]);
    let status = onhand(&["status"]);
    assert!(
        !status.contains("prometheus") && !status.contains("alertmanager"),
        "{status}"
    );
    assert!(!environment_of_alerts(&stack).contains("ALERTMANAGER_URLS"));
}
