#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions
)]

use apache_avro::types::Value;
use apache_avro::{Schema, writer::datum::GenericDatumWriter};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::*;
use crate::RegistryConfig;
use crate::envelope::Operation;

const ITEM: &str = "018f0000-0000-7000-8000-000000000001";

fn decoder() -> Decoder {
    Decoder::new(RegistryClient::new(&RegistryConfig::default()).unwrap())
}

fn text(name: &str) -> Json {
    json!({"name": name, "type": "string"})
}

fn long(name: &str) -> Json {
    json!({"name": name, "type": {"type": "long", "connect.default": 0}, "default": 0})
}

fn maybe(name: &str, kind: &str) -> Json {
    json!({"name": name, "type": ["null", kind], "default": null})
}

/// The shape of what Debezium's Avro converter registers for `stock_level`.
fn envelope_schema(extra: &[Json]) -> String {
    let mut columns = vec![
        json!({"name": "item_id", "type": {"type": "string", "connect.version": 1, "connect.name": "io.debezium.data.Uuid"}}),
        text("location_id"),
    ];
    for name in [
        "on_hand",
        "reserved",
        "in_transit",
        "backordered",
        "damaged",
        "safety_stock",
        "reorder_point",
        "available",
    ] {
        columns.push(long(name));
    }
    columns.extend([text("policy"), text("status")]);
    columns.push(maybe("next_hold_at", "string"));
    columns.push(long("version"));
    columns.push(text("last_movement_at"));
    columns.extend(extra.iter().cloned());
    json!({
        "type": "record", "name": "Envelope", "namespace": "onhand.inventory.stock_level",
        "fields": [
            {"name": "before", "default": null, "type": ["null", {
                "type": "record", "name": "Value", "fields": columns,
                "connect.name": "onhand.inventory.stock_level.Value"}]},
            {"name": "after", "type": ["null", "Value"], "default": null},
            {"name": "source", "type": {
                "type": "record", "name": "Source", "namespace": "io.debezium.connector.postgresql",
                "fields": [text("version"), text("connector"), text("name"), {"name": "ts_ms", "type": "long"},
                    {"name": "snapshot", "default": "false", "type": [{"type": "string", "connect.default": "false"}, "null"]},
                    text("db"), maybe("sequence", "string"), maybe("ts_us", "long"), maybe("ts_ns", "long"),
                    text("schema"), text("table"), maybe("txId", "long"), maybe("lsn", "long"), maybe("xmin", "long")]}},
            {"name": "transaction", "default": null, "type": ["null", {
                "type": "record", "name": "block", "namespace": "event",
                "fields": [text("id"), {"name": "total_order", "type": "long"}, {"name": "data_collection_order", "type": "long"}]}]},
            {"name": "op", "type": "string"},
            maybe("ts_ms", "long"), maybe("ts_us", "long"), maybe("ts_ns", "long"),
        ]
    })
    .to_string()
}

fn row(version: i64) -> Json {
    json!({
        "item_id": ITEM, "location_id": "W1", "on_hand": 10, "reserved": 3, "in_transit": 0,
        "backordered": 0, "damaged": 0, "safety_stock": 1, "reorder_point": 2, "available": 7,
        "policy": "deny", "status": "in_stock", "next_hold_at": "2026-11-21T04:30:00.123456Z",
        "version": version, "last_movement_at": "2026-11-21T04:00:00Z", "colour": "red"
    })
}

fn event(before: Json, after: Json, op: &str) -> Json {
    json!({
        "before": before, "after": after, "op": op,
        "source": {"version": "3.5", "connector": "postgresql", "name": "onhand", "ts_ms": 1_700_000_000_000_i64,
            "snapshot": "false", "db": "onhand", "sequence": null, "ts_us": 1_700_000_000_000_123_i64, "ts_ns": null,
            "schema": "inventory", "table": "stock_level", "txId": 77, "lsn": 4242, "xmin": null},
        "transaction": {"id": "77:4242", "total_order": 1, "data_collection_order": 1},
        "ts_ms": 1_700_000_000_005_i64, "ts_us": null, "ts_ns": null
    })
}

