#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions
)]

use apache_avro::Schema;
use apache_avro::types::Value;
use apache_avro::writer::datum::GenericDatumWriter;

use super::*;
use crate::decode::{Contract, frame};
use crate::schemas::{FILES, newest};
use crate::{DecodeError, Decoder, RegistryClient, RegistryConfig, topics};

/// Ids under which the tests put the contracts.
const EVENT_V1: u32 = 1;
const EVENT_V2: u32 = 2;
const COMMAND: u32 = 3;

fn text(path: &str) -> &'static str {
    FILES.iter().find(|file| file.path == path).unwrap().text
}

fn decoder() -> Decoder {
    let decoder = Decoder::new(RegistryClient::new(&RegistryConfig::default()).unwrap());
    for (id, path) in [
        (EVENT_V1, "inventory/v1_inventory_event.avsc"),
        (EVENT_V2, "inventory/v2_inventory_event.avsc"),
        (COMMAND, "stock/v1_stock_command.avsc"),
    ] {
        decoder.insert_schema(id, text(path)).unwrap();
    }
    decoder
}

/// A record of the schema: the given fields, and for all others the default of the schema.
fn encode(schema: &str, fields: &[(&str, Value)]) -> Vec<u8> {
    let schema = Schema::parse_str(schema).unwrap();
    let Schema::Record(record) = &schema else {
        panic!("no record")
    };
    let values = record.fields.iter().map(|field| {
        let given = fields.iter().find(|(name, _)| *name == field.name);
        let value = match (given, &field.schema) {
            (Some((_, value)), Schema::Union(_)) => Value::Union(1, Box::new(value.clone())),
            (Some((_, value)), _) => value.clone(),
            (None, Schema::Array(_)) => Value::Array(Vec::new()),
            (None, Schema::Map(_)) => Value::Map([].into()),
            (None, _) => Value::Union(0, Box::new(Value::Null)),
        };
        (field.name.clone(), value)
    });
    let value = Value::Record(values.collect());
    let writer = GenericDatumWriter::builder(&schema).build().unwrap();
    writer.write_value_to_vec(value).unwrap()
}

fn string(value: &str) -> Value {
    Value::String(value.to_owned())
}

fn event_fields() -> Vec<(&'static str, Value)> {
    vec![
        ("eventId", string("e-1")),
        ("sku", string("A-1")),
        ("eventType", Value::Enum(2, "SALE".to_owned())),
        ("quantity", Value::Int(3)),
        ("locationId", string("W1")),
        ("timestamp", Value::TimestampMillis(1_700_000_000_000)),
        ("userId", string("u-1")),
        ("metadata", Value::Map([("till".to_owned(), string("7"))].into())),
    ]
}

async fn decode<T: Contract>(decoder: &Decoder, id: u32, body: &[u8]) -> Result<T, DecodeError> {
    decoder.decode_contract(None, &frame(id, body)).await
}

#[tokio::test]
async fn both_versions_of_an_event_are_read() {
    let decoder = decoder();
    let old = encode(text("inventory/v1_inventory_event.avsc"), &event_fields());
    let old: InventoryEvent = decode(&decoder, EVENT_V1, &old).await.unwrap();
    assert_eq!((old.event_type.as_str(), old.quantity), ("SALE", 3));
    assert_eq!(old.timestamp.text(), "2023-11-14T22:13:20Z");
    assert_eq!(old.metadata.as_ref().unwrap()["till"], "7");
    assert_eq!(old.supplier_name, None);

    let mut fields = event_fields();
    fields.push(("supplierName", string("Lamps Ltd")));
    let new = encode(text("inventory/v2_inventory_event.avsc"), &fields);
    let new: InventoryEvent = decode(&decoder, EVENT_V2, &new).await.unwrap();
    assert_eq!(new.supplier_name.as_deref(), Some("Lamps Ltd"));
    assert_eq!(
        InventoryEvent {
            supplier_name: None,
            ..new
        },
        old
    );
}

