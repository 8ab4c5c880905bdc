//! Each part of the running stack killed with -9 under load and started again: nothing that was acknowledged is lost, nothing
//! happens twice, and all read models equal Postgres afterwards. One test after the other: they share the stack.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, missing_docs)]

mod failures {
    mod capture;
    mod registry;
    mod schema;
}

use anyhow::{Result, ensure};
use onhand_tests::process;
use onhand_tests::stack::{Stack, program};
use reqwest::Method;
use serde_json::json;
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
    process::kill_part(&stack.state, part).unwrap();
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
    tokio::time::sleep(process::outage(Duration::from_secs(2))).await;
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

/// One caller that writes an item and reads it back, and looks at a hot item of all, until it is told to stop. Says how many
/// reads it made.
async fn write_and_read(stack: &Stack, n: usize, stop: &AtomicBool) -> usize {
    let sku = format!("F26-{n}");
    let add = json!({"sku": sku, "location": "FAIL-W1", "quantity": 1});
    let start = stack.post("/v1/stock/add", &add).await.unwrap();
    let mut available = start["levels"][0]["available"].as_i64().unwrap();
    let mut reads = 0;
    while !stop.load(Ordering::Relaxed) {
        let (status, headers, answer) = stack
            .call(Method::POST, "/v1/stock/add", &[], Some(&add))
            .await
            .unwrap();
        assert_eq!(status, 200, "writes need no Redis: {answer}");
        available += 1;
        let with = [("consistency-token", headers["consistency-token"].as_str())];
        let path = format!("/v1/inventory/product/{sku}");
        let (status, _, read) = stack.call(Method::GET, &path, &with, None).await.unwrap();
        assert_eq!(status, 200, "reads do not need it either: {read}");
        assert_eq!(read["available"], available, "{read}");
        for _ in 0..4 {
            let hot = stack.get("/v1/inventory/product/F26-HOT").await.unwrap();
            assert_eq!(hot["available"], 7, "{hot}");
        }
        reads += 5;
    }
    reads
}

/// Queries that reads made because Redis had no answer, since the interface was started.
async fn fallback_queries(stack: &Stack) -> usize {
    let text = reqwest::get(format!("{}/metrics", stack.api))
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("onhand_read_fallback_queries_total "));
    line.map_or(0, |count| count.trim().parse().unwrap())
}

/// Most queries for stock levels that were under way at one moment.
async fn crowd(stack: &Stack, stop: &AtomicBool) -> i64 {
    let (client, connection) = onhand_db::tokio_postgres::connect(&stack.database, onhand_db::tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    let mut most = 0;
    while !stop.load(Ordering::Relaxed) {
        let active = "select count(*) from pg_stat_activity as a \
            where a.state = 'active' and a.query like '%from inventory.stock_level where item_id = any%' and a.pid <> pg_backend_pid()";
        most = most.max(client.query_one(active, &[]).await.unwrap().get(0));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    most
}

#[tokio::test(flavor = "multi_thread")]
async fn f26_reads_stay_right_without_redis_and_do_not_crowd_postgres_when_it_is_back_empty() {
    const CALLERS: usize = 24;
    const ROUNDS: usize = 10;
    const READERS: usize = 100;
    let _turn = ONE_AT_A_TIME.lock().await;
    let stack = Stack::from_env().unwrap();
    for n in 0..CALLERS {
        stack.stocked_item(&format!("F26-{n}"), &["FAIL-W1"], 1).await.unwrap();
    }
    stack.put("/v1/items/F26-HOT", &json!({"name": "hot"})).await.unwrap();
    let hot = stack.get("/v1/inventory/product/F26-HOT").await.unwrap();
    let hot_id = hot["product_id"].as_str().unwrap();
    let missing = 7 - hot["available"].as_i64().unwrap();
    if missing != 0 {
        let adjust = json!({"sku": "F26-HOT", "location": "FAIL-W1", "quantity": missing, "reason": "a known number"});
        stack.post("/v1/stock/adjust", &adjust).await.unwrap();
    }
    onhand_tests::stack::eventually("the hot item is in Redis", || async {
        let hot = stack.get("/v1/inventory/product/F26-HOT").await?;
        Ok(hot["source"] == "cache" && hot["available"] == 7)
    })
    .await
    .unwrap();
    let before = fallback_queries(&stack).await;
    let stop = AtomicBool::new(false);
    let callers = futures_util::future::join_all((0..CALLERS).map(|n| write_and_read(&stack, n, &stop)));
    let outage = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        kill(&stack, "redis");
        tokio::time::sleep(Duration::from_secs(2)).await;
        tokio::task::spawn_blocking(|| onhand(&["up", "redis"]))
            .await
            .unwrap()
            .unwrap();
        tokio::time::sleep(Duration::from_secs(3)).await;
        stop.store(true, Ordering::Relaxed);
    };
    let (reads, (), most) = tokio::join!(callers, outage, crowd(&stack, &stop));
    let (reads, queries) = (reads.iter().sum::<usize>(), fallback_queries(&stack).await - before);
    println!("{reads} reads through the outage made {queries} queries, at most {most} at a time");
    assert!(queries < reads, "callers that ask for one item at a time share a query");
    let items = i64::try_from(CALLERS + 1).unwrap();
    assert!(most <= items, "{most} queries at once for {items} items");

    // It has filled itself: reading each item once more asks Postgres for next to nothing.
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let before = fallback_queries(&stack).await;
        for n in 0..CALLERS {
            stack.get(&format!("/v1/inventory/product/F26-{n}")).await.unwrap();
        }
        let queries = fallback_queries(&stack).await - before;
        if queries == 0 {
            break;
        }
        assert!(
            Instant::now() < deadline,
            "Redis is not filled: {queries} queries for {CALLERS} items"
        );
    }

    // All at once on one item that is not there: one query for all who ask at the same time, and the next find it filled.
    let mut redis = stack.redis().await.unwrap();
    let before = fallback_queries(&stack).await;
    for _ in 0..ROUNDS {
        let key = format!("catalog:stock:{{{hot_id}}}");
        redis::cmd("DEL").arg(key).query_async::<()>(&mut redis).await.unwrap();
        let reads = (0..READERS).map(|_| stack.get("/v1/inventory/product/F26-HOT"));
        for read in futures_util::future::join_all(reads).await {
            assert_eq!(read.unwrap()["available"], 7);
        }
    }
    let queries = fallback_queries(&stack).await - before;
    println!("{ROUNDS} times {READERS} reads of one missing item made {queries} queries");
    assert!((ROUNDS..ROUNDS * READERS / 10).contains(&queries), "{queries} queries");
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