/// Builds the value field by field, because the library's own resolution of unions guesses.
fn avro(schema: &Schema, json: &Json, all: &apache_avro::schema::ResolvedSchema<'_>) -> Value {
    match schema {
        Schema::Record(record) => Value::Record(
            record
                .fields
                .iter()
                .map(|f| (f.name.clone(), avro(&f.schema, &json[&f.name], all)))
                .collect(),
        ),
        Schema::Ref { name } => avro(all.get_names()[name], json, all),
        Schema::Union(union) => {
            let null = union.variants().iter().position(|v| *v == Schema::Null).unwrap();
            let other = 1 - null;
            if json.is_null() {
                Value::Union(null as u32, Box::new(Value::Null))
            } else {
                let inner = avro(&union.variants()[other], json, all);
                Value::Union(other as u32, Box::new(inner))
            }
        }
        Schema::Long => Value::Long(json.as_i64().unwrap()),
        Schema::String => Value::String(json.as_str().unwrap().to_owned()),
        other => panic!("not needed here: {other:?}"),
    }
}

fn encode(schema: &str, event: &Json) -> Vec<u8> {
    let schema = Schema::parse_str(schema).unwrap();
    let resolved = apache_avro::schema::ResolvedSchema::try_from(&schema).unwrap();
    let value = avro(&schema, event, &resolved);
    GenericDatumWriter::builder(&schema)
        .build()
        .unwrap()
        .write_value_to_vec(value)
        .unwrap()
}

pub(super) fn decode(decoder: &Decoder, bytes: &[u8]) -> Result<Change, DecodeError> {
    decoder
        .decode_cached(Table::StockLevel, bytes)
        .expect("the schema is known")
}