#[tokio::test]
async fn what_a_newer_writer_adds_is_passed_over() {
    let decoder = decoder();
    let newer = text("inventory/v2_inventory_event.avsc").replace(
        r#"{"name": "supplierName","#,
        r#"{"name": "channel", "type": {"type": "enum", "name": "Channel", "symbols": ["WEB", "TILL"]}},
           {"name": "places", "type": {"type": "array", "items": {"type": "record", "name": "Place", "fields": [{"name": "x", "type": "bytes"}]}}},
           {"name": "supplierName","#,
    );
    decoder.insert_schema(9, &newer).unwrap();
    let mut fields = event_fields();
    fields.push(("channel", Value::Enum(1, "TILL".to_owned())));
    fields.push(("supplierName", string("Lamps Ltd")));
    let body = encode(&newer, &fields);
    let event: InventoryEvent = decode(&decoder, 9, &body).await.unwrap();
    assert_eq!(event.supplier_name.as_deref(), Some("Lamps Ltd"));
}

#[tokio::test]
async fn a_command_says_the_same_in_avro_and_in_json() {
    let decoder = decoder();
    let line = Value::Record(vec![
        ("sku".to_owned(), string("A-1")),
        ("location_id".to_owned(), Value::Union(1, Box::new(string("W1")))),
        ("quantity".to_owned(), Value::Union(1, Box::new(Value::Long(2)))),
        ("unit".to_owned(), Value::Union(0, Box::new(Value::Null))),
        ("lot".to_owned(), Value::Union(0, Box::new(Value::Null))),
        ("serials".to_owned(), Value::Array(vec![string("S1"), string("S2")])),
        ("received".to_owned(), Value::Union(0, Box::new(Value::Null))),
        ("damaged".to_owned(), Value::Union(0, Box::new(Value::Null))),
        ("lost".to_owned(), Value::Union(0, Box::new(Value::Null))),
    ]);
    let fields = [
        ("command_id", string("c-1")),
        ("command_type", Value::Enum(11, "RESERVE".to_owned())),
        ("lines", Value::Array(vec![line])),
        ("expires_in_seconds", Value::Long(60)),
        ("owner", string("cart-1")),
    ];
    let body = encode(text("stock/v1_stock_command.avsc"), &fields);
    let avro: StockCommand = decode(&decoder, COMMAND, &body).await.unwrap();
    let json = br#"{"command_id": "c-1", "command_type": "RESERVE", "expires_in_seconds": 60, "owner": "cart-1", "sku": null,
        "lines": [{"sku": "A-1", "location_id": "W1", "quantity": 2, "serials": ["S1", "S2"]}], "metadata": {"a": "b"}}"#;
    assert_eq!(StockCommand::from_json(json).unwrap(), avro);
    assert_eq!(avro.lines[0].serials, ["S1", "S2"]);
}

