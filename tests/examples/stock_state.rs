//! Builds the table of balances from the topic `inventory.state`, and prints its rows as lines of JSON.
//!
//! ```text
//! cargo run --package onhand-tests --example stock_state -- 127.0.0.1:17092 http://127.0.0.1:17081/apis/ccompat/v7
//! ```
//!
//! Takes nothing from Onhand: rdkafka, apache-avro, reqwest and serde_json are what any reader has.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::{Message, Offset, TopicPartitionList};
use serde_json::Value;

const TOPIC: &str = "inventory.state";

/// The schemas of a registry, each fetched once.
struct Schemas {
    base: String,
    known: HashMap<u32, Schema>,
}

impl Schemas {
    async fn decode(&mut self, framed: &[u8]) -> Result<Value> {
        let [0, a, b, c, d, body @ ..] = framed else {
            bail!("not in the Confluent frame");
        };
        let id = u32::from_be_bytes([*a, *b, *c, *d]);
        if !self.known.contains_key(&id) {
            let schema = self.fetch(id).await.with_context(|| format!("schema {id}"))?;
            self.known.insert(id, schema);
        }
        let schema = self.known.get(&id).context("no schema")?;
        let datum = GenericDatumReader::builder(schema).build()?.read_value(&mut &*body)?;
        Ok(Value::try_from(datum)?)
    }

    async fn fetch(&self, id: u32) -> Result<Schema> {
        let url = format!("{}/schemas/ids/{id}", self.base);
        let answer: Value = reqwest::get(url).await?.error_for_status()?.json().await?;
        let text = answer.get("schema").and_then(Value::as_str).context("no text")?;
        Ok(Schema::parse_str(text)?)
    }
}

/// The newest state of each item at each location, by key, as far as the topic goes now.
pub(crate) async fn states(brokers: &str, registry: &str) -> Result<BTreeMap<String, Value>> {
    let consumer: StreamConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        // The client asks for a name, though nothing is committed under it.
        .set("group.id", "example-stock-state")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .create()?;
    let mut open = assign(&consumer)?;
    let mut schemas = Schemas {
        base: registry.trim_end_matches('/').to_owned(),
        known: HashMap::new(),
    };
    let mut table: BTreeMap<String, Value> = BTreeMap::new();
    while !open.is_empty() {
        let message = match consumer.recv().await {
            Err(KafkaError::PartitionEOF(partition)) => {
                open.remove(&partition);
                continue;
            }
            message => message?,
        };
        let key = String::from_utf8_lossy(message.key().unwrap_or_default()).into_owned();
        let Some(framed) = message.payload() else {
            table.remove(&key);
            continue;
        };
        let state = schemas.decode(framed).await?;
        // What comes again, or late, is not newer.
        if version(Some(&state)) >= version(table.get(&key)) {
            table.insert(key, state);
        }
    }
    Ok(table)
}

fn version(state: Option<&Value>) -> Option<i64> {
    state?.get("version")?.as_i64()
}

/// Reads every partition from its beginning, and says which there are.
fn assign(consumer: &StreamConsumer) -> Result<BTreeSet<i32>> {
    let metadata = consumer.fetch_metadata(Some(TOPIC), Duration::from_secs(10))?;
    let topic = metadata.topics().first().context("no such topic")?;
    let partitions: BTreeSet<i32> = topic.partitions().iter().map(|partition| partition.id()).collect();
    let mut places = TopicPartitionList::new();
    for partition in &partitions {
        places.add_partition_offset(TOPIC, *partition, Offset::Beginning)?;
    }
    consumer.assign(&places)?;
    Ok(partitions)
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(brokers), Some(registry)) = (arguments.next(), arguments.next()) else {
        bail!("usage: stock_state BROKERS REGISTRY");
    };
    for state in states(&brokers, &registry).await?.values() {
        println!("{state}");
    }
    Ok(())
}
