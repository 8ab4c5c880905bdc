//! What other systems send, as the tests send it: Avro by the contracts, many records at once, and what came of them.

use crate::kafka::RawRecord;
use crate::stack::Stack;
use anyhow::{Context, Result, bail, ensure};
use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value as Avro;
use apache_avro::writer::datum::GenericDatumWriter;
use onhand_cdc::{RegistryClient, RegistryConfig, decode, schemas, topics};
use onhand_db::tokio_postgres::{Client, NoTls};
use serde_json::{Value, json};
use std::collections::HashMap;

/// A contract and its id in the registry of the stack.
#[derive(Debug, Clone)]
pub struct Contract {
    /// Id in the frame.
    pub id: u32,
    schema: Schema,
}

impl Contract {
    /// Registers a schema under a subject, or finds it there.
    ///
    /// # Errors
    /// If the registry refuses it or cannot be reached.
    pub async fn register(subject: &str, text: &str) -> Result<Self> {
        let config = RegistryConfig {
            url: std::env::var("ONHAND_REGISTRY__URL").context("ONHAND_REGISTRY__URL is not set")?,
            ..RegistryConfig::default()
        };
        Ok(Self {
            id: RegistryClient::new(&config)?.register(subject, text).await?,
            schema: Schema::parse_str(text)?,
        })
    }

    /// One of our own, by its file.
    ///
    /// # Errors
    /// If there is no such file, or the registry cannot be reached.
    pub async fn own(path: &str) -> Result<Self> {
        let file = schemas::FILES
            .iter()
            .find(|file| file.path == path)
            .with_context(|| format!("no contract {path}"))?;
        Self::register(&file.subject(), file.text).await
    }

    /// A framed value; fields that are left out have their default.
    ///
    /// # Errors
    /// If the fields do not fit the schema.
    pub fn encode(&self, fields: &Value) -> Result<Vec<u8>> {
        let writer = GenericDatumWriter::builder(&self.schema).build()?;
        let body = writer.write_value_to_vec(avro(&self.schema, fields)?)?;
        Ok(decode::frame(self.id, &body))
    }

    /// The fields of a framed value; bytes as hexadecimal digits.
    ///
    /// # Errors
    /// If it was not written with this schema.
    pub fn read(&self, framed: &[u8]) -> Result<Value> {
        let (id, mut body) = decode::split_frame(framed)?;
        ensure!(id == self.id, "schema id {id}, not {}", self.id);
        let value = GenericDatumReader::builder(&self.schema)
            .build()?
            .read_value(&mut body)?;
        Ok(plain(&value))
    }
}

fn avro(schema: &Schema, value: &Value) -> Result<Avro> {
    Ok(match schema {
        Schema::Record(record) => {
            let fields = record.fields.iter().map(|field| {
                let value = value.get(&field.name).unwrap_or(&Value::Null);
                Ok((field.name.clone(), avro(&field.schema, value)?))
            });
            Avro::Record(fields.collect::<Result<_>>()?)
        }
        Schema::Union(_) if value.is_null() => Avro::Union(0, Box::new(Avro::Null)),
        Schema::Union(union) => {
            let inner = union.variants().get(1).context("a union of one")?;
            Avro::Union(1, Box::new(avro(inner, value)?))
        }
        Schema::Enum(symbols) => {
            let symbol = value.as_str().context("no symbol")?;
            let index = symbols.symbols.iter().position(|known| known == symbol);
            Avro::Enum(u32::try_from(index.context("an unknown symbol")?)?, symbol.to_owned())
        }
        Schema::Array(array) => {
            let items = value.as_array().into_iter().flatten();
            Avro::Array(items.map(|item| avro(&array.items, item)).collect::<Result<_>>()?)
        }
        Schema::Map(map) => {
            let entries = value.as_object().into_iter().flatten();
            Avro::Map(
                entries
                    .map(|(key, value)| Ok((key.clone(), avro(&map.types, value)?)))
                    .collect::<Result<_>>()?,
            )
        }
        Schema::String => Avro::String(value.as_str().context("no text")?.to_owned()),
        Schema::Int => Avro::Int(i32::try_from(value.as_i64().context("no number")?)?),
        Schema::Long => Avro::Long(value.as_i64().context("no number")?),
        Schema::TimestampMillis => Avro::TimestampMillis(value.as_i64().context("no number")?),
        other => bail!("not needed so far: {other:?}"),
    })
}

