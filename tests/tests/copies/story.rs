//! What happened to rows: as events, as records, and as the log of Postgres tells it.

use anyhow::{Context, Result, bail};
use apache_avro::Schema;
use apache_avro::types::Value as Avro;
use apache_avro::writer::datum::GenericDatumWriter;
use onhand_cdc::decode::frame;
use onhand_cdc::{Change, Table};
use onhand_consumers::runtime::{Event, Record};
use onhand_tests::kafka::RawRecord;
use serde_json::{Value, json};
use uuid::Uuid;

/// A row of `stock_level` at location W1.
pub(crate) fn level(item: Uuid, version: i64, available: i64) -> Value {
    json!({
        "item_id": item, "location_id": "W1", "on_hand": available, "reserved": 0, "available": available,
        "status": if available > 0 { "in_stock" } else { "out_of_stock" }, "version": version,
    })
}

/// A row of `item`.
pub(crate) fn item(id: Uuid, version: i64, description: &str) -> Value {
    json!({"id": id, "sku": "A", "name": format!("name {version}"), "description": description, "version": version})
}

/// The change from one state of a row to another; null is none.
pub(crate) fn event(table: Table, offset: i64, before: &Value, after: &Value) -> Result<Event> {
    let op = match (before, after) {
        (_, Value::Null) => "d",
        (Value::Null, _) => "c",
        _ => "u",
    };
    let envelope = json!({"before": before, "after": after, "op": op, "source": {"ts_ms": 1}});
    let change = match table {
        Table::StockLevel => Change::StockLevel(serde_json::from_value(envelope)?),
        Table::Item => Change::Item(serde_json::from_value(envelope)?),
        other => bail!("no story is about {other}"),
    };
    let record = Record::new(&table.topic(), 0, offset);
    Ok(Event { record, change })
}

/// What a writer of changes of `stock_level` registers; further columns stand behind the others.
pub(crate) fn schema(further: &[Value]) -> String {
    let text = |name: &str| json!({"name": name, "type": "string"});
    let long = |name: &str| json!({"name": name, "type": "long"});
    let mut columns = vec![text("item_id"), text("location_id"), long("on_hand"), long("reserved")];
    columns.extend([long("available"), text("status"), long("version")]);
    columns.extend_from_slice(further);
    let row = json!({"type": "record", "name": "Value", "fields": columns});
    let source = json!({"type": "record", "name": "Source", "fields": [long("ts_ms")]});
    let fields = json!([
        {"name": "after", "type": ["null", row], "default": null}, {"name": "source", "type": source}, text("op"),
    ]);
    json!({"type": "record", "name": "Envelope", "fields": fields}).to_string()
}

/// A change of a row as a record, written by this schema. Columns that the row does not have are "blue".
pub(crate) fn record(schema_id: u32, schema: &str, row: &Value) -> Result<RawRecord> {
    let parsed = Schema::parse_str(schema)?;
    let plan: Value = serde_json::from_str(schema)?;
    let columns = plan["fields"][0]["type"][1]["fields"]
        .as_array()
        .context("no columns")?;
    let values = columns.iter().map(|column| {
        let name = column["name"].as_str().unwrap_or_default();
        let value = match &row[name] {
            Value::Number(number) => Avro::Long(number.as_i64().unwrap_or_default()),
            value => Avro::String(value.as_str().unwrap_or("blue").to_owned()),
        };
        (name.to_owned(), value)
    });
    let field = |name: &str, value| (name.to_owned(), value);
    let source = Avro::Record(vec![field("ts_ms", Avro::Long(1))]);
    let envelope = Avro::Record(vec![
        field("after", Avro::Union(1, Box::new(Avro::Record(values.collect())))),
        field("source", source),
        field("op", Avro::String("u".to_owned())),
    ]);
    let body = GenericDatumWriter::builder(&parsed)
        .build()?
        .write_value_to_vec(envelope)?;
    Ok(RawRecord {
        key: Some(row["item_id"].to_string().into_bytes()),
        value: Some(frame(schema_id, &body)),
        headers: Vec::new(),
    })
}

/// A row of `stock_level` in the words of `test_decoding`.
pub(crate) fn level_in_log(line: &str) -> Result<Value> {
    let text = |name: &str| column_in_log(line, name).with_context(|| format!("no {name} in {line}"));
    let long = |name: &str| Ok::<i64, anyhow::Error>(text(name)?.parse()?);
    Ok(json!({
        "item_id": text("item_id")?, "location_id": text("location_id")?, "on_hand": long("on_hand")?,
        "reserved": long("reserved")?, "available": long("available")?, "status": text("status")?,
        "version": long("version")?,
    }))
}

/// `name[type]:value`, where texts stand between quotes (and hold none, in these stories).
fn column_in_log<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(&format!(" {name}["))?;
    let (_, value) = rest.split_once("]:")?;
    match value.strip_prefix('\'') {
        Some(quoted) => quoted.split('\'').next(),
        None => value.split(' ').next(),
    }
}
