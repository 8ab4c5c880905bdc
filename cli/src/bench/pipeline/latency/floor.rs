//! The floor: a bare consumer of the topic, that does nothing but note when a record is there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use onhand_cdc::{Change, Decoder, RegistryClient, Table};
use rdkafka::Message;
use rdkafka::consumer::BaseConsumer;
use tokio::task::JoinHandle;

use super::super::super::figures::Latencies;
use super::super::goods;
use super::super::kafka::{self, Start, StopFlag};
use super::super::site::Site;
use super::{Arrivals, Key, PATIENCE, Waiting};

/// How long the consumer waits for records before it looks whether it is still needed.
const POLL: Duration = Duration::from_millis(100);

/// The consumer, on a thread of its own.
pub(super) struct Watch {
    thread: JoinHandle<Result<Latencies>>,
    waiting: Waiting,
    stop: StopFlag,
}

impl Watch {
    /// From the records on that are written after this.
    pub(super) async fn start(site: &Site, waiting: Waiting) -> Result<Self> {
        let config = site.settings.kafka.clone();
        let topic = Table::StockLevel.topic();
        let consumer = kafka::blocking(move || kafka::reader(&config, &topic, Start::Now)).await?;
        let decoder = Decoder::new(RegistryClient::new(&site.settings.registry)?);
        let (stop, stopped) = StopFlag::new();
        let (runtime, waits) = (tokio::runtime::Handle::current(), waiting.clone());
        let thread = tokio::task::spawn_blocking(move || read(&consumer, &decoder, &waits, &stopped, &runtime));
        Ok(Self { thread, waiting, stop })
    }

    /// Waits, for a bounded time, until nothing is waited for any more.
    pub(super) async fn end(self) -> Result<Arrivals> {
        let deadline = Instant::now() + PATIENCE;
        while self.waiting.len() > 0 && Instant::now() < deadline && !self.thread.is_finished() {
            tokio::time::sleep(POLL).await;
        }
        drop(self.stop);
        Ok(Arrivals::new(self.thread.await??, self.waiting.len()))
    }
}

/// The time is taken when the record is there, before it is decoded.
fn read(
    consumer: &BaseConsumer,
    decoder: &Decoder,
    waiting: &Waiting,
    stopped: &Arc<AtomicBool>,
    runtime: &tokio::runtime::Handle,
) -> Result<Latencies> {
    let mut latencies = Latencies::new()?;
    while !stopped.load(Ordering::Relaxed) {
        let Some(Ok(message)) = consumer.poll(POLL) else {
            continue;
        };
        let now = Instant::now();
        let Some(payload) = message.payload() else { continue };
        let change = match decoder.decode_cached(Table::StockLevel, payload) {
            Some(change) => change,
            None => runtime.block_on(decoder.decode(Table::StockLevel, payload)),
        };
        // What others write may be anything.
        let Ok(Change::StockLevel(change)) = change else {
            continue;
        };
        let Some(row) = change.after else { continue };
        let Some(location) = goods::known_location(&row.location_id) else {
            continue;
        };
        let key = Key {
            item: row.item_id,
            location,
            version: row.version.get(),
        };
        if let Some(sent) = waiting.seen(&key) {
            latencies.add(now.saturating_duration_since(sent));
        }
    }
    Ok(latencies)
}
