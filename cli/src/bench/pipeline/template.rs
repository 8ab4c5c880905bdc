//! Change events that the connector might have written: a real record is read, and others are made of it with other keys,
//! versions and quantities. Schemas, frames and field order stay those of the registry and the converter.

use anyhow::{Context, Result, bail};
use apache_avro::Schema;
use apache_avro::types::Value;
use apache_avro::writer::datum::GenericDatumWriter;
use onhand_cdc::RegistryClient;
use onhand_cdc::decode::{frame, split_frame};
use uuid::Uuid;

/// A stock level after a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Level {
    /// Item.
    pub(super) item: Uuid,
    /// Location.
    pub(super) location: String,
    /// Version of the row.
    pub(super) version: i64,
    /// Units there.
    pub(super) on_hand: i64,
    /// Units held.
    pub(super) reserved: i64,
    /// When it was committed, milliseconds since 1970.
    pub(super) at_ms: i64,
}

/// Key and value of a record of `stock_level`.
#[derive(Debug)]
pub(super) struct Template {
    key: Shape,
    value: Shape,
}

/// One half of a record: what it says, and in which schema.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) id: u32,
    pub(super) text: String,
    schema: Schema,
    value: Value,
}

impl Shape {
    fn new(id: u32, text: String, body: &[u8]) -> Result<Self> {
        let schema = Schema::parse_str(&text)?;
        let mut rest = body;
        let value = apache_avro::reader::datum::GenericDatumReader::builder(&schema)
            .build()?
            .read_value(&mut rest)?;
        Ok(Self {
            id,
            text,
            schema,
            value,
        })
    }

    async fn fetch(registry: &RegistryClient, bytes: &[u8]) -> Result<Self> {
        let (id, body) = split_frame(bytes)?;
        Self::new(id, registry.schema_by_id(id).await?, body)
    }
}

impl Template {
    /// From the bytes of a real record.
    pub(super) async fn fetch(registry: &RegistryClient, key: &[u8], value: &[u8]) -> Result<Self> {
        Ok(Self {
            key: Shape::fetch(registry, key).await.context("key of a record")?,
            value: Shape::fetch(registry, value).await.context("value of a record")?,
        })
    }

    /// The value and its schema.
    pub(super) fn value(&self) -> &Shape {
        &self.value
    }

    /// Writes records of this shape.
    pub(super) fn writer(&self) -> Result<Writer<'_>> {
        Ok(Writer {
            key: Half::new(&self.key)?,
            value: Half::new(&self.value)?,
        })
    }
}

/// Makes records.
pub(super) struct Writer<'a> {
    key: Half<'a>,
    value: Half<'a>,
}

struct Half<'a> {
    id: u32,
    datum: GenericDatumWriter<'a>,
    value: Value,
}

impl<'a> Half<'a> {
    fn new(shape: &'a Shape) -> Result<Self> {
        Ok(Self {
            id: shape.id,
            datum: GenericDatumWriter::builder(&shape.schema).validate(false).build()?,
            value: shape.value.clone(),
        })
    }

    fn bytes(&self) -> Result<Vec<u8>> {
        let mut body = Vec::with_capacity(512);
        self.datum.write_value_ref(&mut body, &self.value)?;
        Ok(frame(self.id, &body))
    }
}

impl Writer<'_> {
    /// Key and value of the record that says so.
    pub(super) fn write(&mut self, level: &Level) -> Result<(Vec<u8>, Vec<u8>)> {
        let item = || Value::String(level.item.to_string());
        let location = || Value::String(level.location.clone());
        set(&mut self.key.value, &["item_id"], item())?;
        set(&mut self.key.value, &["location_id"], location())?;
        let available = level.on_hand.saturating_sub(level.reserved);
        let status = if available > 0 { "in_stock" } else { "out_of_stock" };
        let value = &mut self.value.value;
        set(value, &["after", "item_id"], item())?;
        set(value, &["after", "location_id"], location())?;
        for (name, number) in [
            ("version", level.version),
            ("on_hand", level.on_hand),
            ("reserved", level.reserved),
            ("available", available),
        ] {
            set(value, &["after", name], Value::Long(number))?;
        }
        set(value, &["after", "status"], Value::String(status.to_owned()))?;
        set(value, &["source", "ts_ms"], Value::Long(level.at_ms))?;
        set(
            value,
            &["source", "ts_us"],
            Value::Long(level.at_ms.saturating_mul(1_000)),
        )?;
        Ok((self.key.bytes()?, self.value.bytes()?))
    }
}

