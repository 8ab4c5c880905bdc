//! A fault on the real stack, and who hears of it.

use super::servers::Servers;
use super::{ONE_AT_A_TIME, ROLES, get};
use onhand_tests::stack::{eventually, program};
use serde_json::{Value, json};

const NAME: &str = "OnhandRoleMissing";
const CRITICAL: &str = "team-inventory-critical";

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_ends_is_told_of_and_so_is_its_return() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let servers = Servers::start().await;
    eventually("all roles are counted", || async {
        let url = format!("{}/api/v1/query?query=onhand:roles_up:count", servers.prometheus());
        let found = get(&url).await?;
        Ok(found["data"]["result"]
            .as_array()
            .is_some_and(|list| list.len() == ROLES.len()))
    })
    .await
    .unwrap();
    inhibition(&servers).await;
    // Before the first look at the roles each of them was missing.
    eventually("nothing is amiss", || async { Ok(firing(&servers).await?.is_empty()) })
        .await
        .unwrap();

    let of_cache = |status: &str| {
        let mut told = servers.told(CRITICAL, NAME, status);
        told.retain(|alert| alert["labels"]["role"] == "cache");
        told
    };
    let before = (of_cache("firing").len(), of_cache("resolved").len());
    assert_eq!(program(&["down", "cache"]).0, 0);
    eventually("somebody is told that cache is missing", || async {
        Ok(!firing(&servers).await?.is_empty() && of_cache("firing").len() > before.0)
    })
    .await
    .unwrap();
    let alert = of_cache("firing").pop().unwrap();
    assert_eq!(alert["labels"]["severity"], "critical");
    assert!(
        alert["annotations"]["summary"].as_str().unwrap().contains("cache"),
        "{alert}"
    );

    let (code, text) = program(&["up", "cache"]);
    assert_eq!(code, 0, "{text}");
    eventually("somebody is told that cache is back", || async {
        Ok(of_cache("resolved").len() > before.1 && firing(&servers).await?.is_empty())
    })
    .await
    .unwrap();
}

/// Alerts of this name that Alertmanager has.
async fn firing(servers: &Servers) -> anyhow::Result<Vec<Value>> {
    let alerts = get(&format!(
        "{}/api/v2/alerts?filter=alertname={NAME}",
        servers.alertmanager()
    ))
    .await?;
    Ok(alerts.as_array().cloned().unwrap_or_default())
}

/// What is critical silences the warning about the same thing, and none about another.
async fn inhibition(servers: &Servers) {
    let alert = |name: &str, severity: &str, area: &str| json!({"labels": {"alertname": name, "severity": severity, "area": area, "service": "onhand", "cluster": "test"}});
    let alerts = json!([
        alert("Critical", "critical", "cache"),
        alert("Same", "warning", "cache"),
        alert("Other", "warning", "database"),
    ]);
    let url = format!("{}/api/v2/alerts", servers.alertmanager());
    let answer = reqwest::Client::new().post(&url).json(&alerts).send().await.unwrap();
    assert!(answer.status().is_success());
    let silenced = |found: &Value, name: &str| {
        let alert = found
            .as_array()?
            .iter()
            .find(|alert| alert["labels"]["alertname"] == name)?;
        Some(alert["status"]["state"] == "suppressed")
    };
    eventually("the warning about the same thing is silenced", || async {
        let found = get(&format!("{url}?filter=cluster=test")).await?;
        Ok(silenced(&found, "Same") == Some(true) && silenced(&found, "Other") == Some(false))
    })
    .await
    .unwrap();
}
