//! Redis and Elasticsearch: where the read models live.

use anyhow::{Context, Result};
use futures_util::FutureExt;

use super::{Finding, together};
use crate::stack::Stack;
use crate::stack::probe;

/// The aliases that readers use.
const ALIASES: [&str; 4] = ["onhand-items", "onhand-stock", "onhand-summaries", "onhand-movements"];
/// Set when the cache was loaded as a whole; an empty Redis lacks it.
const WARM: &str = "catalog:warm";

pub(super) async fn check(stack: &Stack) -> Result<Vec<Finding>> {
    together(vec![redis(stack).boxed(), elasticsearch(stack).boxed()]).await
}

async fn redis(stack: &Stack) -> Result<Finding> {
    const WHAT: &str = "redis";
    let url = stack.redis_url();
    if let Err(error) = probe::redis(&url).await {
        return Ok(Finding::fail(WHAT, format!("{error:#}"), "onhand up redis"));
    }
    let client = redis::Client::open(url)?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    let warm: bool = redis::cmd("EXISTS").arg(WARM).query_async(&mut connection).await?;
    let keys: u64 = redis::cmd("DBSIZE").query_async(&mut connection).await?;
    Ok(if warm {
        Finding::ok(WHAT, format!("warm, {keys} keys"))
    } else {
        Finding::warn(
            WHAT,
            format!("{keys} keys, not warm: reads come from Postgres"),
            "the cache consumer warms it: onhand up cache, onhand logs cache",
        )
    })
}

async fn elasticsearch(stack: &Stack) -> Result<Finding> {
    const WHAT: &str = "elasticsearch";
    let base = stack.elasticsearch_url();
    let health = match probe::http(&stack.http, &format!("{base}/_cluster/health")).await {
        Ok(text) => text,
        Err(error) => return Ok(Finding::fail(WHAT, format!("{error:#}"), "onhand up elasticsearch")),
    };
    let health: serde_json::Value = serde_json::from_str(&health).context("health is no JSON")?;
    let status = health
        .get("status")
        .and_then(|status| status.as_str())
        .unwrap_or("unknown")
        .to_owned();
    if status == "red" {
        return Ok(Finding::fail(
            WHAT,
            "red: an index has lost data",
            "onhand logs elasticsearch",
        ));
    }
    let mut missing = Vec::new();
    for alias in ALIASES {
        if probe::http(&stack.http, &format!("{base}/_alias/{alias}"))
            .await
            .is_err()
        {
            missing.push(alias);
        }
    }
    Ok(if missing.is_empty() {
        Finding::ok(WHAT, format!("{status}, {} indexes", ALIASES.len()))
    } else {
        Finding::fail(
            WHAT,
            format!("{status}, but without {}", missing.join(", ")),
            "the search consumer makes them: onhand up search, onhand logs search",
        )
    })
}
