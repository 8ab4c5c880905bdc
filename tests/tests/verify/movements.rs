//! f12: documents of movements, and what is planted among them.

use crate::world::{Elastic, LOCATIONS, Load, ONE_AT_A_TIME, apply, assert_equal, make_items, run, session, verify};
use onhand_tests::stack::Stack;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Version and source of documents, by id.
pub(crate) type Documents = BTreeMap<String, (i64, Value)>;

/// Kinds of corruption that are planted in turn.
const KINDS: usize = 9;

/// The documents of the movements of these items, in all months.
pub(crate) async fn movements(elastic: &Elastic, items: &[String]) -> Documents {
    refresh(elastic).await;
    let query = json!({"size": 10_000, "version": true, "query": {"terms": {"item_id": items}}});
    let answer = elastic.post("/onhand-movements/_search", query).await.unwrap();
    let hits = answer["hits"]["hits"].as_array().unwrap();
    assert!(hits.len() < 10_000);
    let document = |hit: &Value| {
        let id = hit["_id"].as_str().unwrap().to_owned();
        (id, (hit["_version"].as_i64().unwrap(), hit["_source"].clone()))
    };
    hits.iter().map(document).collect()
}

async fn refresh(elastic: &Elastic) {
    elastic.post("/onhand-movements/_refresh", Value::Null).await.unwrap();
}

/// The index that a movement is in, by when it was recorded.
fn index_of(source: &Value) -> String {
    let month = source["recorded_at"].as_str().unwrap()[..7].replace('-', ".");
    format!("onhand-movements-{month}")
}

/// The index of the month before that.
fn index_before(index: &str) -> String {
    let (year, month) = index.rsplit_once('-').unwrap().1.split_once('.').unwrap();
    let (year, month): (u32, u32) = (year.parse().unwrap(), month.parse().unwrap());
    let (year, month) = if month == 1 { (year - 1, 12) } else { (year, month - 1) };
    format!("onhand-movements-{year}.{month:02}")
}

/// Plants one corruption in the second movement of each item at this location, of nine kinds in turn. Answers what was planted where,
/// as the keys of a report.
pub(crate) async fn plant(elastic: &Elastic, items: &[String], location: &str, before: &Documents) -> Vec<String> {
    let (mut lines, mut deleted, mut planted) = (Vec::new(), Vec::new(), Vec::new());
    for (n, item) in items.iter().enumerate() {
        let mut id = format!("{item}:{location}:2");
        let (mut version, mut source) = before[&id].clone();
        let mut index = index_of(&source);
        match n % KINDS {
            // Other values, one that is gone, and a version that never was.
            0 => source["on_hand"] = json!(1_000),
            1 => source["type"] = json!("count"),
            2 => source["occurred_at"] = json!("2020-02-29T00:00:00Z"),
            3 => {
                source.as_object_mut().unwrap().remove("on_hand");
            }
            4 => {
                version += 1_000_000;
                source["version"] = json!(version);
            }
            5 => deleted.push(json!({"delete": {"_index": index, "_id": id}})),
            // Movements that never were: of a place that is none, of the right one, and of another month.
            6 => {
                id = format!("{item}:GHOST:9");
                (source["location_id"], source["version"]) = (json!("GHOST"), json!(9));
            }
            7 => id = format!("{item}:{location}:999"),
            _ => index = index_before(&index),
        }
        if n % KINDS != 5 {
            lines.push(
                json!({"index": {"_index": index, "_id": id, "version": version, "version_type": "external_gte"}}),
            );
            lines.push(source);
        }
        planted.push(format!("movements {id}"));
    }
    lines.extend(deleted);
    elastic.bulk(&lines).await.unwrap();
    refresh(elastic).await;
    planted
}

/// Writes so many movements of one level.
async fn move_often(client: &tokio_postgres::Client, sku: &str, count: usize) {
    let add = json!({"op": "add", "sku": sku, "location": LOCATIONS[0], "quantity": 1});
    apply(client, vec![add; count]).await.unwrap();
}

