//! What must not put an old value into the cache: an event that outruns its row, a refill that a write overtakes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use onhand_tests::kafka::RawRecord;
use onhand_tests::stack::{Stack, eventually};
use reqwest::Method;
use serde_json::json;

const LEVELS: &str = "onhand.inventory.stock_level";

fn contains(record: &RawRecord, text: &str) -> bool {
    let key = record.key.as_deref().unwrap_or_default();
    key.windows(text.len()).any(|window| window == text.as_bytes())
}

async fn forget(stack: &Stack, item: &str) -> anyhow::Result<()> {
    let mut redis = stack.redis().await?;
    let key = format!("catalog:stock:{{{item}}}");
    redis::cmd("DEL").arg(key).query_async::<()>(&mut redis).await?;
    Ok(())
}

/// The cache is told of a state that the row does not have (here: any more). Whoever reads the row again on an event
/// shows what the row says; the cache must show what the event says, and no older event may replace a newer one.
#[tokio::test(flavor = "multi_thread")]
async fn f15_the_cache_takes_values_from_the_event_and_never_reads_the_row_again() {
    let stack = Stack::from_env().unwrap();
    let sku = format!("F15-{}", uuid::Uuid::now_v7().simple());
    let id = stack.stocked_item(&sku, &["F15-W1"], 40).await.unwrap();
    let remove = json!({"sku": sku, "location": "F15-W1", "quantity": 15});
    let newer = stack.post("/v1/stock/remove", &remove).await.unwrap()["levels"][0]["version"]
        .as_i64()
        .unwrap();
    eventually("Redis has the newer version", || async {
        Ok(stack.cached_version(&id, "F15-W1").await? == newer)
    })
    .await
    .unwrap();
    let records: Vec<RawRecord> = stack
        .records(LEVELS)
        .unwrap()
        .into_iter()
        .filter(|record| contains(record, &id))
        .collect();
    assert_eq!(records.len(), 2, "one event for the receipt, one for the removal");

    forget(&stack, &id).await.unwrap();
    stack.produce(LEVELS, &records[0]).await.unwrap();
    eventually("the event's own value is there", || async {
        Ok(stack.cached(&id).await?.get("warehouse:F15-W1").map(String::as_str) == Some("40"))
    })
    .await
    .unwrap();
    assert!(
        stack.cached_version(&id, "F15-W1").await.unwrap() < newer,
        "the row itself was not read"
    );
    // Readers are not fooled: one event alone does not make an item complete.
    let read = stack.get(&format!("/v1/inventory/product/{sku}")).await.unwrap();
    assert_eq!(
        (read["available"].as_i64(), read["source"].as_str()),
        (Some(25), Some("database"))
    );

    eventually("the refill has replaced it", || async {
        Ok(stack.cached_version(&id, "F15-W1").await? == newer)
    })
    .await
    .unwrap();
    stack.produce(LEVELS, &records[0]).await.unwrap();
    let last = stack.post("/v1/stock/remove", &remove).await.unwrap()["levels"][0]["version"]
        .as_i64()
        .unwrap();
    eventually("the write behind the old event arrives", || async {
        let version = stack.cached_version(&id, "F15-W1").await?;
        assert!(version >= newer, "the old event has replaced a newer row");
        Ok(version == last)
    })
    .await
    .unwrap();
    assert_eq!(stack.cached(&id).await.unwrap()["warehouse:F15-W1"], "10");
}

/// The item is dropped from Redis again and again, so that each read fills it from Postgres while a write overtakes the
/// filling. Reads with the writer's token are right at every moment, and what stays in Redis is the newest.
#[tokio::test(flavor = "multi_thread")]
async fn f16_a_refill_loses_to_the_update_that_overtakes_it() {
    const RACE: Duration = Duration::from_secs(4);
    let stack = Stack::from_env().unwrap();
    let sku = format!("F16-{}", uuid::Uuid::now_v7().simple());
    let id = stack.stocked_item(&sku, &["F16-W1", "F16-W2"], 100).await.unwrap();
    let path = format!("/v1/inventory/product/{sku}");
    let ended = AtomicBool::new(false);

    let disturb = async {
        let mut refills = 0;
        while !ended.load(Ordering::Relaxed) {
            forget(&stack, &id).await.unwrap();
            let (a, b) = tokio::join!(stack.get(&path), stack.get(&path));
            for read in [a.unwrap(), b.unwrap()] {
                refills += usize::from(read["source"] == "database");
            }
        }
        refills
    };
    let write = async {
        let (until, mut writes, mut available) = (Instant::now() + RACE, 0, 200_i64);
        while Instant::now() < until {
            let body = json!({"sku": sku, "location": "F16-W1", "quantity": 1});
            let (status, headers, answer) = stack
                .call(Method::POST, "/v1/stock/remove", &[], Some(&body))
                .await
                .unwrap();
            if status == 409 {
                let body = json!({"sku": sku, "location": "F16-W1", "quantity": 100});
                stack.post("/v1/stock/add", &body).await.unwrap();
                available += 100;
                continue;
            }
            assert_eq!(status, 200, "{answer}");
            available -= 1;
            writes += 1;
            let with = [("consistency-token", headers["consistency-token"].as_str())];
            let (_, _, read) = stack.call(Method::GET, &path, &with, None).await.unwrap();
            assert_eq!(read["available"], available, "write {writes}: {read}");
        }
        ended.store(true, Ordering::Relaxed);
        (writes, available)
    };
    let (refills, (writes, available)) = tokio::join!(disturb, write);
    println!("{writes} writes raced {refills} reads from Postgres that fill Redis");
    assert!(writes > 20 && refills > 20);

    // The item goes from Redis in the midst of a refill only here; a last change of each row ends what that may have left.
    let lines: Vec<_> = ["F16-W1", "F16-W2"]
        .iter()
        .map(|at| json!({"sku": sku, "location": at, "quantity": 1}))
        .collect();
    stack.post("/v1/stock/add", &json!({"lines": lines})).await.unwrap();
    eventually("Redis says what Postgres says", || async {
        let read = stack.get(&path).await?;
        Ok(read["source"] == "cache" && read["available"] == available + 2)
    })
    .await
    .unwrap();
}
