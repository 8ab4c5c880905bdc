//! A pipeline in one process: Kafka's mock, a registry, and our consumer runtime between them and a shelf.

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use onhand_cdc::{KafkaConfig, RegistryConfig, Table, topics};
use onhand_consumers::runtime::{self, Event, Outcome, Sink, SinkError, Warmth};
use onhand_consumers::{ConsumerConfig, ConsumerError, RuntimeConfig, SinkKind};
use onhand_tests::kafka::{RawRecord, Sender, Tail};
use onhand_tests::stack::SETTLE;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{FutureProducer, Producer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::{JoinHandle, block_in_place};
use tokio_util::sync::CancellationToken;

/// The schemas that the registry has, and whether it can be asked.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    pub(crate) away: bool,
    pub(crate) schemas: BTreeMap<u32, String>,
}

type SharedRegistry = Arc<Mutex<Registry>>;

/// Kafka and the registry.
pub(crate) struct Pipeline {
    /// The mock lives as long as its client.
    _mock: FutureProducer,
    brokers: String,
    registry: SharedRegistry,
    registry_url: String,
}

impl Pipeline {
    /// Topics of these tables and of the dead letters of this kind of consumer.
    pub(crate) async fn start(kind: SinkKind, partitions: i32) -> Result<Self> {
        let mock: FutureProducer = ClientConfig::new().set("test.mock.num.brokers", "1").create()?;
        let brokers = make_topics(&mock, kind, partitions)?;
        let registry = SharedRegistry::default();
        let router = Router::new()
            .route("/schemas/ids/{id}", get(schema))
            .route("/subjects", get(subjects))
            .with_state(Arc::clone(&registry));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let registry_url = format!("http://{}", listener.local_addr()?);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self {
            _mock: mock,
            brokers,
            registry,
            registry_url,
        })
    }

    /// Changes the registry.
    pub(crate) fn registry(&self, change: impl FnOnce(&mut Registry)) {
        change(&mut self.registry.lock().unwrap());
    }

    pub(crate) fn registry_config(&self) -> RegistryConfig {
        RegistryConfig {
            url: self.registry_url.clone(),
            ..RegistryConfig::default()
        }
    }

    /// Settings of a consumer that loses no time.
    pub(crate) fn config(&self) -> Result<ConsumerConfig> {
        // Free a moment ago, and nobody else asks for ports by their number here.
        let listen: SocketAddr = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let runtime = RuntimeConfig {
            commit_interval_ms: 50,
            retry_max_ms: 100,
            tick_ms: 100,
            unknown_schema_wait_ms: 100,
            shutdown_deadline_ms: 1_000,
            metrics_listen: Some(listen),
            ..RuntimeConfig::default()
        };
        let kafka = KafkaConfig {
            brokers: self.brokers.clone(),
            ..KafkaConfig::default()
        };
        Ok(ConsumerConfig {
            kafka,
            registry: self.registry_config(),
            runtime,
            ..ConsumerConfig::default()
        })
    }

    /// Starts a consumer of the balances with this shelf for its sink.
    pub(crate) fn consume(&self, shelf: &Arc<Shelf>, config: ConsumerConfig) -> Running {
        self.consume_as(SinkKind::Cache, shelf, config)
    }

    /// Starts a consumer of this kind with this shelf for its sink. Consumers of one kind share their metrics: they are of one
    /// process.
    pub(crate) fn consume_as(&self, kind: SinkKind, shelf: &Arc<Shelf>, config: ConsumerConfig) -> Running {
        let sink: Arc<dyn Sink> = Arc::<Shelf>::clone(shelf);
        Running::start(&config.clone(), |token| runtime::run(kind, config, sink, token))
    }

    pub(crate) async fn send(&self, records: &[RawRecord]) -> Result<()> {
        Sender::new(&self.brokers)?
            .send(&Table::StockLevel.topic(), records)
            .await
    }

    /// Everything in the topic of the balances.
    pub(crate) fn records(&self) -> Result<Vec<RawRecord>> {
        block_in_place(|| Tail::new(&self.brokers, &Table::StockLevel.topic()).read())
    }

    /// The dead letters of this kind of consumer.
    pub(crate) fn letters(&self, kind: SinkKind) -> Result<Vec<RawRecord>> {
        let topic = topics::dlq(&Table::StockLevel.topic(), kind.group());
        block_in_place(|| Tail::new(&self.brokers, &topic).read())
    }

    /// The offset that the cache consumer goes on from in the first partition; none if it has committed none.
    pub(crate) fn committed(&self) -> Result<Option<i64>> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", &self.brokers)
            .set("group.id", SinkKind::Cache.group())
            .create()?;
        let mut asked = TopicPartitionList::new();
        asked.add_partition(&Table::StockLevel.topic(), 0);
        let told = block_in_place(|| consumer.committed_offsets(asked, SETTLE))?;
        Ok(told.elements().first().and_then(|element| match element.offset() {
            Offset::Offset(offset) => Some(offset),
            _ => None,
        }))
    }
}

/// Answers the address of the mock's broker. The mock cannot make topics on request.
fn make_topics(mock: &FutureProducer, kind: SinkKind, partitions: i32) -> Result<String> {
    let cluster = mock.client().mock_cluster().context("no mock")?;
    for table in kind.tables() {
        cluster.create_topic(&table.topic(), partitions, 1)?;
        cluster.create_topic(&topics::dlq(&table.topic(), kind.group()), 1, 1)?;
    }
    cluster.create_topic(topics::DLQ_STATE, 1, 1)?;
    Ok(cluster.bootstrap_servers())
}