/// Puts something else into the place of a field. Where the field may be null, it must not be null in the template.
fn set(value: &mut Value, path: &[&str], new: Value) -> Result<()> {
    match (value, path) {
        (Value::Union(_, inner), _) => set(inner, path, new),
        (Value::Record(fields), [name, rest @ ..]) => {
            let Some((_, field)) = fields.iter_mut().find(|(field, _)| field == name) else {
                bail!("records of stock_level have no field {name}");
            };
            set(field, rest, new)
        }
        (old, []) if std::mem::discriminant(old) == std::mem::discriminant(&new) => {
            *old = new;
            Ok(())
        }
        (old, _) => bail!("{path:?} cannot be set: {old:?} stands there"),
    }
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used)]
    use onhand_cdc::{Change, Decoder, RegistryConfig, Table};
    use serde_json::{Value as Json, json};

    use super::*;

    fn long(name: &str) -> Json {
        json!({"name": name, "type": {"type": "long", "connect.default": 0}, "default": 0})
    }

    fn text(name: &str) -> Json {
        json!({"name": name, "type": "string"})
    }

    fn maybe(name: &str, kind: &str) -> Json {
        json!({"name": name, "type": ["null", kind], "default": null})
    }

    fn envelope() -> Json {
        let numbers = [
            "on_hand",
            "reserved",
            "safety_stock",
            "reorder_point",
            "available",
            "version",
        ];
        let mut columns = vec![text("item_id"), text("location_id"), text("policy"), text("status")];
        columns.extend(numbers.map(long));
        columns.extend([maybe("next_hold_at", "string"), text("last_movement_at")]);
        json!({"type": "record", "name": "Envelope", "namespace": "onhand.inventory.stock_level", "fields": [
            {"name": "before", "default": null, "type": ["null", {"type": "record", "name": "Value", "fields": columns}]},
            {"name": "after", "type": ["null", "Value"], "default": null},
            {"name": "source", "type": {"type": "record", "name": "Source", "namespace": "io.debezium", "fields": [
                text("version"), {"name": "ts_ms", "type": "long"}, maybe("ts_us", "long"), maybe("lsn", "long")]}},
            text("op"), maybe("ts_ms", "long"),
        ]})
    }

    fn some(value: Value) -> Value {
        Value::Union(1, Box::new(value))
    }

    fn none() -> Value {
        Value::Union(0, Box::new(Value::Null))
    }

    fn record(fields: Vec<(&str, Value)>) -> Value {
        Value::Record(
            fields
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        )
    }

    fn string(text: &str) -> Value {
        Value::String(text.to_owned())
    }

    /// A record as the connector would write it.
    pub(in super::super) fn template() -> Template {
        let row = record(vec![
            ("item_id", string(&Uuid::nil().to_string())),
            ("location_id", string("W1")),
            ("policy", string("deny")),
            ("status", string("in_stock")),
            ("on_hand", Value::Long(1)),
            ("reserved", Value::Long(0)),
            ("safety_stock", Value::Long(0)),
            ("reorder_point", Value::Long(0)),
            ("available", Value::Long(1)),
            ("version", Value::Long(1)),
            ("next_hold_at", none()),
            ("last_movement_at", string("2026-11-21T04:00:00.123456Z")),
        ]);
        let source = record(vec![
            ("version", string("3.5.0")),
            ("ts_ms", Value::Long(1)),
            ("ts_us", some(Value::Long(1_000))),
            ("lsn", none()),
        ]);
        let value = record(vec![
            ("before", none()),
            ("after", some(row)),
            ("source", source),
            ("op", string("u")),
            ("ts_ms", some(Value::Long(2))),
        ]);
        let key = record(vec![("item_id", string("x")), ("location_id", string("y"))]);
        let key_schema = json!({"type": "record", "name": "Key", "fields": [text("item_id"), text("location_id")]});
        let shape = |id: u32, schema: Json, value: Value| {
            let parsed = Schema::parse_str(&schema.to_string()).unwrap();
            let body = GenericDatumWriter::builder(&parsed).build().unwrap();
            let body = body.write_value_to_vec(value).unwrap();
            Shape::new(id, schema.to_string(), &body).unwrap()
        };
        Template {
            key: shape(3, key_schema, key),
            value: shape(4, envelope(), value),
        }
    }

    pub(in super::super) fn level(version: i64) -> Level {
        Level {
            item: Uuid::from_u128(7),
            location: "BENCH-2".to_owned(),
            version,
            on_hand: 10,
            reserved: 10,
            at_ms: 1_700_000_000_000,
        }
    }

    #[test]
    fn a_record_that_is_made_says_what_it_should() {
        let template = template();
        let (key, value) = template.writer().unwrap().write(&level(5)).unwrap();
        assert_eq!(split_frame(&key).unwrap().0, 3);
        let decoder = Decoder::new(RegistryClient::new(&RegistryConfig::default()).unwrap());
        decoder.insert_schema(4, &template.value().text).unwrap();
        let change = decoder.decode_cached(Table::StockLevel, &value).unwrap().unwrap();
        assert_eq!(change.source().ts_us, Some(1_700_000_000_000_000));
        let Change::StockLevel(change) = change else {
            panic!("{change:?}")
        };
        let row = change.after.unwrap();
        assert_eq!((row.item_id, row.location_id.as_str()), (Uuid::from_u128(7), "BENCH-2"));
        assert_eq!(
            (row.version.get(), row.available, row.status.as_str()),
            (5, 0, "out_of_stock")
        );
        assert_eq!(row.last_movement_at.unwrap().to_string(), "2026-11-21T04:00:00.123456Z");
    }

    #[test]
    fn a_field_that_is_not_there_or_of_another_kind_is_refused() {
        let mut value = template().value.value;
        assert!(set(&mut value, &["after", "colour"], Value::Long(1)).is_err());
        assert!(set(&mut value, &["after", "version"], string("one")).is_err());
        assert!(set(&mut value, &["before", "version"], Value::Long(1)).is_err());
    }
}
