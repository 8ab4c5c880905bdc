//! The runtime around every sink.
//!
//! ```text
//! poll thread --bounded queue--> worker: decode -> sink.write -> dead letters -> offsets
//!      \--rebalances (control)--/
//! beside it: probe (health), tick (sink maintenance), lag (of paused partitions), HTTP (metrics, probes)
//! ```
//! `sink.rs` is the contract, `poll.rs` speaks to Kafka, `worker.rs` owns the state.

mod config;
mod decode;
mod dlq;
mod flight;
mod follow;
mod health;
mod hops;
pub(crate) mod lag;
pub mod metrics;
mod offsets;
mod poll;
mod retry;
pub(crate) mod server;
mod sink;
mod worker;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use onhand_cdc::{ConfigError, Decoder, KafkaConfig, RegistryClient, RegistryError, Table, topics};
use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::config::{ConsumerConfig, SinkKind};
use decode::DecodeStage;
use dlq::DeadLetters;
use follow::Follower;
use health::{Health, Phase};
use metrics::Telemetry;
use poll::Poller;
use retry::Breaker;
use worker::{Ended, Worker};

pub use config::RuntimeConfig;
pub use decode::Message;
pub use dlq::DeadLetterError;
pub use sink::{ErrorClass, Event, Outcome, Record, Sink, SinkError, Warmth};

