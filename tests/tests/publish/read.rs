//! The public topics as a Rust client reads them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use anyhow::{Context, Result};
use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use onhand_cdc::decode::split_frame;
use onhand_cdc::registry::SchemaFormat;
use onhand_cdc::{RegistryClient, RegistryConfig, schemas};
use onhand_tests::inbound::with_keys;
use onhand_tests::kafka::Tail;
use onhand_tests::stack::Stack;
use serde_json::Value;

/// A record, decoded.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Read {
    pub(super) topic: String,
    pub(super) key: String,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) value: Value,
}

impl Read {
    /// The same record as the Python client printed it.
    pub(super) fn from_line(line: &Value) -> Result<Self> {
        Ok(Self {
            topic: line["topic"].as_str().context("no topic")?.to_owned(),
            key: line["key"].as_str().unwrap_or_default().to_owned(),
            headers: serde_json::from_value(line["headers"].clone())?,
            value: line["value"].clone(),
        })
    }

    /// Id of the event.
    pub(super) fn id(&self) -> &str {
        &self.headers["ce_id"]
    }

    /// Item and location that it is about, from the headers.
    pub(super) fn subject(&self) -> (String, String) {
        let (item, location) = self.headers["ce_subject"]
            .split_once('/')
            .unwrap_or((&self.headers["ce_subject"], ""));
        (item.to_owned(), location.to_owned())
    }
}

/// Reads topics with the schemas of the registry.
pub(super) struct Reader {
    registry: RegistryClient,
    schemas: HashMap<u32, Schema>,
    topics: HashMap<String, (Tail, Vec<Read>)>,
}

impl Reader {
    pub(super) fn new(url: &str) -> Result<Self> {
        let config = RegistryConfig {
            url: url.to_owned(),
            ..RegistryConfig::default()
        };
        Ok(Self {
            registry: RegistryClient::new(&config)?,
            schemas: HashMap::new(),
            topics: HashMap::new(),
        })
    }

    async fn learn(&mut self, id: u32) -> Result<()> {
        if !self.schemas.contains_key(&id) {
            let text = self.registry.schema_by_id(id).await?;
            self.schemas.insert(id, Schema::parse_str(&text)?);
        }
        Ok(())
    }

    async fn avro(&mut self, bytes: &[u8]) -> Result<Value> {
        let (id, mut body) = split_frame(bytes)?;
        self.learn(id).await?;
        let value = GenericDatumReader::builder(&self.schemas[&id])
            .build()?
            .read_value(&mut body)?;
        Ok(Value::try_from(value)?)
    }

    /// The values under this key, by a reader that is built for the schema in a file.
    pub(super) async fn again_as(&mut self, stack: &Stack, topic: &str, key: &str, file: &Path) -> Result<Vec<Value>> {
        let built_for = Schema::parse_str(&std::fs::read_to_string(file)?)?;
        let mut values = Vec::new();
        for record in with_keys(stack, topic, &[key.to_owned()])? {
            let bytes = record.value.context("a record without value")?;
            let (id, mut body) = split_frame(&bytes)?;
            self.learn(id).await?;
            let value = GenericDatumReader::builder(&self.schemas[&id])
                .reader_schema(&built_for)
                .build()?
                .read_value(&mut body)?;
            values.push(Value::try_from(value)?);
        }
        Ok(values)
    }

    /// The records of a public topic that are about these items, which are the same in every call.
    pub(super) async fn topic(&mut self, stack: &Stack, topic: &str, items: &BTreeSet<String>) -> Result<Vec<Read>> {
        let (mut tail, mut reads) = self
            .topics
            .remove(topic)
            .unwrap_or_else(|| (Tail::new(&stack.brokers, topic), Vec::new()));
        reads.extend(self.read_on(&mut tail, topic, items).await?);
        self.topics.insert(topic.to_owned(), (tail, reads.clone()));
        Ok(reads)
    }

    async fn read_on(&mut self, tail: &mut Tail, topic: &str, items: &BTreeSet<String>) -> Result<Vec<Read>> {
        let subject = format!("{topic}-value");
        let file = schemas::FILES
            .iter()
            .find(|file| file.subject() == subject)
            .context("a topic without a schema")?;
        let mut found = Vec::new();
        for record in tail.read()? {
            let headers: BTreeMap<String, String> = record
                .headers
                .into_iter()
                .map(|(name, value)| (name, String::from_utf8_lossy(&value).into_owned()))
                .collect();
            let Some(about) = headers.get("ce_subject") else {
                continue;
            };
            if !items.contains(about.split('/').next().unwrap()) {
                continue;
            }
            let bytes = record.value.context("a record without value")?;
            let value = match file.format() {
                SchemaFormat::Avro => self.avro(&bytes).await?,
                SchemaFormat::Json => serde_json::from_slice(&bytes)?,
            };
            let key = String::from_utf8(record.key.context("a record without key")?)?;
            found.push(Read {
                topic: topic.to_owned(),
                key,
                headers,
                value,
            });
        }
        Ok(found)
    }

    /// Location and version of the movements of each item, in the order of the change topic, each once.
    pub(super) async fn captured(&mut self, stack: &Stack, items: &BTreeSet<String>) -> Result<Order> {
        let mut order = Order::new();
        for record in stack.records("onhand.inventory.stock_movement")? {
            // Other tests leave garbage there.
            let Some(Ok(change)) = self.decoded(record.value.as_deref()).await else {
                continue;
            };
            let row = &change["after"];
            let Some(item) = row["item_id"].as_str().filter(|item| items.contains(*item)) else {
                continue;
            };
            let place = (
                row["location_id"].as_str().unwrap().to_owned(),
                row["version"].as_i64().unwrap(),
            );
            let known = order.entry(item.to_owned()).or_default();
            if !known.contains(&place) {
                known.push(place);
            }
        }
        Ok(order)
    }

    async fn decoded(&mut self, bytes: Option<&[u8]>) -> Option<Result<Value>> {
        Some(self.avro(bytes?).await)
    }
}

/// Location and version, by item.
pub(super) type Order = BTreeMap<String, Vec<(String, i64)>>;

/// Records of each topic and key in their order.
pub(super) fn by_key(reads: &[Read]) -> BTreeMap<(String, String), Vec<&Read>> {
    let mut groups: BTreeMap<_, Vec<&Read>> = BTreeMap::new();
    for read in reads {
        groups
            .entry((read.topic.clone(), read.key.clone()))
            .or_default()
            .push(read);
    }
    groups
}

/// Each event once, at its first place. The same id always stands on the same value.
pub(super) fn distinct<'r>(reads: impl IntoIterator<Item = &'r Read>) -> Vec<&'r Read> {
    let mut known: HashMap<&str, &Read> = HashMap::new();
    let mut first = Vec::new();
    for read in reads {
        match known.get(read.id()) {
            Some(before) => assert_eq!(
                before.value,
                read.value,
                "{}: another event under the id {}",
                read.topic,
                read.id()
            ),
            None => {
                known.insert(read.id(), read);
                first.push(read);
            }
        }
    }
    first
}