/// Plants three corruptions among many movements of one level; answers their keys.
async fn plant_among_many(elastic: &Elastic, item: &str, before: &Documents) -> Vec<String> {
    let of = |version: i64| format!("{item}:{}:{version}", LOCATIONS[0]);
    let (changed, lost, extra) = (of(300), of(100), of(5_000));
    let (version, mut source) = before[&changed].clone();
    let index = index_of(&source);
    let write = |id: &str, version: i64| json!({"index": {"_index": index, "_id": id, "version": version, "version_type": "external_gte"}});
    source["reserved_delta"] = json!(1);
    let mut stranger = source.clone();
    stranger["version"] = json!(5_000);
    elastic
        .bulk(&[
            write(&changed, version),
            source,
            write(&extra, 5_000),
            stranger,
            json!({"delete": {"_index": index, "_id": lost}}),
        ])
        .await
        .unwrap();
    [changed, lost, extra].map(|id| format!("movements {id}")).to_vec()
}

/// Plants documents that belong to no item; answers their keys.
async fn plant_strangers(elastic: &Elastic, like: &Value) -> Vec<String> {
    let index = index_of(like);
    let stranger = uuid::Uuid::new_v4().to_string();
    let id = format!("{stranger}:GHOST:1");
    let mut source = like.clone();
    source["item_id"] = json!(stranger);
    elastic
        .bulk(&[
            json!({"index": {"_index": index, "_id": id}}),
            source,
            json!({"index": {"_index": index, "_id": "nonsense"}}),
            json!({"on_hand": 1}),
        ])
        .await
        .unwrap();
    refresh(elastic).await;
    vec![format!("movements {id}"), "movements nonsense".to_owned()]
}

#[tokio::test(flavor = "multi_thread")]
async fn f12_movements_that_are_lost_changed_or_too_many_are_found_and_repaired_under_load() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let stack = Stack::from_env().unwrap();
    let elastic = Elastic::new(&stack);
    let (code, text) = run(&["down", "verify"]).await;
    assert_eq!(code, 0, "{text}");
    let client = session(&stack).await;
    let made = make_items(&client, "MOVED", 10 * KINDS).await;
    let hot: Vec<String> = make_items(&client, "MOVED-HOT", 5).await.into_keys().collect();
    let (long_sku, long) = make_items(&client, "MOVED-LONG", 1).await.pop_first().unwrap();
    move_often(&client, &long_sku, 400).await;
    let items: Vec<String> = made.into_values().collect();
    let all: Vec<String> = items.iter().cloned().chain([long.clone()]).collect();
    assert_equal().await;
    let before = movements(&elastic, &all).await;
    assert_eq!(before.len(), items.len() * 4 + 404);

    let load = Load::start(&stack, hot).await;
    let mut planted = plant(&elastic, &items, LOCATIONS[1], &before).await;
    planted.extend(plant_among_many(&elastic, &long, &before).await);
    let like = &before[&format!("{long}:{}:1", LOCATIONS[0])].1;
    planted.extend(plant_strangers(&elastic, like).await);

    let (code, report) = verify(&["--repair"]).await;
    assert_eq!(code, 0, "{report:#}");
    let found: BTreeSet<&str> = report["differences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["key"].as_str().unwrap())
        .collect();
    let planted: BTreeSet<&str> = planted.iter().map(String::as_str).collect();
    assert_eq!(found, planted, "all of it is found, and nothing else");
    let kinds = &report["stores"]["elasticsearch"];
    assert_eq!(kinds["found"], kinds["repaired"]);
    assert!(report["indexed_movements"].as_u64() >= Some(u64::try_from(before.len()).unwrap()));
    assert!(load.end().await > 0);

    assert_eq!(movements(&elastic, &all).await, before);
    assert_equal().await;
    let (code, text) = run(&["up", "verify"]).await;
    assert_eq!(code, 0, "{text}");
}
