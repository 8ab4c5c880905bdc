//! Read models made anew under their readers and writers.

use crate::world::{Elastic, Load, ONE_AT_A_TIME, assert_equal, hashes, make_items, run, session};
use onhand_tests::stack::{Stack, eventually};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Every index of the product, by name.
async fn indexes(elastic: &Elastic) -> BTreeSet<String> {
    let found = elastic
        .call(reqwest::Method::GET, "/_alias/onhand-*", Value::Null)
        .await
        .unwrap();
    found.as_object().unwrap().keys().cloned().collect()
}

/// Readers that look for these items all the time; answers how often they looked, and what they missed.
struct Readers {
    stop: Arc<AtomicBool>,
    looks: Arc<AtomicU64>,
    task: tokio::task::JoinHandle<Vec<String>>,
}

impl Readers {
    fn start(elastic: &Elastic, stack: &Stack, items: Vec<String>) -> Self {
        let (stop, looks) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (elastic, stack) = (elastic.clone(), stack.clone());
        let (ended, counted) = (Arc::clone(&stop), Arc::clone(&looks));
        let task = tokio::spawn(async move {
            let mut missed = Vec::new();
            while !ended.load(Ordering::Relaxed) {
                let query = json!({"query": {"ids": {"values": items}}});
                for index in ["onhand-items", "onhand-summaries"] {
                    let count = elastic.post(&format!("/{index}/_count"), query.clone()).await.unwrap();
                    if count["count"] != json!(items.len()) {
                        missed.push(format!("{index}: {count}"));
                    }
                }
                let held = hashes(&stack, &items).await;
                if held.values().any(|hash| !hash.contains_key("total")) {
                    missed.push("a hash in Redis".to_owned());
                }
                counted.fetch_add(1, Ordering::Relaxed);
            }
            missed
        });
        Self { stop, looks, task }
    }

    async fn end(self) -> Vec<String> {
        self.stop.store(true, Ordering::Relaxed);
        let missed = self.task.await.unwrap();
        assert!(self.looks.load(Ordering::Relaxed) > 5, "the readers hardly looked");
        missed
    }
}

/// Waits until a search finds these: what is only written is not found before the next refresh.
async fn indexed(elastic: &Elastic, items: &[String]) {
    let query = json!({"query": {"ids": {"values": items}}});
    eventually("everything is found to begin with", || async {
        for index in ["onhand-items", "onhand-summaries"] {
            let count = elastic.post(&format!("/{index}/_count"), query.clone()).await?;
            if count["count"] != json!(items.len()) {
                return Ok(false);
            }
        }
        Ok(true)
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn indexes_are_rebuilt_beside_the_live_ones_and_readers_miss_nothing() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let stack = Stack::from_env().unwrap();
    let elastic = Elastic::new(&stack);
    let client = session(&stack).await;
    let made = make_items(&client, "REBUILD", 40).await;
    let items: Vec<String> = made.values().cloned().collect();
    indexed(&elastic, &items).await;
    let old = indexes(&elastic).await;
    let load = Load::start(&stack, made.into_keys().collect()).await;
    let readers = Readers::start(&elastic, &stack, items.clone());

    let (code, text) = run(&["search", "rebuild"]).await;
    assert_eq!(code, 0, "{text}");
    assert!(load.end().await > 20);
    assert_eq!(readers.end().await, Vec::<String>::new());
    let new = indexes(&elastic).await;
    assert!(old.is_disjoint(&new) && old.len() == new.len(), "{old:?} {new:?}");
    let unfinished = elastic
        .call(reqwest::Method::GET, "/_alias/onhand-*-next", Value::Null)
        .await;
    assert!(unfinished.is_err() || unfinished.unwrap() == json!({}));
    assert_equal().await;
    // The ledger of the month is there too.
    let query = json!({"query": {"term": {"item_id": items[0]}}});
    eventually("the movements are in the index", || async {
        let count = elastic.post("/onhand-movements/_count", query.clone()).await?;
        Ok(count["count"].as_u64() >= Some(4))
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_rebuild_changes_nothing_and_can_be_run_again() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let stack = Stack::from_env().unwrap();
    let elastic = Elastic::new(&stack);
    let live = indexes(&elastic).await;
    killed_when_it_says("made");
    let left = indexes(&elastic).await;
    assert!(live.is_subset(&left) && left.len() > live.len(), "{live:?} {left:?}");
    // Writes go on, with copies to what was left behind.
    let client = session(&stack).await;
    make_items(&client, "INTERRUPTED", 5).await;
    assert_equal().await;

    let (code, text) = run(&["search", "rebuild"]).await;
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("interrupted"), "{text}");
    assert_eq!(indexes(&elastic).await.len(), live.len());
    assert_equal().await;

    // After the swap only the old indexes are left over, and they can be removed without another rebuild.
    killed_when_it_says("swapped");
    assert!(indexes(&elastic).await.len() > live.len());
    assert_equal().await;
    let (code, text) = run(&["search", "rebuild", "--abort"]).await;
    assert_eq!(code, 0, "{text}");
    assert_eq!(indexes(&elastic).await.len(), live.len());
    assert_equal().await;
}

/// A rebuild that dies at this point.
fn killed_when_it_says(what: &str) {
    let mut child = Command::new(std::env::var("ONHAND_BIN").unwrap())
        .args(["search", "rebuild"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let said = lines.map_while(Result::ok).any(|line| line.contains(what));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(said, "it never said {what:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cache_is_reloaded_in_place_and_loses_what_postgres_does_not_have() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let stack = Stack::from_env().unwrap();
    let elastic = Elastic::new(&stack);
    let client = session(&stack).await;
    let made = make_items(&client, "RELOAD", 20).await;
    let items: Vec<String> = made.values().cloned().collect();
    indexed(&elastic, &items).await;
    assert_equal().await;
    let mut connection = stack.redis().await.unwrap();
    redis::cmd("HSET")
        .arg(crate::world::key(&items[0]))
        .arg("warehouse:GHOST")
        .arg("5")
        .exec_async(&mut connection)
        .await
        .unwrap();
    redis::cmd("DEL")
        .arg(crate::world::key(&items[1]))
        .exec_async(&mut connection)
        .await
        .unwrap();
    let load = Load::start(&stack, made.into_keys().collect()).await;
    let readers = Readers::start(&elastic, &stack, items[2..].to_vec());
    let (code, text) = run(&["cache", "reload"]).await;
    assert_eq!(code, 0, "{text}");
    load.end().await;
    assert_eq!(readers.end().await, Vec::<String>::new());
    let held = hashes(&stack, &items).await;
    assert!(!held[&items[0]].contains_key("warehouse:GHOST") && held[&items[1]].contains_key("total"));
    assert_equal().await;
}
