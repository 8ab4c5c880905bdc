//! A consumer that knows no schema yet while the registry is away.

use onhand_tests::consumer::Consumer;
use onhand_tests::process;
use onhand_tests::stack::{Stack, eventually};
use serde_json::json;
use tokio::task::spawn_blocking;

use crate::{ONE_AT_A_TIME, kill, onhand};

const DEAD_LETTERS: &str = "onhand.inventory.stock_level.onhand.cache.dlq";

async fn run(arguments: &'static [&'static str]) {
    spawn_blocking(move || onhand(arguments)).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn f24_a_consumer_that_starts_without_the_registry_waits_for_it_and_gives_nothing_up() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let stack = Stack::from_env().unwrap();
    let sku = format!("FAIL-FRESH-{}", uuid::Uuid::now_v7().simple());
    let id = stack.stocked_item(&sku, &["FAIL-W1"], 1).await.unwrap();
    let body = json!({"sku": sku, "location": "FAIL-W1", "quantity": 5});
    let add = async || {
        let answer = stack.post("/v1/stock/add", &body).await.unwrap();
        answer["levels"][0]["version"].as_i64().unwrap()
    };
    // The connector has the schemas of a whole write when the next one has arrived: it goes on without the registry.
    let before = add().await;
    eventually("the second write is in Redis", || async {
        Ok(stack.cached_version(&id, "FAIL-W1").await? == before)
    })
    .await
    .unwrap();
    let letters = stack.records(DEAD_LETTERS).unwrap().len();

    run(&["down", "cache"]).await;
    kill(&stack, "registry");
    let version = add().await;
    // Under the name of the stack's own, so that it gets the partitions at once.
    let member = [("ONHAND_RUNTIME__GROUP_INSTANCE_ID", "cache-0".to_owned())];
    let consumer = Consumer::start(&stack, "cache", &member).unwrap();
    eventually("its readiness names the registry", || {
        consumer.waits("decode", "schema registry is not available")
    })
    .await
    .unwrap();
    // For longer than an unknown id is waited for.
    tokio::time::sleep(process::outage(std::time::Duration::from_secs(3))).await;
    assert_eq!(consumer.probe("livez").await.unwrap().0, 200, "it lives");
    assert!(
        consumer
            .waits("decode", "schema registry is not available")
            .await
            .unwrap(),
        "it still waits"
    );
    assert!(stack.cached_version(&id, "FAIL-W1").await.unwrap() < version);

    run(&["up", "registry"]).await;
    eventually("it goes on where it was", || async {
        Ok(consumer.probe("ready").await?.0 == 200 && stack.cached_version(&id, "FAIL-W1").await? == version)
    })
    .await
    .unwrap();
    drop(consumer);
    run(&["up"]).await;
    run(&["verify", "--wait", "120"]).await;
    assert_eq!(
        stack.records(DEAD_LETTERS).unwrap().len(),
        letters,
        "nothing was given up"
    );
}