async fn schema(State(registry): State<SharedRegistry>, Path(id): Path<u32>) -> (StatusCode, Json<Value>) {
    let registry = registry.lock().unwrap();
    match registry.schemas.get(&id) {
        _ if registry.away => (StatusCode::SERVICE_UNAVAILABLE, Json(json!({}))),
        Some(schema) => (StatusCode::OK, Json(json!({"schema": schema}))),
        None => (
            StatusCode::NOT_FOUND,
            Json(json!({"error_code": 40403, "message": "not found"})),
        ),
    }
}

async fn subjects(State(registry): State<SharedRegistry>) -> Json<Value> {
    let registry = registry.lock().unwrap();
    Json(registry.schemas.keys().map(|id| format!("subject-{id}")).collect())
}

/// A consumer at work.
pub(crate) struct Running {
    token: CancellationToken,
    task: JoinHandle<Result<(), ConsumerError>>,
    address: String,
}

impl Running {
    pub(crate) fn start<F>(config: &ConsumerConfig, run: impl FnOnce(CancellationToken) -> F) -> Self
    where
        F: Future<Output = Result<(), ConsumerError>> + Send + 'static,
    {
        let token = CancellationToken::new();
        let listen = config.runtime.metrics_listen.map(|listen| listen.to_string());
        Self {
            task: tokio::spawn(run(token.clone())),
            token,
            address: format!("http://{}", listen.unwrap_or_default()),
        }
    }

    /// What it says of itself.
    pub(crate) async fn ready(&self) -> Result<Value> {
        Ok(reqwest::get(format!("{}/ready", self.address)).await?.json().await?)
    }

    /// Records that wait in this topic, as its metrics have it.
    pub(crate) async fn lag(&self, topic: &str) -> Result<usize> {
        let page = reqwest::get(format!("{}/metrics", self.address)).await?.text().await?;
        let topic = format!("topic=\"{topic}\"");
        let of_topic = page
            .lines()
            .filter(|line| line.starts_with("onhand_consumer_lag_records{") && line.contains(&topic));
        let lags = of_topic.filter_map(|line| line.rsplit(' ').next());
        let lags: Vec<usize> = lags.map(str::parse).collect::<Result<_, _>>()?;
        ensure!(!lags.is_empty(), "nothing is said of {topic}");
        Ok(lags.iter().sum())
    }

    /// Ends it, in the midst of its work if that takes longer than a shutdown may.
    pub(crate) async fn stop(self) -> Result<()> {
        self.token.cancel();
        Ok(self.task.await??)
    }
}

/// Partition and offset of an event.
pub(crate) type Place = (i32, i64);

/// A sink that remembers what it was given.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    written: Mutex<Vec<Place>>,
    /// How long a write takes.
    pause: Duration,
    /// Batches that it takes at once, beside the first.
    more_at_once: usize,
    /// While it is set, no write comes to its end; with `more_at_once` that of the first record does not.
    pub(crate) stuck: AtomicBool,
    begun: AtomicUsize,
}

impl Shelf {
    /// One whose writes take so long.
    pub(crate) fn slow(pause: Duration) -> Self {
        Self {
            pause,
            ..Self::default()
        }
    }

    /// One that takes two batches at once.
    pub(crate) fn two_at_once() -> Self {
        Self {
            more_at_once: 1,
            ..Self::default()
        }
    }

    /// Each event that it has confirmed, in the order of writing.
    pub(crate) fn written(&self) -> Vec<Place> {
        self.written.lock().unwrap().clone()
    }

    /// How many writes have begun.
    pub(crate) fn begun(&self) -> usize {
        self.begun.load(Ordering::Acquire)
    }
}

#[async_trait]
impl Sink for Shelf {
    fn name(&self) -> &'static str {
        "shelf"
    }

    async fn prepare(&self) -> Result<(), SinkError> {
        Ok(())
    }

    async fn health(&self) -> Result<(), SinkError> {
        Ok(())
    }

    fn warmth(&self) -> Warmth {
        Warmth::Warm
    }

    fn batches_at_once(&self) -> usize {
        1 + self.more_at_once
    }

    async fn write(&self, batch: &[&Event]) -> Result<Vec<Outcome>, SinkError> {
        self.begun.fetch_add(1, Ordering::AcqRel);
        tokio::time::sleep(self.pause).await;
        let held = self.more_at_once == 0 || batch.iter().any(|event| event.record.offset == 0);
        while held && self.stuck.load(Ordering::Acquire) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let places = batch.iter().map(|event| (event.record.partition, event.record.offset));
        self.written.lock().unwrap().extend(places);
        Ok(vec![Outcome::Applied; batch.len()])
    }

    async fn tick(&self) -> Result<(), SinkError> {
        Ok(())
    }

    async fn shutdown(&self) {}
}

/// Waits until the shelf has this many events, and fails if it has others then.
pub(crate) async fn written(shelf: &Shelf, count: usize) -> Result<()> {
    onhand_tests::stack::eventually("the consumer has written everything", || async {
        let written = shelf.written();
        ensure!(written.len() >= count, "{written:?}");
        Ok(true)
    })
    .await
}
