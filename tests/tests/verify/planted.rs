//! f12: drift that is planted is found and repaired while writes go on, and a healthy busy system raises no alarm.

use crate::movements::{self, Documents, movements};
use crate::world::{
    Elastic, LOCATIONS, Load, ONE_AT_A_TIME, assert_equal, hashes, key, make_items, metric, run, session, verify,
};
use onhand_tests::stack::{Stack, eventually};
use redis::aio::MultiplexedConnection;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// One corruption for each item and store.
const ITEMS: usize = 500;
const VERIFY_PORT: u16 = 96;

async fn redis_do(connection: &mut MultiplexedConnection, command: &[&str]) {
    let mut request = redis::cmd(command[0]);
    command[1..].iter().for_each(|argument| {
        request.arg(*argument);
    });
    request.exec_async(connection).await.unwrap();
}

/// The row with one of its numbers changed by so much.
fn changed(row: &str, word: usize, by: i64) -> String {
    let mut words: Vec<String> = row.split(' ').map(str::to_owned).collect();
    words[word] = (words[word].parse::<i64>().unwrap() + by).to_string();
    words.join(" ")
}

/// Plants one corruption in the hash of each item, of ten kinds in turn.
async fn plant_in_redis(stack: &Stack, before: &BTreeMap<String, HashMap<String, String>>) {
    let mut connection = stack.redis().await.unwrap();
    let field = format!("row:{}", LOCATIONS[0]);
    for (n, (item, hash)) in before.iter().enumerate() {
        let (key, row) = (key(item), hash[&field].as_str());
        let set = match n % 10 {
            // Another value of the same version, an older version, one that never was, and nonsense.
            0 => Some((field.clone(), changed(row, 1, 5))),
            1 => Some((field.clone(), changed(row, 0, -1))),
            2 => Some((field.clone(), changed(row, 0, 1_000_000))),
            3 => Some((field.clone(), "nonsense".to_owned())),
            // Sums.
            4 => Some(("total".to_owned(), "999".to_owned())),
            5 => Some((format!("warehouse:{}", LOCATIONS[1]), "7".to_owned())),
            6 => Some(("status".to_owned(), "out_of_stock".to_owned())),
            // A location that Postgres does not have.
            7 => Some(("row:GHOST".to_owned(), changed(row, 1, 0))),
            _ => None,
        };
        match (set, n % 10) {
            (Some((field, value)), _) => redis_do(&mut connection, &["HSET", &key, &field, &value]).await,
            (None, 8) => redis_do(&mut connection, &["HDEL", &key, &field]).await,
            (None, _) => redis_do(&mut connection, &["DEL", &key]).await,
        }
    }
}

/// Plants one corruption in a document of each item, of ten kinds in turn.
async fn plant_in_elasticsearch(elastic: &Elastic, items: &[String], before: &BTreeMap<&'static str, Documents>) {
    let mut lines = Vec::new();
    let mut write = |index: &str, id: &str, version: i64, source: Value| {
        lines.push(json!({"index": {"_index": index, "_id": id, "version": version, "version_type": "external_gte"}}));
        lines.push(source);
    };
    let mut deleted = Vec::new();
    for (n, item) in items.iter().enumerate() {
        let stock = format!("{item}:{}", LOCATIONS[n % 2]);
        let (index, id) = match n % 10 {
            0..=4 => ("onhand-stock", stock.as_str()),
            5..=7 => ("onhand-items", item.as_str()),
            _ => ("onhand-summaries", item.as_str()),
        };
        let (version, mut source) = before[index][id].clone();
        match n % 10 {
            0 => source["on_hand"] = json!(source["on_hand"].as_i64().unwrap() + 5),
            1 => source["policy"] = json!("oversell"),
            5 => source["name"] = json!("another name"),
            6 => source["metadata"] = json!({"colour": "red"}),
            8 => source["available"] = json!(1),
            _ => {}
        }
        match n % 10 {
            // A version that never was.
            2 => write(index, id, version + 1_000_000, source),
            // A location that Postgres does not have.
            3 => write(index, &format!("{item}:GHOST"), 9, source),
            4 | 7 | 9 => deleted.push(json!({"delete": {"_index": index, "_id": id}})),
            _ => write(index, id, version, source),
        }
    }
    lines.extend(deleted);
    elastic.bulk(&lines).await.unwrap();
    for index in before.keys() {
        elastic.post(&format!("/{index}/_refresh"), Value::Null).await.unwrap();
    }
}

