//! Bad records and a registry that misbehaves, for a consumer of the test's own on a topic of its own.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Router, routing::get};
use onhand_cdc::topics::{self, TopicSpec};
use onhand_cdc::{KafkaConfig, decode};
use onhand_tests::consumer::Consumer;
use onhand_tests::group::Group;
use onhand_tests::kafka::RawRecord;
use onhand_tests::stack::{Stack, eventually};
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use tokio::net::TcpListener;

/// The schemas of the stack, refused or forgotten as the test wants.
#[derive(Clone)]
struct Registry {
    real: String,
    /// What every question is answered with; 0 for the truth.
    refusal: Arc<AtomicU32>,
    refused: Arc<AtomicUsize>,
    /// An id that it has lost.
    lost: u32,
}

impl Registry {
    async fn start(lost: u32) -> (Self, String) {
        let registry = Self {
            real: std::env::var("ONHAND_REGISTRY__URL").unwrap(),
            refusal: Arc::default(),
            refused: Arc::default(),
            lost,
        };
        let router = Router::new()
            .route("/schemas/ids/{id}", get(Self::schema))
            .route("/subjects", get(Self::subjects))
            .with_state(registry.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (registry, url)
    }

    async fn schema(State(registry): State<Self>, Path(id): Path<u32>) -> Response {
        if id == registry.lost && registry.refusal.load(Ordering::Relaxed) == 0 {
            return StatusCode::NOT_FOUND.into_response();
        }
        registry.ask(&format!("schemas/ids/{id}")).await
    }

    async fn subjects(State(registry): State<Self>) -> Response {
        registry.ask("subjects").await
    }

    async fn ask(&self, path: &str) -> Response {
        let refusal = u16::try_from(self.refusal.load(Ordering::Relaxed)).unwrap();
        if refusal > 0 {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return StatusCode::from_u16(refusal).unwrap().into_response();
        }
        let answer = reqwest::get(format!("{}/{path}", self.real)).await.unwrap();
        let status = answer.status();
        (status, answer.text().await.unwrap()).into_response()
    }
}

/// A topic of levels that nobody else reads, with one partition, and a group for it.
struct Apart {
    stack: Stack,
    kafka: KafkaConfig,
    prefix: String,
    group: String,
}

impl Apart {
    async fn new(name: &str) -> Self {
        let stack = Stack::from_env().unwrap();
        let unique = uuid::Uuid::now_v7().simple();
        let apart = Self {
            kafka: KafkaConfig {
                brokers: stack.brokers.clone(),
                ..KafkaConfig::default()
            },
            stack,
            prefix: format!("apart.{name}-{unique}"),
            group: format!("apart.{name}-{unique}"),
        };
        apart.make(apart.topic(), "12000000").await;
        apart
    }

    fn topic(&self) -> String {
        format!("{}.stock_level", self.prefix)
    }

    fn dead_letters(&self) -> String {
        topics::dlq(&self.topic(), &self.group)
    }

    async fn make(&self, name: String, max_bytes: &'static str) {
        let spec = TopicSpec {
            name,
            partitions: 1,
            config: vec![("max.message.bytes", max_bytes)],
        };
        topics::ensure_these(&self.kafka, &[spec]).await.unwrap();
    }

    fn consumer(&self, registry: Option<String>) -> Consumer {
        let mut settings = vec![
            ("ONHAND_RUNTIME__TOPIC_PREFIX", self.prefix.clone()),
            ("ONHAND_RUNTIME__GROUP_ID", self.group.clone()),
        ];
        settings.extend(registry.map(|url| ("ONHAND_REGISTRY__URL", url)));
        Consumer::start(&self.stack, "cache", &settings).unwrap()
    }

    fn group(&self) -> Group {
        Group {
            brokers: self.stack.brokers.clone(),
            name: self.group.clone(),
            topics: vec![self.topic()],
        }
    }

    async fn produce(&self, records: &[RawRecord]) {
        self.stack.produce_all(&self.topic(), records).await.unwrap();
    }

    fn letters(&self) -> Vec<RawRecord> {
        self.stack.records(&self.dead_letters()).unwrap()
    }
}

fn record(key: &str, value: Vec<u8>) -> RawRecord {
    RawRecord {
        key: Some(key.as_bytes().to_vec()),
        value: Some(value),
        headers: vec![("who".to_owned(), b"a test".to_vec())],
    }
}

fn header<'a>(letter: &'a RawRecord, name: &str) -> &'a str {
    let found = letter.headers.iter().find(|(header, _)| header == name);
    std::str::from_utf8(&found.unwrap().1).unwrap()
}

