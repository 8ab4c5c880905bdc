//! Records of two versions of a contract in one topic, read by readers built for either.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use onhand_cdc::topics::STOCK_EVENTS;
use onhand_db::tokio_postgres::{NoTls, connect};
use onhand_tests::inbound::Contract;
use onhand_tests::kafka::RawRecord;
use onhand_tests::stack::{SETTLE, Stack};
use serde_json::{Value, json};

use super::read::{Read, Reader};
use super::{python, registry};

const V1: &str = "stock/v1_stock_updated_event.avsc";
const V2: &str = "stock/v2_stock_updated_event.avsc";

/// The file of a version.
fn file(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../cdc/schemas")
        .join(path)
}

/// The events of an item, once there are so many.
async fn events(stack: &Stack, reader: &mut Reader, item: &str, count: usize) -> Vec<Read> {
    let items = BTreeSet::from([item.to_owned()]);
    let deadline = Instant::now() + SETTLE;
    loop {
        let found = reader.topic(stack, STOCK_EVENTS, &items).await.unwrap();
        if found.len() >= count {
            return found;
        }
        assert!(Instant::now() < deadline, "{found:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// What a plain Python client, built for one version, reads of an item.
async fn python_reads(stack: &Stack, item: &str, path: &'static str) -> Vec<Value> {
    let (stack, item) = (stack.clone(), item.to_owned());
    tokio::task::spawn_blocking(move || {
        let lines = python::read_as(&stack, &registry(), &[STOCK_EVENTS], Some(&file(path))).unwrap();
        let mut values = Vec::new();
        for line in lines {
            assert!(line["value"].get("unreadable").is_none(), "{line}");
            if line["key"] == item {
                values.push(line["value"].clone());
            }
        }
        values
    })
    .await
    .unwrap()
}

/// What only the second version has, each null if it is not there, and the event without it.
fn apart(event: &Value) -> (Value, Value) {
    let mut event = event.clone();
    let item = event["item"].as_object_mut().unwrap();
    let added = json!([item.remove("tags"), item.remove("dimensions")]);
    (added, event)
}

/// As texts, for comparison: the records of two writers may stand in different partitions.
fn sorted(values: impl Iterator<Item = Value>) -> Vec<String> {
    let mut texts: Vec<String> = values.map(|value| value.to_string()).collect();
    texts.sort();
    texts
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_both_versions_of_an_item_are_read_by_readers_of_either() {
    let stack = Stack::from_env().unwrap();
    let (client, connection) = connect(&stack.database, NoTls).await.unwrap();
    tokio::spawn(connection);
    let sku = format!("PUB-VERSIONS-{}", uuid::Uuid::now_v7().simple());
    let dimensions = json!({"length": 2.5, "width": 1.0, "height": 0.5, "unit": "cm"});
    let made = client
        .query_one(
            "select i.id::text from api.upsert_items($1) as i",
            &[&json!([{"sku": sku, "name": "Lamp", "tags": ["new", "red"], "dimensions": dimensions}])],
        )
        .await
        .unwrap();
    let item: String = made.get(0);
    stack
        .put("/v1/locations/PUB-DOC-W1", &json!({"name": "PUB-DOC-W1"}))
        .await
        .unwrap();
    let receipt = json!({"sku": sku, "location": "PUB-DOC-W1", "quantity": 4});
    let mut reader = Reader::new(&registry()).unwrap();

    stack.post("/v1/stock/add", &receipt).await.unwrap();
    let first = events(&stack, &mut reader, &item, 1).await.remove(0);
    assert_eq!(first.headers["schema_version"], "2");
    // The same event as the release before would have written it.
    let old = Contract::own(V1).await.unwrap();
    let mut headers = first.headers.clone();
    headers.insert("schema_version".to_owned(), "1".to_owned());
    let record = RawRecord {
        key: Some(item.clone().into_bytes()),
        value: Some(old.encode(&first.value).unwrap()),
        headers: headers
            .into_iter()
            .map(|(name, value)| (name, value.into_bytes()))
            .collect(),
    };
    stack.produce(STOCK_EVENTS, &record).await.unwrap();
    stack.post("/v1/stock/add", &receipt).await.unwrap();
    let all = events(&stack, &mut reader, &item, 3).await;
    let versions = sorted(all.iter().map(|read| json!(read.headers["schema_version"])));
    assert_eq!(
        versions,
        ["\"1\"", "\"2\"", "\"2\""],
        "old and new records in one topic"
    );
    let rest = sorted(all.iter().map(|read| apart(&read.value).1));

    // What only the second version has, as a reader of each version finds it in the three records.
    let newer = json!([["new", "red"], dimensions]);
    for (path, expected) in [
        (V1, [json!([null, null]), json!([null, null]), json!([null, null])]),
        (V2, [newer.clone(), json!([[], null]), newer]),
    ] {
        let theirs = python_reads(&stack, &item, path).await;
        let ours = reader.again_as(&stack, STOCK_EVENTS, &item, &file(path)).await.unwrap();
        for (reads, who) in [(theirs, "Python"), (ours, "Rust")] {
            let reads: Vec<_> = reads.iter().map(apart).collect();
            let added = sorted(reads.iter().map(|(added, _)| added.clone()));
            assert_eq!(added, sorted(expected.iter().cloned()), "{who} as {path}");
            let others = sorted(reads.into_iter().map(|(_, others)| others));
            assert_eq!(others, rest, "{who} as {path}: all else is the same");
        }
    }
}