async fn snapshot(elastic: &Elastic, items: &[String]) -> BTreeMap<&'static str, Documents> {
    let stock: Vec<String> = items
        .iter()
        .flat_map(|item| ["GHOST", LOCATIONS[0], LOCATIONS[1]].map(|location| format!("{item}:{location}")))
        .collect();
    BTreeMap::from([
        ("onhand-stock", elastic.documents("onhand-stock", &stock).await),
        ("onhand-items", elastic.documents("onhand-items", items).await),
        ("onhand-summaries", elastic.documents("onhand-summaries", items).await),
    ])
}

/// What readers see of a hash: not the tombstones, and not when it was last written.
fn visible(hashes: BTreeMap<String, HashMap<String, String>>) -> BTreeMap<String, BTreeMap<String, String>> {
    let kept = |(name, text): &(String, String)| name != "at" && name != "complete" && !text.contains(" deleted ");
    hashes
        .into_iter()
        .map(|(item, hash)| (item, hash.into_iter().filter(kept).collect()))
        .collect()
}

/// Waits until the summaries of all items are in the index.
async fn summarized(elastic: &Elastic, items: &[String]) {
    eventually("every item has its summary", || async {
        Ok(elastic.documents("onhand-summaries", items).await.len() == items.len())
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn f12_a_thousand_planted_corruptions_are_found_and_repaired_under_load() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let stack = Stack::from_env().unwrap();
    let elastic = Elastic::new(&stack);
    // This run is to find them, not the one that goes on all the time.
    let (code, text) = run(&["down", "verify"]).await;
    assert_eq!(code, 0, "{text}");
    let client = session(&stack).await;
    let items = make_items(&client, "PLANTED", ITEMS).await;
    let hot: Vec<String> = make_items(&client, "PLANTED-HOT", 20).await.into_keys().collect();
    let items: Vec<String> = items.into_values().collect();
    summarized(&elastic, &items).await;
    assert_equal().await;
    let (hashes_before, documents_before) = (hashes(&stack, &items).await, snapshot(&elastic, &items).await);

    let load = Load::start(&stack, hot).await;
    plant_in_redis(&stack, &hashes_before).await;
    plant_in_elasticsearch(&elastic, &items, &documents_before).await;
    // What belongs to no item at all.
    let stranger = uuid::Uuid::new_v4().to_string();
    let mut connection = stack.redis().await.unwrap();
    redis_do(
        &mut connection,
        &["HSET", &key(&stranger), "row:GHOST", "3 1 0 0 0 0 1 0 0 in_stock - 0"],
    )
    .await;
    redis_do(&mut connection, &["SET", "catalog:stock:nonsense", "1"]).await;
    elastic
        .bulk(&[
            json!({"index": {"_index": "onhand-stock", "_id": "nonsense"}}),
            json!({"on_hand": 1}),
            json!({"index": {"_index": "onhand-items", "_id": stranger, "version": 4, "version_type": "external"}}),
            json!({"sku": "GHOST"}),
        ])
        .await
        .unwrap();
    elastic
        .post("/onhand-stock,onhand-items/_refresh", Value::Null)
        .await
        .unwrap();

    let (code, report) = verify(&["--repair"]).await;
    assert_eq!(code, 0, "{}", report["stores"]);
    let found = |store: &str| -> BTreeSet<&str> {
        let differences = report["differences"].as_array().unwrap().iter();
        let of_store = differences.filter(|difference| difference["store"] == store);
        of_store.map(|difference| difference["key"].as_str().unwrap()).collect()
    };
    for store in ["redis", "elasticsearch"] {
        let keys = found(store);
        for item in items.iter().map(String::as_str).chain([stranger.as_str(), "nonsense"]) {
            assert!(
                keys.iter().any(|key| key.contains(item)),
                "{store}: {item} was not found"
            );
        }
        // Nothing but what was planted.
        for key in &keys {
            let planted =
                items.iter().any(|item| key.contains(item)) || key.contains(&stranger) || key.contains("nonsense");
            assert!(planted, "{store}: {key}");
        }
    }
    assert!(
        report["differences"]
            .as_array()
            .unwrap()
            .iter()
            .all(|one| one["repaired"] == json!(true))
    );
    assert!(load.end().await > 0);

    assert_eq!(visible(hashes(&stack, &items).await), visible(hashes_before));
    assert_eq!(snapshot(&elastic, &items).await, documents_before);
    let nonsense: bool = redis::cmd("EXISTS")
        .arg("catalog:stock:nonsense")
        .query_async(&mut connection)
        .await
        .unwrap();
    assert!(!nonsense);
    assert_equal().await;
    let (code, text) = run(&["up", "verify"]).await;
    assert_eq!(code, 0, "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn f12_a_healthy_busy_system_raises_no_alarm() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let stack = Stack::from_env().unwrap();
    let client = session(&stack).await;
    let skus: Vec<String> = make_items(&client, "BUSY", 30).await.into_keys().collect();
    let load = Load::start(&stack, skus).await;
    let alarms = || async {
        let of = async |store: &str| metric(VERIFY_PORT, "onhand_verify_differences_total", &[store]).await;
        of("redis").await + of("elasticsearch").await
    };
    let before = alarms().await;
    for _ in 0..3 {
        let written = load.written();
        let (code, report) = verify(&[]).await;
        assert_eq!(code, 0, "{report:#}");
        assert_eq!(report["differences"], json!([]), "{report:#}");
        assert!(load.written() > written, "nothing was written meanwhile");
    }
    assert!(load.end().await > 100);
    let after = alarms().await;
    assert!((after - before).abs() < 0.5, "{before} {after}");
}

#[tokio::test(flavor = "multi_thread")]
async fn f12_the_part_that_runs_all_the_time_repairs_by_itself_and_tells_of_it() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let stack = Stack::from_env().unwrap();
    let elastic = Elastic::new(&stack);
    let client = session(&stack).await;
    let items: Vec<String> = make_items(&client, "DRIFT", 10).await.into_values().collect();
    summarized(&elastic, &items).await;
    assert_equal().await;
    let repaired = || async {
        let of = async |store: &str| metric(VERIFY_PORT, "onhand_verify_repaired_total", &[store]).await;
        (of("redis").await, of("elasticsearch").await)
    };
    let before = repaired().await;
    let (hashes_before, documents_before) = (hashes(&stack, &items).await, snapshot(&elastic, &items).await);
    plant_in_redis(&stack, &hashes_before).await;
    plant_in_elasticsearch(&elastic, &items, &documents_before).await;
    let movements_before = movements(&elastic, &items).await;
    movements::plant(&elastic, &items, LOCATIONS[0], &movements_before).await;
    eventually("what was planted is repaired", || async {
        Ok(visible(hashes(&stack, &items).await) == visible(hashes_before.clone())
            && snapshot(&elastic, &items).await == documents_before
            && movements(&elastic, &items).await == movements_before)
    })
    .await
    .unwrap();
    eventually("the metrics tell of it", || async {
        let after = repaired().await;
        Ok(after.0 >= before.0 + 10.0 && after.1 >= before.1 + 20.0)
    })
    .await
    .unwrap();
}