fn stock(change: Change) -> Box<Envelope<crate::envelope::StockLevelRow>> {
    match change {
        Change::StockLevel(envelope) => envelope,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_change_is_read_with_its_times_and_its_version() {
    let decoder = decoder();
    let schema = envelope_schema(&[]);
    decoder.insert_schema(7, &schema).unwrap();
    let bytes = frame(7, &encode(&schema, &event(Json::Null, row(5), "c")));
    let envelope = stock(decode(&decoder, &bytes).unwrap());
    let after = envelope.after.as_ref().unwrap();
    assert_eq!(after.item_id, ITEM.parse::<Uuid>().unwrap());
    assert_eq!((after.available, after.version.get()), (7, 5));
    assert_eq!(after.next_hold_at.unwrap().to_string(), "2026-11-21T04:30:00.123456Z");
    assert_eq!(envelope.op, Operation::Create);
    assert_eq!(envelope.source.lsn, Some(4242));
    assert_eq!(
        envelope.source.committed_at().unwrap().as_microsecond(),
        1_700_000_000_000_123
    );
}

#[test]
fn old_and_new_schemas_are_read_side_by_side() {
    let decoder = decoder();
    let old = envelope_schema(&[]);
    let new = envelope_schema(&[text("colour")]);
    decoder.insert_schema(1, &old).unwrap();
    decoder.insert_schema(2, &new).unwrap();
    for (id, schema) in [(1, &old), (2, &new), (1, &old)] {
        let bytes = frame(id, &encode(schema, &event(row(1), row(2), "u")));
        let envelope = stock(decode(&decoder, &bytes).unwrap());
        assert_eq!(envelope.before.unwrap().version.get(), 1);
        assert_eq!(envelope.after.unwrap().version.get(), 2);
    }
}

#[test]
fn a_nullable_column_that_became_not_null_is_still_read() {
    let decoder = decoder();
    let strict = envelope_schema(&[]).replace(
        r#"{"default":null,"name":"next_hold_at","type":["null","string"]}"#,
        r#"{"name":"next_hold_at","type":"string"}"#,
    );
    assert!(strict.contains(r#""name":"next_hold_at","type":"string""#));
    decoder.insert_schema(3, &strict).unwrap();
    let bytes = frame(3, &encode(&strict, &event(Json::Null, row(2), "r")));
    let envelope = stock(decode(&decoder, &bytes).unwrap());
    assert!(envelope.after.as_ref().unwrap().next_hold_at.is_some());
    assert!(envelope.is_snapshot());
}

#[test]
fn frames_that_are_none_are_named() {
    assert!(matches!(split_frame(&[]), Err(DecodeError::TooShort(0))));
    assert!(matches!(split_frame(&[0, 0, 0, 1]), Err(DecodeError::TooShort(4))));
    assert!(matches!(split_frame(b"{\"a\":1}"), Err(DecodeError::BadMagic(b'{'))));
    let huge = vec![0; MAX_RECORD_BYTES + 1];
    assert!(matches!(split_frame(&huge), Err(DecodeError::TooLarge(_))));
    assert_eq!(split_frame(&frame(258, b"x")).unwrap(), (258, b"x".as_slice()));
}

#[test]
fn bytes_left_over_are_an_error() {
    let decoder = decoder();
    let schema = envelope_schema(&[]);
    decoder.insert_schema(7, &schema).unwrap();
    let mut bytes = frame(7, &encode(&schema, &event(Json::Null, row(5), "c")));
    bytes.push(0);
    let error = decode(&decoder, &bytes).unwrap_err();
    assert!(error.to_string().contains("left over"), "{error}");
    assert_eq!(error.class(), DecodeClass::Poison);
}

#[test]
fn a_schema_that_contains_itself_is_refused() {
    let decoder = decoder();
    let list = r#"{"type":"record","name":"L","fields":[{"name":"next","type":["null","L"]}]}"#;
    let error = decoder.insert_schema(1, list).unwrap_err();
    assert!(error.to_string().contains("contains itself"), "{error}");
    assert!(decoder.insert_schema(1, "{").is_err());
}

#[test]
fn an_unknown_id_is_not_poison_at_once() {
    let error = DecodeError::UnknownSchema(9);
    assert_eq!(error.class(), DecodeClass::UnknownSchema(9));
    let down = DecodeError::Registry {
        id: 9,
        source: RegistryError::Unavailable("closed".to_owned()),
    };
    assert_eq!(down.class(), DecodeClass::Transient);
}

/// Small and fast; the sequence is the same in every run.
pub(super) struct Xorshift(pub(super) u64);

impl Xorshift {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

/// `ONHAND_DECODER_CASES=1000000` looks longer.
pub(super) fn cases(otherwise: usize) -> usize {
    let asked = std::env::var("ONHAND_DECODER_CASES").ok();
    asked.map_or(otherwise, |text| {
        text.parse().expect("ONHAND_DECODER_CASES is no number")
    })
}

#[test]
fn random_bytes_never_panic() {
    let decoder = decoder();
    decoder.insert_schema(7, &envelope_schema(&[])).unwrap();
    let mut random = Xorshift(0x9E37_79B9_7F4A_7C15);
    for round in 0..cases(150_000) {
        let mut body: Vec<u8> = (0..random.below(120)).map(|_| random.next() as u8).collect();
        if round % 2 == 0 {
            // Small numbers are plausible lengths and union branches: they get deeper.
            body.iter_mut().for_each(|byte| *byte &= 0x0F);
        }
        assert!(decode(&decoder, &frame(7, &body)).is_err());
        let _ = split_frame(&body);
    }
}

#[test]
fn truncated_and_mutated_records_never_panic() {
    let decoder = decoder();
    let schema = envelope_schema(&[]);
    decoder.insert_schema(7, &schema).unwrap();
    let good = frame(7, &encode(&schema, &event(row(1), row(2), "u")));
    for end in 5..good.len() {
        assert!(decode(&decoder, &good[..end]).is_err(), "cut at {end}");
    }
    let mut random = Xorshift(42);
    let mut read = 0;
    for _ in 0..cases(60_000) {
        let mut bytes = good.clone();
        for _ in 0..=random.below(3) {
            let at = 5 + random.below(bytes.len() - 5);
            bytes[at] = random.next() as u8;
        }
        read += usize::from(decode(&decoder, &bytes).is_ok());
    }
    assert!(read > 0, "a changed letter is still a record");
}

#[test]
fn a_length_of_half_a_gigabyte_asks_for_no_memory() {
    let decoder = decoder();
    decoder
        .insert_schema(
            7,
            r#"{"type":"record","name":"Envelope","fields":[{"name":"op","type":"string"}]}"#,
        )
        .unwrap();
    let body = [0xFE, 0xFF, 0xFF, 0xFF, 0x03];
    let error = decode(&decoder, &frame(7, &body)).unwrap_err();
    assert!(error.to_string().contains("allocate"), "{error}");
}
