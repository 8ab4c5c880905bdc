//! One write that is followed through a part: to the read models, to the public events, to the alerts, or in from Kafka.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use anyhow::Result;
use onhand_cdc::{KafkaConfig, topics};
use onhand_db::Pool;
use rdkafka::Message;
use rdkafka::consumer::BaseConsumer;
use serde_json::Value;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::canary::{ANSWER, Canary, LOOK};
use super::goods::LOCATION;
use super::inbound::{self, Delivery};
use super::kafka::{self, Start, StopFlag};
use super::site::Site;

/// Where a write comes from and has to come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// From HTTP to Redis and Elasticsearch.
    ReadModels,
    /// From HTTP to the public events.
    Events,
    /// From HTTP to what alerts are judged by.
    Alerts,
    /// From Kafka to Redis and Elasticsearch.
    Commands,
}

/// Somebody who waits at the end of the way.
pub(super) struct Follow<'a> {
    site: &'a Site,
    pool: &'a Pool,
    canary: &'a Canary<'a>,
    end: End,
}

enum End {
    ReadModels,
    Events(Published),
    Alerts,
    /// With the version that the level has before.
    Commands(i64),
}

impl<'a> Follow<'a> {
    /// Takes its place; from then on any part may be killed.
    pub(super) async fn start(site: &'a Site, pool: &'a Pool, canary: &'a Canary<'a>, way: Way) -> Result<Self> {
        let end = match way {
            Way::ReadModels => End::ReadModels,
            Way::Events => End::Events(Published::watch(site, canary.item()).await?),
            Way::Alerts => End::Alerts,
            Way::Commands => End::Commands(canary.write().await),
        };
        Ok(Self {
            site,
            pool,
            canary,
            end,
        })
    }

    /// Sends a write until it is taken, then looks until it has come. Does not give up.
    pub(super) async fn arrives(&self) -> Result<()> {
        match &self.end {
            End::ReadModels => self.canary.arrives().await,
            End::Events(published) => {
                let version = self.canary.write().await;
                while published.newest() < version {
                    sleep(LOOK).await;
                }
            }
            End::Alerts => {
                let version = self.canary.write().await;
                while !self.is_judged(version).await {
                    sleep(LOOK).await;
                }
            }
            End::Commands(before) => {
                self.command().await?;
                self.canary.is_read(before.saturating_add(1)).await;
            }
        }
        Ok(())
    }

    async fn command(&self) -> Result<()> {
        let (config, sku) = (self.site.settings.kafka.clone(), self.canary.sku().to_owned());
        let delivery = Delivery {
            sku,
            location: LOCATION,
        };
        kafka::blocking(move || inbound::send(&config, std::iter::once(delivery), &AtomicBool::new(false))).await
    }

    /// Whether alerts know this version of the level.
    async fn is_judged(&self, version: i64) -> bool {
        let judged = async {
            let client = self.pool.get().await.ok()?;
            let sql = "select version from inventory.alert_level where item_id = $1 and location_id = $2";
            let row = client.query_opt(sql, &[&self.canary.item(), &LOCATION]).await.ok()??;
            row.try_get::<_, i64>(0).ok()
        };
        timeout(ANSWER, judged).await.ok().flatten() >= Some(version)
    }
}

/// Reads the public events, and notes the newest version of one item.
struct Published {
    newest: Arc<AtomicI64>,
    _stop: StopFlag,
}

impl Published {
    async fn watch(site: &Site, item: Uuid) -> Result<Self> {
        let config: KafkaConfig = site.settings.kafka.clone();
        let consumer = kafka::blocking(move || kafka::reader(&config, topics::WAREHOUSE_UPDATED, Start::Now)).await?;
        let (stop, stopped) = StopFlag::new();
        let newest = Arc::new(AtomicI64::new(0));
        let seen = Arc::clone(&newest);
        // It ends with the flag.
        drop(tokio::task::spawn_blocking(move || {
            read(&consumer, &item.to_string(), &seen, &stopped)
        }));
        Ok(Self { newest, _stop: stop })
    }

    fn newest(&self) -> i64 {
        self.newest.load(Ordering::Relaxed)
    }
}

fn read(consumer: &BaseConsumer, item: &str, newest: &AtomicI64, stopped: &AtomicBool) {
    const POLL: Duration = Duration::from_millis(50);
    while !stopped.load(Ordering::Relaxed) {
        let Some(Ok(message)) = consumer.poll(POLL) else {
            continue;
        };
        if message.key() == Some(item.as_bytes())
            && let Some(version) = message.payload().and_then(version_in)
        {
            newest.fetch_max(version, Ordering::Relaxed);
        }
    }
}

/// The version that an event on `warehouse.stock.updated` names.
fn version_in(event: &[u8]) -> Option<i64> {
    let event: Value = serde_json::from_slice(event).ok()?;
    event.get("version").and_then(Value::as_i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_name_the_version() {
        assert_eq!(version_in(br#"{"product_id": "x", "version": 7}"#), Some(7));
        assert_eq!(version_in(br#"{"product_id": "x"}"#), None);
        assert_eq!(version_in(b"no json"), None);
    }
}
