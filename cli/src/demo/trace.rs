//! Follows single writes through the pipeline and measures when each hop has them.
//!
//! The clock starts when COMMIT is sent and every hop is measured from there, on this program's own clock: so a latency
//! holds the flush of the write-ahead log, and errs on the long side.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use onhand_cdc::{Change, Decoder, KafkaConfig, RegistryClient, RegistryConfig, Table, offsets};
use onhand_consumers::{ElasticsearchConfig, RedisConfig};
use onhand_db::{Outcome, Pool};
use rand::Rng;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{Message, Offset, TopicPartitionList};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::time::MissedTickBehavior;
use uuid::Uuid;

use super::latency::{self, Latencies};
use super::progress::Step;
use super::stock::Stock;
use crate::settings::Settings;

/// After this a write that did not arrive counts as lost.
const PATIENCE: Duration = Duration::from_secs(15);
/// Between two looks at Redis.
const REDIS_PAUSE: Duration = Duration::from_micros(500);
/// Between two looks at Elasticsearch, whose answer takes about as long.
const SEARCH_PAUSE: Duration = Duration::from_millis(2);
/// How long the consumer waits for records before it looks whether it is still needed.
const POLL: Duration = Duration::from_millis(100);

/// How many writes, and how fast.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trace {
    pub(super) samples: u32,
    pub(super) per_second: u32,
}

/// A row version that is waited for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    item: Uuid,
    location: String,
    version: i64,
}

/// Follows the writes and prints the table. Fails if one of them is lost on its way.
pub(super) async fn follow(settings: &Settings, pool: &Pool, stock: &Stock, trace: Trace) -> Result<()> {
    let kafka = Records::start(&settings.kafka, &settings.registry).await?;
    let search = Documents::new(&settings.elasticsearch)?;
    let mut random = StdRng::from_os_rng();
    let mut hops = Hops::new()?;
    let step = Step::new("writes followed", usize::try_from(trace.samples)?);
    let mut clock = tokio::time::interval(Duration::from_secs(1) / trace.per_second.max(1));
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for _ in 0..trace.samples {
        clock.tick().await;
        let (key, sent, answered) = write(pool, stock, &mut random).await?;
        let record = kafka.wait(key.clone());
        let row = wait_for_row(&settings.redis, key.clone());
        let document = search.wait(&key);
        let (record, row, document) = tokio::join!(record, row, document);
        hops.commit.add(answered.duration_since(sent));
        hops.note(Hop::Kafka, sent, record);
        hops.note(Hop::Redis, sent, row?);
        hops.note(Hop::Search, sent, document);
        step.add(1);
    }
    step.done();
    hops.print()
}

#[derive(Debug, Clone, Copy)]
enum Hop {
    Kafka,
    Redis,
    Search,
}

struct Hops {
    commit: Latencies,
    kafka: Latencies,
    redis: Latencies,
    search: Latencies,
    lost: u32,
}

impl Hops {
    fn new() -> Result<Self> {
        let new = Latencies::new;
        Ok(Self {
            commit: new()?,
            kafka: new()?,
            redis: new()?,
            search: new()?,
            lost: 0,
        })
    }

    fn note(&mut self, hop: Hop, sent: Instant, arrived: Option<Instant>) {
        let latencies = match hop {
            Hop::Kafka => &mut self.kafka,
            Hop::Redis => &mut self.redis,
            Hop::Search => &mut self.search,
        };
        match arrived {
            Some(arrived) => latencies.add(arrived.saturating_duration_since(sent)),
            None => self.lost = self.lost.saturating_add(1),
        }
    }

    fn print(&self) -> Result<()> {
        let rows = [
            ("COMMIT answered", &self.commit),
            ("record read from Kafka", &self.kafka),
            ("row in Redis", &self.redis),
            ("document in Elasticsearch", &self.search),
        ];
        println!("{}", latency::table("from sending COMMIT to", rows));
        if self.lost > 0 {
            bail!("{} hops were not reached within {} s", self.lost, PATIENCE.as_secs());
        }
        Ok(())
    }
}

/// Adds one unit somewhere; says which row version that made, when COMMIT was sent, and when it was answered.
async fn write(pool: &Pool, stock: &Stock, random: &mut StdRng) -> Result<(Key, Instant, Instant)> {
    let (sku, item) = stock
        .items
        .get(random.random_range(0..stock.items.len()))
        .context("no items")?;
    let place = stock
        .places
        .get(random.random_range(0..stock.places.len()))
        .context("no places")?;
    let command = json!({"op": "add", "sku": sku, "location": place.id, "quantity": 1, "reason": "demo"});
    let client = pool.get().await?;
    client.batch_execute("begin").await?;
    let outcome = onhand_db::apply_commands(&client, &[command], None, "demo")
        .await?
        .pop();
    let sent = Instant::now();
    client.batch_execute("commit").await?;
    let answered = Instant::now();
    match outcome {
        Some(Outcome::Applied(answer)) => {
            let level = answer.levels.first().context("an answer without a level")?;
            let key = Key {
                item: *item,
                location: place.id.clone(),
                version: level.version,
            };
            Ok((key, sent, answered))
        }
        other => bail!("a unit could not be added: {other:?}"),
    }
}