#[test]
fn json_of_any_other_form_is_refused_by_name() {
    for (json, word) in [
        (r#"{"command_id": "c", "command_type": "ADD", "qty": 3}"#, "'qty'"),
        (
            r#"{"command_id": "c", "command_type": "ADD", "lines": [{"sku": "A", "amount": 3}]}"#,
            "'amount'",
        ),
        (r#"{"command_type": "ADD"}"#, "command_id"),
        (
            r#"{"command_id": "c", "command_type": "ADD", "quantity": 1.5}"#,
            "floating",
        ),
        (
            r#"{"command_id": "c", "command_type": "ADD", "quantity": 18446744073709551615}"#,
            "integer",
        ),
        ("[]", "struct"),
        ("{", "EOF"),
    ] {
        let error = StockCommand::from_json(json.as_bytes()).unwrap_err();
        assert!(error.contains(word), "{json}: {error}");
    }
    assert!(StockCommand::from_json(&[0xff, 0xfe]).is_err());
    assert!(StockCommand::from_json("[".repeat(100_000).as_bytes()).is_err());
}

#[tokio::test]
async fn a_schema_id_may_stand_in_a_header() {
    let decoder = decoder();
    let body = encode(text("inventory/v1_inventory_event.avsc"), &event_fields());
    let header = [0, 0, 0, 0, 1];
    let event: InventoryEvent = decoder.decode_contract(Some(&header), &body).await.unwrap();
    assert_eq!(event.event_id, "e-1");
    for bad in [&[][..], &[0, 1], &[1; 17], &[0, 0, 0, 0, 1, 0]] {
        let refused: Result<InventoryEvent, _> = decoder.decode_contract(Some(bad), &body).await;
        assert!(matches!(refused, Err(DecodeError::BadSchemaHeader)), "{bad:?}");
    }
}

#[test]
fn moments_beyond_every_calendar_are_named_as_they_are() {
    assert_eq!(Moment::Millis(0).text(), "1970-01-01T00:00:00Z");
    assert_eq!(Moment::Millis(i64::MAX).text(), format!("no moment: {}", i64::MAX));
}

#[test]
fn a_failure_fits_its_contract() {
    let failure = StockFailure {
        command_id: "c-1".to_owned(),
        command_type: "ADD".to_owned(),
        code: "IV003".to_owned(),
        slug: "unknown_item".to_owned(),
        message: "no item has this sku".to_owned(),
        detail: Some(serde_json::json!({"sku": "A"})),
        correlation_id: None,
        original_topic: topics::STOCK_COMMANDS.to_owned(),
        original_partition: 2,
        original_offset: 9,
        original_key: None,
        original_value: Some(vec![0xff, 0]),
        failed_at: jiff::Timestamp::UNIX_EPOCH,
    };
    let body = failure.encode().unwrap();
    let schema = Schema::parse_str(newest(topics::STOCK_FAILURES).unwrap().text).unwrap();
    let reader = apache_avro::reader::datum::GenericDatumReader::builder(&schema)
        .build()
        .unwrap();
    let Value::Record(fields) = reader.read_value(&mut body.as_slice()).unwrap() else {
        panic!("no record")
    };
    let field = |name: &str| fields.iter().find(|(key, _)| key == name).unwrap().1.clone();
    assert_eq!(field("failure_id"), string("inventory.stock.commands/2/9"));
    assert_eq!(
        field("original_value"),
        Value::Union(1, Box::new(Value::Bytes(vec![0xff, 0])))
    );
    assert_eq!(field("original_key"), Value::Union(0, Box::new(Value::Null)));
}

/// Small and fast; the sequence is the same in every run.
struct Xorshift(u64);

impl Xorshift {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn text(&mut self) -> String {
        const LETTERS: [char; 12] = [
            'a', 'Z', '0', ' ', '"', '\\', '\0', '\u{7f}', 'é', '漢', '\u{202e}', '🦀',
        ];
        (0..self.below(40)).map(|_| LETTERS[self.below(12)]).collect()
    }

    fn number(&mut self) -> i64 {
        match self.below(6) {
            0 => i64::MAX,
            1 => i64::MIN,
            2 => 0,
            3 => -1,
            _ => self.next() as i64,
        }
    }
}

/// `ONHAND_DECODER_CASES=1000000` looks longer.
fn cases() -> usize {
    let asked = std::env::var("ONHAND_DECODER_CASES").ok();
    asked.map_or(20_000, |text| text.parse().expect("ONHAND_DECODER_CASES is no number"))
}

fn random_event(random: &mut Xorshift) -> Vec<(&'static str, Value)> {
    const SYMBOLS: [&str; 5] = ["STOCK_IN", "STOCK_OUT", "SALE", "RESERVATION", "ADJUSTMENT"];
    let symbol = random.below(5);
    let mut fields = vec![
        ("eventId", Value::String(random.text())),
        ("sku", Value::String(random.text())),
        ("eventType", Value::Enum(symbol as u32, SYMBOLS[symbol].to_owned())),
        ("quantity", Value::Int(random.number() as i32)),
        ("locationId", Value::String(random.text())),
        ("timestamp", Value::TimestampMillis(random.number())),
    ];
    for name in ["productName", "userId", "reason", "supplierName"] {
        if random.below(2) == 0 {
            fields.push((name, Value::String(random.text())));
        }
    }
    if random.below(2) == 0 {
        let (key, value) = (random.text(), random.text());
        fields.push(("metadata", Value::Map([(key, Value::String(value))].into())));
    }
    fields
}

#[tokio::test]
async fn random_values_are_read_as_they_were_written() {
    let decoder = decoder();
    let schema = text("inventory/v2_inventory_event.avsc");
    let mut random = Xorshift(7);
    // Each parses the schema and builds the values anew, which is what takes the time.
    for _ in 0..cases() / 20 {
        let fields = random_event(&mut random);
        let body = encode(schema, &fields);
        let event: InventoryEvent = decode(&decoder, EVENT_V2, &body).await.unwrap();
        assert_eq!(Value::String(event.event_id), fields[0].1);
        assert_eq!(Value::Int(event.quantity as i32), fields[3].1);
        assert!(!event.timestamp.text().is_empty());
    }
}

#[tokio::test]
async fn random_bytes_and_broken_records_never_panic() {
    let decoder = decoder();
    let good = frame(
        EVENT_V1,
        &encode(text("inventory/v1_inventory_event.avsc"), &event_fields()),
    );
    for end in 0..good.len() {
        let cut: Result<InventoryEvent, _> = decoder.decode_contract(None, &good[..end]).await;
        assert!(cut.is_err(), "cut at {end}");
    }
    let json = br#"{"command_id": "c-1", "command_type": "RESERVE", "quantity": 60, "lines": [{"sku": "A"}], "occurred_at": 5}"#;
    let mut random = Xorshift(0x9E37_79B9_7F4A_7C15);
    let mut read = 0;
    for round in 0..cases() {
        let mut body: Vec<u8> = (0..random.below(120)).map(|_| random.next() as u8).collect();
        if round % 2 == 0 {
            // Small numbers are plausible lengths and union branches: they get deeper.
            body.iter_mut().for_each(|byte| *byte &= 0x0F);
        }
        let _: Result<StockCommand, _> = decode(&decoder, COMMAND, &body).await;
        let _: Result<InventoryEvent, _> = decode(&decoder, EVENT_V1, &body).await;
        let _ = StockCommand::from_json(&body);
        let mut bytes = good.clone();
        let mut letters = json.to_vec();
        for _ in 0..=random.below(3) {
            let at = 5 + random.below(bytes.len() - 5);
            bytes[at] = random.next() as u8;
            let at = random.below(letters.len());
            letters[at] = random.next() as u8;
        }
        let mutated: Result<InventoryEvent, _> = decoder.decode_contract(None, &bytes).await;
        read += usize::from(mutated.is_ok());
        let _ = StockCommand::from_json(&letters);
    }
    assert!(read > 0, "a changed letter is still a record");
}