/// The value of a change that stands in the stack's topic of levels.
async fn real_change(stack: &Stack, sku: &str) -> Vec<u8> {
    let id = stack.stocked_item(sku, &["FLOW-W1"], 50).await.unwrap();
    eventually("the item is in Redis", || async {
        Ok(stack.cached_version(&id, "FLOW-W1").await? > 0)
    })
    .await
    .unwrap();
    let mut values = stack
        .records("onhand.inventory.stock_level")
        .unwrap()
        .into_iter()
        .filter_map(|record| record.value);
    values
        .find(|value| value.windows(id.len()).any(|window| window == id.as_bytes()))
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn f24_a_registry_that_refuses_is_waited_for_and_one_that_lost_an_id_gives_only_its_record_up() {
    const LOST: u32 = 2_000_000_001;
    let apart = Apart::new("registry").await;
    let good = real_change(&apart.stack, "FLOW-APART").await;
    let (_, body) = decode::split_frame(&good).unwrap();
    let lost = record("lost", decode::frame(LOST, body));
    let large = record("large", [&[1][..], &vec![0x5a; 10_000_000]].concat());
    let good = record("good", good);

    let (registry, url) = Registry::start(LOST).await;
    registry.refusal.store(401, Ordering::Relaxed);
    let consumer = apart.consumer(Some(url));
    apart
        .produce(&[good.clone(), lost.clone(), large.clone(), good.clone()])
        .await;
    eventually("its readiness names the refusal", || consumer.waits("decode", "401"))
        .await
        .unwrap();
    registry.refusal.store(403, Ordering::Relaxed);
    eventually("it waits on", || consumer.waits("decode", "403"))
        .await
        .unwrap();
    assert!(registry.refused.load(Ordering::Relaxed) >= 2);
    assert!(apart.letters().is_empty(), "a refusal is nothing against a record");

    registry.refusal.store(0, Ordering::Relaxed);
    apart.group().caught_up().await.unwrap();
    eventually("it is well again", || async {
        Ok(consumer.probe("ready").await?.0 == 200)
    })
    .await
    .unwrap();
    let letters = apart.letters();
    for sent in [&lost, &large] {
        let mut found = letters.iter().filter(|letter| letter.key == sent.key);
        let letter = found.next().expect("the bad record is among the dead letters");
        assert!(letter.value == sent.value, "byte for byte");
        assert!(letter.headers.starts_with(&sent.headers), "{:?}", letter.headers);
        assert!(found.next().is_none(), "it is there once");
    }
    assert_eq!(letters.len(), 2, "the good ones are not");
    let letter = letters.iter().find(|letter| letter.key == lost.key).unwrap();
    assert!(header(letter, "error").contains("is not in the registry"));
    assert!(
        header(letter, "retry_count").parse::<u32>().unwrap() > 0,
        "it was waited for"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn f21_a_dead_letter_that_does_not_fit_ends_the_consumer_and_is_kept_when_there_is_room() {
    let apart = Apart::new("narrow").await;
    let dead_letters = apart.dead_letters();
    apart.make(dead_letters.clone(), "4000").await;
    let small = record("small", vec![1; 500]);
    let large = record("large", vec![1; 8_000]);
    apart.produce(&[small.clone(), large.clone()]).await;

    let mut consumer = apart.consumer(None);
    eventually("it ends", || {
        std::future::ready(consumer.ended().map(|ended| ended.is_some()))
    })
    .await
    .unwrap();
    assert!(!consumer.ended().unwrap().unwrap().success());
    let said = consumer.said().unwrap();
    assert!(
        said.contains(&format!("does not fit into {dead_letters}: raise max.message.bytes")),
        "{said}"
    );
    assert!(apart.group().lag().unwrap() > 0, "the record is not passed over");

    let admin: AdminClient<DefaultClientContext> = apart.kafka.client().create().unwrap();
    let wider = AlterConfig::new(ResourceSpecifier::Topic(&dead_letters)).set("max.message.bytes", "20000");
    let altered = admin.alter_configs(&[wider], &AdminOptions::new()).await.unwrap();
    assert!(altered.iter().all(Result::is_ok), "{altered:?}");
    let _consumer = apart.consumer(None);
    apart.group().caught_up().await.unwrap();
    let letters = apart.letters();
    for sent in [small, large] {
        let kept = |letter: &RawRecord| letter.key == sent.key && letter.value == sent.value;
        assert!(letters.iter().any(kept), "{:?}", sent.key);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f22_a_flood_of_schema_ids_that_nobody_knows_is_over_in_seconds() {
    const RECORDS: u32 = 5_000;
    const IDS: u32 = 500;
    let apart = Apart::new("flood").await;
    let good = record("good", real_change(&apart.stack, "FLOW-FLOOD").await);
    let flood = (0..RECORDS).map(|n| {
        // A registry gives ids out from 1.
        let id = 2_010_000_000 + n % IDS;
        record(&n.to_string(), decode::frame(id, b"x"))
    });
    let records: Vec<RawRecord> = flood.chain([good]).collect();
    apart.produce(&records).await;
    let begun = std::time::Instant::now();
    let _consumer = apart.consumer(None);
    apart.group().caught_up().await.unwrap();
    let took = begun.elapsed();
    println!("{RECORDS} records with {IDS} unknown ids took {took:?}");
    assert_eq!(apart.letters().len(), records.len() - 1, "all but the good one");
    assert!(took < std::time::Duration::from_secs(40), "it took {took:?}");
}
