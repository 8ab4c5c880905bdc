//! One write that goes the whole way: over HTTP, to Redis and to Elasticsearch.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use onhand_consumers::cache::Keys;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::goods::{Goods, LOCATION};
use super::site::Site;
use crate::stack;

/// Between two looks.
pub(super) const LOOK: Duration = Duration::from_millis(20);
/// Longest wait for one answer.
pub(super) const ANSWER: Duration = Duration::from_secs(2);

/// One write that is followed to its readers.
pub(super) struct Canary<'a> {
    site: &'a Site,
    api: String,
    sku: &'a str,
    item: Uuid,
}

impl<'a> Canary<'a> {
    pub(super) fn new(site: &'a Site, goods: &'a Goods) -> Result<Self> {
        let Some((sku, item)) = goods.items.first() else {
            bail!("no items")
        };
        Ok(Self {
            site,
            api: stack::local_api_url()?,
            sku,
            item: *item,
        })
    }

    /// Business key of its item.
    pub(super) fn sku(&self) -> &str {
        self.sku
    }

    /// Its item.
    pub(super) fn item(&self) -> Uuid {
        self.item
    }

    /// Sends until it is acknowledged, then asks until both have it.
    pub(super) async fn arrives(&self) {
        let version = self.write().await;
        self.is_read(version).await;
    }

    /// Sends until it is acknowledged; answers the version that the level has then.
    pub(super) async fn write(&self) -> i64 {
        let body = json!({"sku": self.sku, "location": LOCATION, "quantity": 1, "reason": "bench"});
        let key = Uuid::now_v7().to_string();
        loop {
            match self.send(&body, &key).await {
                Ok(version) => return version,
                Err(_) => sleep(LOOK).await,
            }
        }
    }

    /// Asks until both have this version or a newer one.
    pub(super) async fn is_read(&self, version: i64) {
        while !(self.in_redis(version).await.unwrap_or(false) && self.in_search(version).await.unwrap_or(false)) {
            sleep(LOOK).await;
        }
    }

    async fn send(&self, body: &Value, key: &str) -> Result<i64> {
        let url = format!("{}/v1/stock/add", self.api);
        let request = self.site.http.post(url).header("Idempotency-Key", key).json(body);
        let answer: Value = request.timeout(ANSWER).send().await?.error_for_status()?.json().await?;
        version_in(&answer).context("an answer without a version")
    }

    async fn in_redis(&self, version: i64) -> Result<bool> {
        let settings = &self.site.settings.redis;
        let client = redis::Client::open(secrecy::ExposeSecret::expose_secret(&settings.url))?;
        let key = Keys::new(&settings.key_prefix).item(self.item);
        let row: Option<String> = timeout(ANSWER, async {
            let mut connection = client.get_multiplexed_async_connection().await?;
            redis::cmd("HGET")
                .arg(key)
                .arg(format!("row:{LOCATION}"))
                .query_async(&mut connection)
                .await
        })
        .await??;
        Ok(super::latency::has_arrived(row.as_deref(), version))
    }

    async fn in_search(&self, version: i64) -> Result<bool> {
        let elasticsearch = &self.site.settings.elasticsearch;
        let base = elasticsearch.url.trim_end_matches('/');
        let url = format!(
            "{base}/{}stock/_doc/{}:{LOCATION}",
            elasticsearch.index_prefix, self.item
        );
        let answer: Value = self.site.http.get(url).timeout(ANSWER).send().await?.json().await?;
        Ok(answer.get("_version").and_then(Value::as_i64) >= Some(version))
    }
}

/// The version of the level that an answer of the HTTP interface names.
fn version_in(answer: &Value) -> Option<i64> {
    let level = answer.pointer("/levels/0").unwrap_or(answer);
    level.get("version").and_then(Value::as_i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_name_the_version() {
        assert_eq!(version_in(&json!({"levels": [{"version": 7}]})), Some(7));
        assert_eq!(version_in(&json!({"version": 8})), Some(8));
        assert_eq!(version_in(&json!({})), None);
    }
}
