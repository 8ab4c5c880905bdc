//! Prometheus and Alertmanager beside the real stack: every series that a rule or a dashboard asks for is there, and an alert
//! goes all the way from a fault to whoever is told, and back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, missing_docs)]

mod fault;
mod series;
mod servers;

/// Both take a part of the stack away.
static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// A port of the stack.
fn port(offset: u16) -> u16 {
    let prefix: u16 = std::env::var("ONHAND_PORT_PREFIX").unwrap().parse().unwrap();
    prefix * 1000 + offset
}

/// The roles and the offsets of their ports for metrics.
const ROLES: [(&str, u16); 7] = [
    ("api", 90),
    ("cache", 94),
    ("search", 95),
    ("verify", 96),
    ("alerts", 97),
    ("publish", 98),
    ("ingest", 99),
];

async fn get(url: &str) -> anyhow::Result<serde_json::Value> {
    Ok(reqwest::get(url).await?.error_for_status()?.json().await?)
}