fn plain(value: &Avro) -> Value {
    match value {
        Avro::Record(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), plain(value)))
            .collect(),
        Avro::Union(_, inner) => plain(inner),
        Avro::String(text) | Avro::Enum(_, text) => json!(text),
        Avro::Int(number) => json!(number),
        Avro::Long(number) | Avro::TimestampMillis(number) => json!(number),
        Avro::Bytes(bytes) => json!(hex(bytes)),
        _ => Value::Null,
    }
}

/// Bytes as hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A record with this key and value.
#[must_use]
pub fn record(key: &str, value: Vec<u8>) -> RawRecord {
    RawRecord {
        key: Some(key.as_bytes().to_vec()),
        value: Some(value),
        headers: Vec::new(),
    }
}

/// The inventory by SQL, as the application sees it.
pub struct Inventory {
    client: Client,
}

impl Inventory {
    /// Connects with the application's login.
    ///
    /// # Errors
    /// If Postgres cannot be reached.
    pub async fn connect(stack: &Stack) -> Result<Self> {
        let (client, connection) = onhand_db::tokio_postgres::connect(&stack.database, NoTls).await?;
        tokio::spawn(connection);
        Ok(Self { client })
    }

    /// Makes an item with so many units at each location; answers its id.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn stock(&self, sku: &str, locations: &[&str], quantity: i64) -> Result<String> {
        self.client
            .execute("select from api.upsert_item(sku => $1, name => $1)", &[&sku])
            .await?;
        for location in locations {
            self.client
                .execute("select from api.upsert_location(id => $1, name => $1)", &[location])
                .await?;
            if quantity > 0 {
                self.client
                    .execute("select from api.add_stock($1, $2, $3)", &[&sku, location, &quantity])
                    .await?;
            }
        }
        let row = self
            .client
            .query_one("select i.id::text from inventory.item as i where i.sku = $1", &[&sku])
            .await?;
        Ok(row.get(0))
    }

    /// `on_hand`, `reserved` and `damaged` of a level.
    ///
    /// # Errors
    /// If it has no row.
    pub async fn level(&self, sku: &str, location: &str) -> Result<(i64, i64, i64)> {
        let row = self
            .client
            .query_one(
                "select s.on_hand, s.reserved, s.damaged from inventory.stock_level as s \
                 join inventory.item as i on i.id = s.item_id where i.sku = $1 and s.location_id = $2",
                &[&sku, &location],
            )
            .await?;
        Ok((row.get(0), row.get(1), row.get(2)))
    }

    /// How many movements each of these references has.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn movements(&self, references: &[String]) -> Result<HashMap<String, i64>> {
        let rows = self
            .client
            .query(
                "select m.reference, count(*) from inventory.stock_movement as m where m.reference = any($1) group by 1",
                &[&references],
            )
            .await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    /// One text out of a query with one parameter; `None` if there is no row.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn text(&self, query: &str, parameter: &str) -> Result<Option<String>> {
        let row = self.client.query_opt(query, &[&parameter]).await?;
        Ok(row.and_then(|row| row.get(0)))
    }
}

/// Records of a topic that have one of these keys, in the order of the topic.
///
/// # Errors
/// If Kafka cannot be read.
pub fn with_keys(stack: &Stack, topic: &str, keys: &[String]) -> Result<Vec<RawRecord>> {
    let wanted = |record: &RawRecord| keys.iter().any(|key| record.key.as_deref() == Some(key.as_bytes()));
    Ok(stack.records(topic)?.into_iter().filter(wanted).collect())
}

/// Failures that name one of these commands, by command id.
///
/// # Errors
/// If Kafka cannot be read.
pub fn failures(stack: &Stack, contract: &Contract, prefix: &str) -> Result<HashMap<String, Value>> {
    let mut found = HashMap::new();
    for record in stack.records(topics::STOCK_FAILURES)? {
        let Some(Ok(failure)) = record.value.as_deref().map(|value| contract.read(value)) else {
            continue;
        };
        let id = failure
            .get("command_id")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        if id.starts_with(prefix) {
            found.insert(id, failure);
        }
    }
    Ok(found)
}

/// The text of a header.
#[must_use]
pub fn header<'r>(record: &'r RawRecord, name: &str) -> Option<&'r str> {
    let mut found = record.headers.iter().rev().filter(|(key, _)| key == name);
    found.find_map(|(_, value)| std::str::from_utf8(value).ok())
}
