//! Ceilings: what Redis and Elasticsearch take from a client that does nothing but send.
//!
//! The requests are those of the product's sinks, byte for byte: the same guarded script and the same bulk lines, for the same
//! batches of the same records in the order in which a consumer gets them. They lie ready in memory before the clock starts.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use onhand_cdc::{Decoder, RegistryClient, Table};
use onhand_consumers::SinkKind;
use onhand_consumers::cache::{self, APPLY_SCRIPT, StockCache};
use onhand_consumers::runtime::{Event, Record};
use onhand_consumers::search::Replay;
use rdkafka::Message;
use redis::ConnectionLike;

use super::super::figures;
use super::backlog::Backlog;
use super::kafka::{self, Start};
use super::site::{PATIENCE, Place, Site};

/// One request that lies ready.
struct Request {
    bytes: bytes::Bytes,
    /// Answers that come back.
    commands: usize,
}

/// A backlog as requests.
pub(super) struct Loaded {
    requests: Vec<Request>,
    events: u64,
    /// Rows or documents in them.
    rows: u64,
}

impl Loaded {
    /// Rows or documents in a request, on average.
    pub(super) fn rows_per_request(&self) -> f64 {
        let requests = u32::try_from(self.requests.len()).unwrap_or(u32::MAX).max(1);
        f64::from(u32::try_from(self.rows).unwrap_or(u32::MAX)) / f64::from(requests)
    }

    /// Calls of the guarded script, for a place in Redis.
    pub(super) async fn redis(site: &Site, backlog: &Backlog, place: &Place) -> Result<Self> {
        let cache = StockCache::new(&place.redis)?;
        Self::load(site, SinkKind::Cache, backlog, |batch| {
            let items = cache::rows_of(batch);
            let rows = items.iter().map(|item| item.rows.len()).sum();
            let pipeline = cache.commands(&items);
            let request = Request {
                bytes: pipeline.get_packed_pipeline().into(),
                commands: pipeline.len(),
            };
            Ok((request, rows))
        })
        .await
    }

    /// Bulk requests, for a place in Elasticsearch.
    pub(super) async fn elasticsearch(site: &Site, backlog: &Backlog, place: &Place) -> Result<Self> {
        let replay = Replay::new(&place.elasticsearch)?;
        Self::load(site, SinkKind::Search, backlog, |batch| {
            let (body, rows) = replay.body(batch)?;
            let request = Request {
                bytes: body.into(),
                commands: rows,
            };
            Ok((request, rows))
        })
        .await
    }

    async fn load(
        site: &Site,
        sink: SinkKind,
        backlog: &Backlog,
        mut request: impl FnMut(&[&Event]) -> Result<(Request, usize)>,
    ) -> Result<Self> {
        let size = site.settings.runtime.batch_max(sink);
        let (config, topic) = (site.settings.kafka.clone(), backlog.topic.clone());
        let consumer = kafka::blocking(move || kafka::reader(&config, &topic, Start::Beginning)).await?;
        let decoder = Decoder::new(RegistryClient::new(&site.settings.registry)?);
        let mut loaded = Self {
            requests: Vec::new(),
            events: 0,
            rows: 0,
        };
        let mut left = usize::try_from(backlog.events)?;
        while left > 0 {
            let batch = read(&consumer, &decoder, &backlog.topic, left.min(size)).await?;
            left = left.saturating_sub(batch.len());
            let (request, rows) = request(&batch.iter().collect::<Vec<_>>())?;
            loaded.requests.push(request);
            loaded.events = loaded.events.saturating_add(u64::try_from(batch.len())?);
            loaded.rows = loaded.rows.saturating_add(u64::try_from(rows)?);
        }
        Ok(loaded)
    }

    /// Sends all of it to Redis, one pipeline after the other, and says how many events a second that were.
    pub(super) fn send_to_redis(&self, site: &Site) -> Result<f64> {
        let mut connection = site.redis()?;
        let _hash: String = redis::cmd("SCRIPT")
            .arg("LOAD")
            .arg(APPLY_SCRIPT)
            .query(&mut connection)?;
        let since = Instant::now();
        for request in &self.requests {
            let answers = connection.req_packed_commands(&request.bytes, 0, request.commands)?;
            if let Some(wrong) = answers
                .iter()
                .find(|answer| matches!(answer, redis::Value::ServerError(_)))
            {
                bail!("Redis refuses a row: {wrong:?}");
            }
        }
        Ok(figures::rate(self.events, since.elapsed()))
    }

    /// Sends all of it to Elasticsearch, one bulk after the other, and says how many events a second that were.
    pub(super) async fn send_to_elasticsearch(&self, site: &Site) -> Result<f64> {
        let base = site.settings.elasticsearch.url.trim_end_matches('/');
        let url = format!("{base}{}", Replay::path());
        let since = Instant::now();
        for request in &self.requests {
            let answer = site
                .http
                .post(&url)
                .header("content-type", "application/x-ndjson")
                .body(request.bytes.clone())
                .send()
                .await?
                .error_for_status()?
                .text()
                .await?;
            if answer.contains("\"error\"") {
                let start: String = answer.chars().take(300).collect();
                bail!("Elasticsearch refuses a document: {start}");
            }
        }
        Ok(figures::rate(self.events, since.elapsed()))
    }
}

/// The next records, decoded.
async fn read(
    consumer: &rdkafka::consumer::BaseConsumer,
    decoder: &Decoder,
    topic: &str,
    count: usize,
) -> Result<Vec<Event>> {
    let mut batch = Vec::with_capacity(count);
    while batch.len() < count {
        let patience: Duration = PATIENCE;
        let message = tokio::task::block_in_place(|| kafka::next(consumer, patience))
            .with_context(|| format!("Kafka gives no more records of {topic}"))?;
        let value = message.payload().context("a record without a value")?;
        let change = match decoder.decode_cached(Table::StockLevel, value) {
            Some(change) => change?,
            None => decoder.decode(Table::StockLevel, value).await?,
        };
        batch.push(Event {
            record: Record::new(topic, message.partition(), message.offset()),
            change,
        });
    }
    Ok(batch)
}
