//! Each part of the running stack killed with -9 under load and started again: nothing that was acknowledged is lost, nothing
//! happens twice, and all read models equal Postgres afterwards. One test after the other: they share the stack.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, missing_docs)]

mod failures {
    mod capture;
}

use anyhow::{Result, ensure};
use onhand_tests::stack::{Stack, program};
use reqwest::Method;
use serde_json::json;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Writers that go on while a part dies. Each write carries a key and is sent again until it is acknowledged.
struct Load {
    stop: Arc<AtomicBool>,
    acknowledged: Arc<Mutex<Vec<String>>>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Load {
    fn start(stack: &Stack, sku: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let acknowledged = Arc::new(Mutex::new(Vec::new()));
        let tasks = (0..4)
            .map(|writer| {
                let (stack, stop, acknowledged, sku) = (
                    stack.clone(),
                    Arc::clone(&stop),
                    Arc::clone(&acknowledged),
                    sku.to_owned(),
                );
                tokio::spawn(async move {
                    let mut n = 0_u64;
                    while !stop.load(Ordering::Relaxed) {
                        n += 1;
                        let reference = format!("{sku}-{writer}-{n}");
                        if send_until_acknowledged(&stack, &sku, &reference).await.is_ok() {
                            acknowledged.lock().unwrap().push(reference);
                        }
                        // Some 200 writes a second in all.
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                })
            })
            .collect();
        Self {
            stop,
            acknowledged,
            tasks,
        }
    }

    fn count(&self) -> usize {
        self.acknowledged.lock().unwrap().len()
    }

    async fn end(self) -> Vec<String> {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.unwrap();
        }
        Arc::try_unwrap(self.acknowledged).unwrap().into_inner().unwrap()
    }
}

async fn send_until_acknowledged(stack: &Stack, sku: &str, reference: &str) -> Result<()> {
    let body = json!({"sku": sku, "location": "FAIL-W1", "quantity": 1, "reference": reference});
    let deadline = Instant::now() + Duration::from_secs(120);
    while Instant::now() < deadline {
        let headers = [("Idempotency-Key", reference)];
        match stack.call(Method::POST, "/v1/stock/add", &headers, Some(&body)).await {
            Ok((200, _, _)) => return Ok(()),
            // A rule refused or the request is wrong: trying again would not help.
            Ok((status, _, answer)) if status < 500 && status != 429 => {
                anyhow::bail!("{reference}: {status} {answer}")
            }
            Ok(_) | Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
    anyhow::bail!("{reference} was not acknowledged within two minutes")
}

fn onhand(arguments: &[&str]) -> Result<String> {
    let (code, text) = program(arguments);
    ensure!(code == 0, "onhand {arguments:?}: {code}\n{text}");
    Ok(text)
}

fn kill(stack: &Stack, part: &str) {
    let file = format!("{}/run/{part}.pid", stack.state);
    let text = std::fs::read_to_string(&file).unwrap();
    let pid = text.split_whitespace().next().unwrap();
    assert!(
        Command::new("kill").args(["-9", pid]).status().unwrap().success(),
        "kill -9 {pid} ({part})"
    );
}

async fn wait_for_writes(load: &Load, more: usize) {
    let goal = load.count() + more;
    let deadline = Instant::now() + Duration::from_secs(120);
    while load.count() < goal {
        assert!(
            Instant::now() < deadline,
            "only {} of {goal} writes were acknowledged",
            load.count()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn survives(part: &str) {
    let _turn = ONE_AT_A_TIME.lock().await;
    let stack = Stack::from_env().unwrap();
    let sku = format!("FAIL-{}-{}", part.to_uppercase(), uuid::Uuid::now_v7().simple());
    stack.stocked_item(&sku, &["FAIL-W1"], 1).await.unwrap();
    let load = Load::start(&stack, &sku);
    wait_for_writes(&load, 100).await;
    kill(&stack, part);
    tokio::time::sleep(Duration::from_secs(2)).await;
    tokio::task::spawn_blocking(|| onhand(&["up"])).await.unwrap().unwrap();
    wait_for_writes(&load, 200).await;
    let acknowledged = load.end().await;

    let (client, connection) = onhand_db::tokio_postgres::connect(&stack.database, onhand_db::tokio_postgres::NoTls)
        .await
        .unwrap();
    let driver = tokio::spawn(connection);
    let once: i64 = client
        .query_one(
            "select count(*) from (select m.reference from inventory.stock_movement as m \
             where m.reference = any($1) group by m.reference having count(*) = 1) as r",
            &[&acknowledged],
        )
        .await
        .unwrap()
        .get(0);
    assert_eq!(
        once,
        i64::try_from(acknowledged.len()).unwrap(),
        "acknowledged writes that are in the ledger exactly once"
    );
    drop(client);
    driver.await.unwrap().unwrap();
    let report = tokio::task::spawn_blocking(|| onhand(&["verify", "--wait", "120"]))
        .await
        .unwrap();
    println!("{}", report.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn f29_postgres_is_killed_under_load() {
    survives("postgres").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f29_kafka_is_killed_under_load() {
    survives("kafka").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f29_connect_is_killed_under_load() {
    survives("connect").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f24_the_registry_is_killed_under_load() {
    survives("registry").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f26_redis_is_killed_under_load_and_comes_back_empty() {
    survives("redis").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f29_elasticsearch_is_killed_under_load() {
    survives("elasticsearch").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f29_the_cache_consumer_is_killed_under_load() {
    survives("cache").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f29_the_search_consumer_is_killed_under_load() {
    survives("search").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f29_the_api_is_killed_under_load() {
    survives("api").await;
}
