//! What bytes that lie about lengths can make the decoder ask for.
//!
//! Counted is the address space of the process, so that memory counts which is asked for and never touched. The work is done by
//! this program once more, with nothing beside it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::process::Command;

use serde::Deserialize;
use serde_json::{Value, json};

use super::tests::{Xorshift, cases, decode};
use super::*;
use crate::RegistryConfig;

/// Set in the process that does the work.
const ALONE: &str = "ONHAND_DECODER_ALONE";
const NAME: &str = "decode::memory_tests::lengths_that_lie_ask_for_no_memory";
/// What one length may ask for, and some times that for what the allocator keeps.
const BOUND: usize = 4 * MAX_RECORD_BYTES;

/// Reads whatever its writer put into it.
#[derive(Debug, Deserialize)]
struct Any {}

impl Contract for Any {
    const RECORD: &'static str = "Any";
}

/// Shapes with a length in them, alone and inside each other.
fn shapes() -> Vec<Value> {
    let array = |items: Value| json!({"type": "array", "items": items});
    let map = |values: Value| json!({"type": "map", "values": values});
    let union = |kind: Value| json!(["null", kind]);
    vec![
        json!("string"),
        json!("bytes"),
        array(json!("int")),
        array(json!("string")),
        map(json!("bytes")),
        array(array(array(json!("boolean")))),
        map(map(array(json!("string")))),
        array(union(map(array(json!("long"))))),
        union(array(
            json!({"type": "record", "name": "Inner", "fields": [{"name": "a", "type": "null"}, {"name": "b", "type": "string"}]}),
        )),
        array(json!({"type": "enum", "name": "Symbol", "symbols": ["A", "B"]})),
    ]
}

/// A contract with the shape, and an envelope with it in a column that nobody knows.
fn schemas(shape: &Value) -> [String; 2] {
    let fields = json!([{"name": "a", "type": shape}]);
    [
        json!({"type": "record", "name": "Any", "fields": fields}).to_string(),
        json!({"type": "record", "name": "Envelope", "fields": fields}).to_string(),
    ]
}

/// A number as Avro writes it.
fn varint(number: i64, bytes: &mut Vec<u8>) {
    let mut left = ((number << 1) ^ (number >> 63)).cast_unsigned();
    while left >= 0x80 {
        bytes.push(u8::try_from(left & 0x7F).unwrap() | 0x80);
        left >>= 7;
    }
    bytes.push(u8::try_from(left).unwrap());
}

/// Lengths around every limit, now and then with what a reader needs to get deeper.
fn body(random: &mut Xorshift) -> Vec<u8> {
    let most = i64::try_from(MAX_RECORD_BYTES).unwrap();
    let lengths = [
        most - 1,
        most,
        most + 1,
        most / 32,
        1 << 31,
        (1 << 31) - 1,
        1 << 40,
        i64::MAX,
        i64::MIN,
        -1,
        -most,
        0,
        1,
        2,
    ];
    let mut bytes = Vec::new();
    for _ in 0..=random.below(8) {
        match random.below(3) {
            0 => bytes.push(u8::try_from(random.below(5)).unwrap()),
            _ => varint(lengths[random.below(lengths.len())], &mut bytes),
        }
    }
    bytes
}

/// The most address space that the process ever had, in bytes.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmPeak:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

async fn lie(rounds: usize) -> usize {
    let decoder = Decoder::new(RegistryClient::new(&RegistryConfig::default()).unwrap());
    let mut ids = Vec::new();
    for (number, schema) in (100..).zip(shapes().iter().flat_map(schemas)) {
        decoder.insert_schema(number, &schema).unwrap();
        ids.push(number);
    }
    let (mut random, mut refused) = (Xorshift(3), 0);
    let mut round = async |random: &mut Xorshift| {
        let id = ids[random.below(ids.len())];
        let framed = frame(id, &body(random));
        let contract: Result<Any, _> = decoder.decode_contract(None, &framed).await;
        refused += usize::from(contract.is_err() && decode(&decoder, &framed).is_err());
    };
    round(&mut random).await;
    let before = peak();
    for _ in 0..rounds {
        round(&mut random).await;
    }
    assert!(refused > rounds / 2, "only {refused} records were refused");
    peak() - before
}

#[test]
fn lengths_that_lie_ask_for_no_memory() {
    if std::env::var_os(ALONE).is_none() {
        let mut alone = Command::new(std::env::current_exe().unwrap());
        let alone = alone.args(["--exact", NAME, "--test-threads", "1"]).env(ALONE, "1");
        let output = alone.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("1 passed"), "{text}");
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let asked_for = runtime.block_on(lie(cases(20_000)));
    assert!(asked_for <= BOUND, "{asked_for} bytes");
    // What is asked for and not touched would have been seen.
    let before = peak();
    let much: Vec<u8> = Vec::with_capacity(4 * BOUND);
    assert!(peak() - before > 2 * BOUND && std::hint::black_box(&much).is_empty());
}

#[test]
fn schemas_whose_records_can_grow_from_nothing_are_refused() {
    let decoder = Decoder::new(RegistryClient::new(&RegistryConfig::default()).unwrap());
    let nothing = json!({"type": "record", "name": "Nothing", "fields": [{"name": "a", "type": "null"}]});
    for items in [
        json!("null"),
        nothing.clone(),
        json!({"type": "fixed", "name": "Empty", "size": 0}),
        json!({"type": "record", "name": "Outer", "fields": [{"name": "a", "type": nothing}]}),
    ] {
        let [schema, _] = schemas(&json!({"type": "array", "items": items}));
        let error = decoder.insert_schema(1, &schema).unwrap_err();
        assert!(error.to_string().contains("take no bytes"), "{error}");
    }
    let [huge, _] = schemas(&json!({"type": "fixed", "name": "Huge", "size": 1_u64 << 40}));
    assert!(decoder.insert_schema(1, &huge).is_err());
}