/// Looks at the row in Redis again and again, on a thread of its own: the timer of the runtime is too coarse.
async fn wait_for_row(config: &RedisConfig, key: Key) -> Result<Option<Instant>> {
    let (url, prefix) = (config.url.expose_secret().to_owned(), config.key_prefix.clone());
    tokio::task::spawn_blocking(move || {
        let mut connection = redis::Client::open(url)?.get_connection_with_timeout(PATIENCE)?;
        let (hash, field) = (
            format!("{prefix}stock:{{{}}}", key.item),
            format!("row:{}", key.location),
        );
        let deadline = Instant::now() + PATIENCE;
        loop {
            let row: Option<String> = redis::cmd("HGET").arg(&hash).arg(&field).query(&mut connection)?;
            let now = Instant::now();
            let version = row
                .as_deref()
                .and_then(|row| row.split(' ').next())
                .and_then(|word| word.parse::<i64>().ok());
            if version.is_some_and(|version| version >= key.version) {
                return Ok(Some(now));
            }
            if now >= deadline {
                return Ok(None);
            }
            std::thread::sleep(REDIS_PAUSE);
        }
    })
    .await?
}

/// Documents of the index, read by id: that does not wait for a refresh.
struct Documents {
    http: reqwest::Client,
    base: String,
}

impl Documents {
    fn new(config: &ElasticsearchConfig) -> Result<Self> {
        let http = reqwest::Client::builder().timeout(PATIENCE).build()?;
        let base = format!("{}/{}stock/_doc", config.url.trim_end_matches('/'), config.index_prefix);
        Ok(Self { http, base })
    }

    async fn wait(&self, key: &Key) -> Option<Instant> {
        let url = format!("{}/{}:{}?_source=false", self.base, key.item, key.location);
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let version = self.version(&url).await;
            let now = Instant::now();
            if version.is_some_and(|version| version >= key.version) {
                return Some(now);
            }
            tokio::time::sleep(SEARCH_PAUSE).await;
        }
        None
    }

    async fn version(&self, url: &str) -> Option<i64> {
        let answer: Value = self.http.get(url).send().await.ok()?.json().await.ok()?;
        answer.get("_version")?.as_i64()
    }
}

/// Records of `onhand.inventory.stock_level`, read by a bare consumer of no group.
struct Records {
    seen: Arc<Mutex<Seen>>,
    stop: Option<oneshot::Sender<()>>,
}

#[derive(Default)]
struct Seen {
    arrived: HashMap<Key, Instant>,
    waiting: HashMap<Key, oneshot::Sender<Instant>>,
}

impl Records {
    /// Assigns all partitions at their ends and reads on a thread of its own.
    async fn start(kafka: &KafkaConfig, registry: &RegistryConfig) -> Result<Self> {
        let decoder = Decoder::new(RegistryClient::new(registry)?);
        let mut client = kafka.client();
        client
            .set("group.id", "onhand.demo")
            .set("enable.auto.commit", "false")
            .set("fetch.wait.max.ms", "500");
        let consumer = tokio::task::spawn_blocking(move || assigned(&client)).await??;
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (stop, stopped) = oneshot::channel();
        let (reader, runtime) = (Arc::clone(&seen), tokio::runtime::Handle::current());
        std::thread::spawn(move || read(&consumer, &decoder, &reader, stopped, &runtime));
        Ok(Self { seen, stop: Some(stop) })
    }

    async fn wait(&self, key: Key) -> Option<Instant> {
        let arrival = {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(at) = seen.arrived.remove(&key) {
                return Some(at);
            }
            // Nothing older is waited for: the table does not grow with other people's writes.
            seen.arrived.clear();
            let (sender, arrival) = oneshot::channel();
            seen.waiting.insert(key, sender);
            arrival
        };
        tokio::time::timeout(PATIENCE, arrival).await.ok()?.ok()
    }
}

impl Drop for Records {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The thread may have ended on its own.
            let _ended = stop.send(());
        }
    }
}

fn assigned(client: &rdkafka::ClientConfig) -> Result<BaseConsumer> {
    let consumer: BaseConsumer = client.create()?;
    let topic = Table::StockLevel.topic();
    let partitions = offsets::partitions(&consumer, &[&topic], PATIENCE).context("Kafka does not answer")?;
    if partitions.is_empty() {
        bail!("there is no topic {topic}");
    }
    let mut list = TopicPartitionList::new();
    for ((topic, partition), marks) in offsets::marks(&consumer, &partitions, PATIENCE)? {
        list.add_partition_offset(&topic, partition, Offset::Offset(marks.high))?;
    }
    consumer.assign(&list)?;
    Ok(consumer)
}

/// The time is taken when the record is there, before it is decoded.
fn read(
    consumer: &BaseConsumer,
    decoder: &Decoder,
    seen: &Mutex<Seen>,
    mut stopped: oneshot::Receiver<()>,
    runtime: &tokio::runtime::Handle,
) {
    while matches!(stopped.try_recv(), Err(oneshot::error::TryRecvError::Empty)) {
        let Some(Ok(message)) = consumer.poll(POLL) else {
            continue;
        };
        let now = Instant::now();
        let Some(payload) = message.payload() else { continue };
        let Ok(Change::StockLevel(change)) = runtime.block_on(decoder.decode(Table::StockLevel, payload)) else {
            continue;
        };
        let Some(row) = change.after else { continue };
        let key = Key {
            item: row.item_id,
            location: row.location_id,
            version: row.version.get(),
        };
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        match seen.waiting.remove(&key) {
            Some(waiting) => {
                // Whoever waited may have given up.
                let _late = waiting.send(now);
            }
            None => {
                seen.arrived.insert(key, now);
            }
        }
    }
}