/// Why a consumer ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum ConsumerError {
    /// A setting cannot work.
    #[error("a setting cannot work")]
    Config(#[from] ConfigError),
    /// The Kafka client could not be made or used.
    #[error("kafka client failed")]
    Kafka(#[from] KafkaError),
    /// The Kafka client reports an error it cannot recover from.
    #[error("kafka client cannot go on: {0}")]
    KafkaFatal(String),
    /// Dead letters are refused for good.
    #[error("dead letters cannot be kept")]
    DeadLetters(#[source] DeadLetterError),
    /// The registry client could not be made.
    #[error("schema registry client failed")]
    Registry(#[from] RegistryError),
    /// The sink cannot go on.
    #[error("sink cannot go on")]
    Sink(#[from] SinkError),
    /// The verification cannot start.
    #[error("verification cannot start: {0}")]
    Verify(String),
    /// The address for metrics and health is taken or not ours.
    #[error("cannot listen on {listen}")]
    Listen {
        /// The address.
        listen: SocketAddr,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}

/// What has to be there before the first batch.
pub(crate) struct Startup {
    kafka: KafkaConfig,
    dead_letter_topics: Vec<topics::TopicSpec>,
}

impl Startup {
    async fn ensure_topics(&self) -> Result<(), String> {
        topics::ensure_these(&self.kafka, &self.dead_letter_topics)
            .await
            .map(drop)
            .map_err(|error| error.to_string())
    }
}

/// Runs the sink until the token is cancelled, or an error that no retry can mend.
///
/// # Errors
/// [`ConsumerError`] names the part that cannot go on.
pub async fn run<M: Message>(
    kind: SinkKind,
    config: ConsumerConfig,
    sink: Arc<dyn Sink<M>>,
    token: CancellationToken,
) -> Result<(), ConsumerError> {
    // The recorder comes first: what is measured before it goes nowhere.
    metrics::handle();
    let topics = kind.topics(&config.runtime.topic_prefix);
    let telemetry = Arc::new(Telemetry::new(kind.name(), &topics));
    let health = Arc::new(Health::new(kind.name()));
    let listen = config.runtime.metrics_listen.unwrap_or_else(|| kind.default_listen());
    let listener = server::bind(listen).await?;

    let group = group_of(kind, &config.runtime);
    let client = client_of(kind, &config, &group);
    tracing::info!(sink = kind.name(), group, ?topics, %listen, "consumer starts");

    let stop = CancellationToken::new();
    let mut duties = JoinSet::new();
    let probes = Arc::new(Probes {
        health: Arc::clone(&health),
        telemetry: Arc::clone(&telemetry),
    });
    duties.spawn(server::serve(listener, probes, stop.clone()));
    duties.spawn(probe(Arc::clone(&sink), Arc::clone(&health), config.runtime.clone()));
    duties.spawn(maintain(
        Arc::clone(&sink),
        Arc::clone(&telemetry),
        config.runtime.clone(),
    ));

    let follower = Arc::new(Follower::new(kind.name(), &group));
    if onhand_trace::enabled() && kind.tables().contains(&Table::StockLevel) {
        let ledger = format!("{}.{}", config.runtime.topic_prefix, Table::StockMovement.name());
        let decoder = Decoder::new(RegistryClient::new(&config.registry)?);
        let (client, follower) = (client.clone(), Arc::clone(&follower));
        duties.spawn(follow::read_ledger(client, ledger, decoder, follower, stop.clone()));
    }

    let shared = Shared {
        startup: Startup {
            dead_letter_topics: topics.iter().map(|topic| topics::dlq_spec(topic, &group)).collect(),
            kafka: config.kafka.clone(),
        },
        config,
        client,
        group,
        topics,
        sink,
        health,
        telemetry,
        follower,
        kind,
    };
    let ended = loop {
        match shared.work(token.clone()).await {
            Ok(Ended::Again) if !token.is_cancelled() => {}
            Ok(_) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    stop.cancel();
    duties.abort_all();
    tracing::info!(sink = kind.name(), "consumer stopped");
    ended
}

/// What outlives a Kafka client.
struct Shared<M: Message> {
    kind: SinkKind,
    config: ConsumerConfig,
    client: ClientConfig,
    group: String,
    topics: Vec<String>,
    startup: Startup,
    sink: Arc<dyn Sink<M>>,
    health: Arc<Health>,
    telemetry: Arc<Telemetry>,
    follower: Arc<Follower>,
}

impl<M: Message> Shared<M> {
    /// Works with a client of its own until that is told to stop, or cannot follow its topics any more.
    async fn work(&self, token: CancellationToken) -> Result<Ended, ConsumerError> {
        let runtime = &self.config.runtime;
        let dead = DeadLetters::new(&self.config.kafka, &self.group)?;
        let decoder = Decoder::new(RegistryClient::new(&self.config.registry)?);
        let (poller, intake) = Poller::start(
            &self.client,
            (self.kind, &self.topics),
            runtime,
            &self.health,
            &self.telemetry,
        )?;
        let worker = Worker {
            sink: Arc::clone(&self.sink),
            consumer: Arc::clone(&poller.consumer),
            intake,
            decode: DecodeStage::new(decoder, runtime.unknown_schema_wait()),
            batch_max_records: runtime.batch_max(self.kind),
            config: runtime.clone(),
            dead,
            health: Arc::clone(&self.health),
            telemetry: Arc::clone(&self.telemetry),
            follower: Arc::clone(&self.follower),
            token: token.clone(),
            offsets: offsets::Offsets::default(),
            breaker: Breaker::Closed,
            last_commit: Instant::now(),
            answered: false,
            flights: VecDeque::new(),
            told: None,
        };
        let deadline = runtime.shutdown_deadline();
        let ended = drive(worker, &self.startup, &self.health, token, deadline).await;
        poller.stop(deadline).await;
        ended
    }
}

/// A consumer as its probes tell of it.
struct Probes {
    health: Arc<Health>,
    telemetry: Arc<Telemetry>,
}

impl server::Probes for Probes {
    fn live(&self) -> (bool, serde_json::Value) {
        self.health.live()
    }

    fn ready(&self) -> (bool, serde_json::Value) {
        self.health.ready()
    }

    fn refresh(&self) {
        self.telemetry.commit_age(self.health.commit_age());
    }
}

/// The worker has until the deadline to end after the token is cancelled.
async fn drive<M: Message>(
    worker: Worker<M>,
    startup: &Startup,
    health: &Health,
    token: CancellationToken,
    deadline: std::time::Duration,
) -> Result<Ended, ConsumerError> {
    let work = worker.run(startup);
    tokio::pin!(work);
    tokio::select! {
        ended = &mut work => return ended,
        () = token.cancelled() => health.phase(Phase::Draining),
    }
    match tokio::time::timeout(deadline, work).await {
        Ok(ended) => ended,
        Err(_) => {
            tracing::warn!("the last batch was not settled in time, its records come again");
            Ok(Ended::Stopped)
        }
    }
}

fn group_of(kind: SinkKind, config: &RuntimeConfig) -> String {
    config.group_id.clone().unwrap_or_else(|| kind.group().to_owned())
}

fn client_of(kind: SinkKind, config: &ConsumerConfig, group: &str) -> ClientConfig {
    let runtime = &config.runtime;
    let min_bytes = runtime.fetch_min_bytes.unwrap_or_else(|| kind.fetch_min_bytes());
    let mut client = config.kafka.client();
    client
        .set("group.id", group)
        .set("client.id", runtime.client_id.as_deref().unwrap_or(group))
        .set("partition.assignment.strategy", "cooperative-sticky")
        .set("session.timeout.ms", runtime.session_timeout_ms.to_string())
        // Members hear of a rebalance with their next heartbeat, so this is how fast one goes.
        .set("heartbeat.interval.ms", "1000")
        .set("auto.offset.reset", "earliest")
        // Offsets are ours to commit, after the sink has confirmed.
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("allow.auto.create.topics", "false")
        // A topic that is made later is found soon.
        .set("topic.metadata.refresh.interval.ms", "10000")
        .set("fetch.min.bytes", min_bytes.to_string())
        .set("fetch.wait.max.ms", runtime.fetch_wait_max_ms.to_string())
        .set("fetch.error.backoff.ms", "100")
        // The client's own queue is small, since ours is bounded too; when it was full, fetching
        // must go on at once (the default waits a second).
        .set("queued.min.messages", "2000")
        .set("queued.max.messages.kbytes", "2048")
        // An answer is held whole, and unpacked to some ten times its size, before its records are handed on. A larger batch still
        // comes, alone. The first of these says nothing to a consumer, but the client wants the third to be no less.
        .set("message.max.bytes", "262144")
        .set("fetch.message.max.bytes", "65536")
        .set("fetch.max.bytes", "262144")
        .set("fetch.queue.backoff.ms", "5")
        .set("statistics.interval.ms", "2000");
    if let Some(instance) = &runtime.group_instance_id {
        client.set("group.instance.id", instance);
    }
    client
}

/// Asks the sink how it is, for the readiness of this process.
async fn probe<M: Message>(sink: Arc<dyn Sink<M>>, health: Arc<Health>, config: RuntimeConfig) {
    let mut timer = tokio::time::interval(config.tick());
    timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        timer.tick().await;
        let problem = sink.health().await.err().map(|error| error.to_string());
        health.sink(problem, sink.warmth());
    }
}

/// Runs the sink's maintenance beside the worker: it may take long and holds nothing up.
async fn maintain<M: Message>(sink: Arc<dyn Sink<M>>, telemetry: Arc<Telemetry>, config: RuntimeConfig) {
    let mut failures = 0;
    loop {
        match sink.tick().await {
            Ok(()) if failures > 0 => {
                telemetry.recovered("maintenance", failures);
                failures = 0;
            }
            Ok(()) => {}
            Err(error) => {
                failures += 1;
                telemetry.retry("maintenance", failures, &error.to_string());
            }
        }
        tokio::time::sleep(config.tick()).await;
    }
}
