//! What a write does to the read models.

use futures_util::future::try_join_all;
use onhand_tests::stack::{Stack, eventually};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_write_reaches_redis_and_elasticsearch_and_every_read() {
    let stack = Stack::from_env().unwrap();
    let id = stack.stocked_item("FLOW-1", &["FLOW-W1", "FLOW-W2"], 40).await.unwrap();
    let answer = stack
        .post(
            "/v1/stock/remove",
            &json!({"sku": "FLOW-1", "location": "FLOW-W1", "quantity": 15}),
        )
        .await
        .unwrap();
    let version = answer["levels"][0]["version"].as_i64().unwrap();
    assert_eq!(answer["levels"][0]["on_hand"], 25);

    eventually("Redis has the version", || async {
        Ok(stack.cached_version(&id, "FLOW-W1").await? == version && stack.cached_version(&id, "FLOW-W2").await? > 0)
    })
    .await
    .unwrap();
    let cached = stack.cached(&id).await.unwrap();
    assert_eq!(cached["warehouse:FLOW-W1"], "25");
    assert_eq!(cached["available"], "65");
    assert_eq!(cached["total"], "65");
    assert_eq!(cached["status"], "in_stock");

    eventually("Elasticsearch has the version", || async {
        Ok(stack
            .document("onhand-stock", &format!("{id}:FLOW-W1"))
            .await?
            .is_some_and(|(found, _)| found == version))
    })
    .await
    .unwrap();
    let (_, document) = stack
        .document("onhand-stock", &format!("{id}:FLOW-W1"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(document["on_hand"], 25);

    for key in ["FLOW-1", id.as_str()] {
        let read = stack.get(&format!("/v1/inventory/product/{key}")).await.unwrap();
        assert_eq!(read["available"], 65, "{read}");
    }
    eventually("the cache answers", || async {
        Ok(stack.get("/v1/inventory/product/FLOW-1").await?["source"] == "cache")
    })
    .await
    .unwrap();
    eventually("the product is found by a word of its name", || async {
        let found = stack.get("/v1/products?q=flow-1").await?;
        Ok(found.to_string().contains("FLOW-1"))
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn many_ids_are_read_in_one_call_and_unknown_ones_are_named() {
    let stack = Stack::from_env().unwrap();
    let id = stack.stocked_item("FLOW-BATCH", &["FLOW-W1"], 7).await.unwrap();
    let unknown = "00000000-0000-7000-8000-000000000000";
    let read = stack
        .post("/v1/batch/stock", &json!({"product_ids": [id, unknown]}))
        .await
        .unwrap();
    assert_eq!(read["stocks"][id.as_str()], 7, "{read}");
    assert!(read["missing"].as_array().unwrap().contains(&json!(unknown)), "{read}");
    let at = stack
        .post(
            "/v1/batch/stock",
            &json!({"product_ids": [id], "warehouse_id": "FLOW-W1"}),
        )
        .await
        .unwrap();
    assert_eq!(at["stocks"][id.as_str()], 7, "{at}");
}

#[tokio::test(flavor = "multi_thread")]
async fn f17_a_long_description_survives_a_hundred_updates() {
    let stack = Stack::from_env().unwrap();
    // Above 8 KB, so that Postgres stores it apart (TOAST) and the log of an update does not carry it by default.
    let description = "lang ".repeat(4_000);
    let id = stack.stocked_item("FLOW-TOAST", &["FLOW-W1"], 500).await.unwrap();
    stack
        .put("/v1/items/FLOW-TOAST", &json!({"description": description}))
        .await
        .unwrap();
    let mut last = Value::Null;
    for n in 0..100 {
        last = stack
            .put("/v1/items/FLOW-TOAST", &json!({"name": format!("Name {n}")}))
            .await
            .unwrap();
        stack
            .post(
                "/v1/stock/remove",
                &json!({"sku": "FLOW-TOAST", "location": "FLOW-W1", "quantity": 1}),
            )
            .await
            .unwrap();
    }
    let version = last["version"].as_i64().unwrap();
    eventually("the item's document has the last version", || async {
        Ok(stack
            .document("onhand-items", &id)
            .await?
            .is_some_and(|(found, _)| found == version))
    })
    .await
    .unwrap();
    let (_, document) = stack.document("onhand-items", &id).await.unwrap().unwrap();
    assert_eq!(document["name"], "Name 99");
    assert_eq!(document["description"], json!(description));
}

#[tokio::test(flavor = "multi_thread")]
async fn f14_replaying_a_topic_shuffled_and_twice_changes_nothing() {
    let stack = Stack::from_env().unwrap();
    let id = stack
        .stocked_item("FLOW-REPLAY", &["FLOW-W1", "FLOW-W2"], 1_000)
        .await
        .unwrap();
    let mut version = 0;
    for n in 1..=30 {
        let answer = stack
            .post(
                "/v1/stock/remove",
                &json!({"sku": "FLOW-REPLAY", "location": "FLOW-W1", "quantity": n}),
            )
            .await
            .unwrap();
        version = answer["levels"][0]["version"].as_i64().unwrap();
    }
    let settled = || async { Ok(stack.cached_version(&id, "FLOW-W1").await? == version) };
    eventually("Redis has the last version", settled).await.unwrap();
    let before = stack.cached(&id).await.unwrap();

    let topic = "onhand.inventory.stock_level";
    let marker = id.as_bytes();
    let mut replay: Vec<_> = stack
        .records(topic)
        .unwrap()
        .into_iter()
        .filter(|record| {
            record
                .key
                .as_deref()
                .is_some_and(|key| key.windows(marker.len()).any(|part| part == marker))
        })
        .collect();
    assert!(replay.len() >= 32, "{} records of the item", replay.len());
    // Backwards, then every second one again: old values arrive long after new ones.
    replay.reverse();
    let again: Vec<_> = replay.iter().step_by(2).cloned().collect();
    stack.produce_all(topic, &[replay, again].concat()).await.unwrap();
    // A later write shows that everything before it was consumed.
    let last = stack
        .post(
            "/v1/stock/remove",
            &json!({"sku": "FLOW-REPLAY", "location": "FLOW-W1", "quantity": 1}),
        )
        .await
        .unwrap();
    let last = last["levels"][0]["version"].as_i64().unwrap();
    eventually("Redis has the write after the replay", || async {
        Ok(stack.cached_version(&id, "FLOW-W1").await? == last)
    })
    .await
    .unwrap();
    let after = stack.cached(&id).await.unwrap();
    let number = |fields: &std::collections::HashMap<String, String>, name: &str| fields[name].parse::<i64>().unwrap();
    for name in ["total", "available", "warehouse:FLOW-W1"] {
        assert_eq!(number(&after, name), number(&before, name) - 1, "{name}");
    }
    assert_eq!(after["row:FLOW-W2"], before["row:FLOW-W2"]);
    eventually("Elasticsearch has the last version", || async {
        Ok(stack
            .document("onhand-stock", &format!("{id}:FLOW-W1"))
            .await?
            .is_some_and(|(found, _)| found == last))
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn f11_one_places_negative_balance_does_not_hide_anothers_stock() {
    let stack = Stack::from_env().unwrap();
    let id = stack
        .stocked_item("FLOW-NEG", &["FLOW-W1", "FLOW-W2"], 10)
        .await
        .unwrap();
    let (client, connection) = onhand_db::tokio_postgres::connect(&stack.database, onhand_db::tokio_postgres::NoTls)
        .await
        .unwrap();
    let driver = tokio::spawn(connection);
    client
        .execute(
            "select api.set_stock_policy('FLOW-NEG', 'FLOW-W1', policy => 'oversell')",
            &[],
        )
        .await
        .unwrap();
    let answer = stack
        .post(
            "/v1/stock/remove",
            &json!({"sku": "FLOW-NEG", "location": "FLOW-W1", "quantity": 25}),
        )
        .await
        .unwrap();
    assert_eq!(answer["levels"][0]["available"], -15);
    let version = answer["levels"][0]["version"].as_i64().unwrap();
    eventually("Redis has the version", || async {
        Ok(stack.cached_version(&id, "FLOW-W1").await? == version)
    })
    .await
    .unwrap();
    assert_eq!(stack.cached(&id).await.unwrap()["available"], "10");
    assert_eq!(
        stack.get("/v1/inventory/product/FLOW-NEG").await.unwrap()["available"],
        10
    );
    drop(client);
    driver.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_agree_with_writes_under_load() {
    let stack = Stack::from_env().unwrap();
    let id = stack.stocked_item("FLOW-LOAD", &["FLOW-W1"], 100_000).await.unwrap();
    let writers = (0..8).map(|writer| {
        let stack = stack.clone();
        async move {
            for n in 0..50 {
                let op = if (writer + n) % 3 == 0 { "add" } else { "remove" };
                stack
                    .post(
                        &format!("/v1/stock/{op}"),
                        &json!({"sku": "FLOW-LOAD", "location": "FLOW-W1", "quantity": 1 + n}),
                    )
                    .await?;
            }
            anyhow::Ok(())
        }
    });
    try_join_all(writers).await.unwrap();
    let history = stack.get("/v1/inventory/product/FLOW-LOAD").await.unwrap();
    assert_eq!(history["product_id"], json!(id), "{history}");
    eventually("Redis and Postgres agree", || async {
        let cached = stack.cached(&id).await?;
        let (client, connection) =
            onhand_db::tokio_postgres::connect(&stack.database, onhand_db::tokio_postgres::NoTls).await?;
        let driver = tokio::spawn(connection);
        let row = client
            .query_one("select on_hand, version from api.get_stock_level('FLOW-LOAD')", &[])
            .await?;
        drop(client);
        driver.await??;
        Ok(cached.get("total") == Some(&row.get::<_, i64>(0).to_string())
            && stack.cached_version(&id, "FLOW-W1").await? == row.get::<_, i64>(1))
    })
    .await
    .unwrap();
}
