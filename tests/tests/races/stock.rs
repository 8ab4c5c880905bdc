//! Stock that many want at once.

use super::{apply, apply_one, assert_no_deadlock, assert_sound, clients, count, level, make_catalogue, test};
use anyhow::{Result, ensure};
use onhand_tests::database::Database;
use onhand_tests::suite::Body;
use serde_json::json;
use std::sync::Arc;
use tokio::sync::Barrier;

pub(super) fn all() -> Vec<(String, Body)> {
    vec![
        test("f01_two_lines_name_one_item_while_others_want_it", same_item_twice),
        test("f02_f03_32_clients_share_1000_units", share_a_thousand),
        test("f04_opposite_moves_never_deadlock", opposite_moves),
        test("f05_two_first_receipts_at_once", first_receipts),
        test("compare_and_set_has_one_winner", compare_and_set),
    ]
}

async fn same_item_twice(database: Arc<Database>) -> Result<()> {
    let admin = database.client().await?;
    make_catalogue(&admin).await?;
    apply_one(
        &admin,
        json!({"op": "add", "sku": "A", "location": "W1", "quantity": 100}),
    )
    .await?;
    let outcomes = clients(&database, 16, |client, _| async move {
        let mut outcomes = Vec::new();
        for _ in 0..5 {
            let line = json!({"sku": "A", "location": "W1", "quantity": 2});
            outcomes.push(apply_one(&client, json!({"op": "reserve", "lines": [line, line]})).await?);
        }
        Ok(outcomes)
    })
    .await?
    .concat();
    ensure!(
        count(&outcomes, "applied") == 25,
        "{} orders of 4 out of 100 were taken",
        count(&outcomes, "applied")
    );
    ensure!(count(&outcomes, "IV001") == 55, "other refusals: {outcomes:?}");
    ensure!(level(&admin, "A", "W1").await?.1 == 100, "reserved");
    assert_sound(&admin).await
}

async fn share_a_thousand(database: Arc<Database>) -> Result<()> {
    let admin = database.client().await?;
    make_catalogue(&admin).await?;
    apply_one(
        &admin,
        json!({"op": "add", "sku": "A", "location": "W1", "quantity": 1000}),
    )
    .await?;
    let outcomes = clients(&database, 32, |client, _| async move {
        let mut outcomes = Vec::new();
        for _ in 0..40 {
            let row = client
                .query(
                    "select from api.reserve_stock(sku => 'A', location => 'W1', quantity => 1)",
                    &[],
                )
                .await;
            outcomes.push(match row {
                Ok(_) => "applied".to_owned(),
                Err(error) => error
                    .code()
                    .map_or_else(|| error.to_string(), |code| code.code().to_owned()),
            });
        }
        Ok(outcomes)
    })
    .await?
    .concat();
    ensure!(
        count(&outcomes, "applied") == 1000,
        "{} were reserved",
        count(&outcomes, "applied")
    );
    ensure!(
        count(&outcomes, "IV001") == 280,
        "other errors than insufficient stock: {outcomes:?}"
    );
    ensure!(
        level(&admin, "A", "W1").await? == (1000, 1000, 1001),
        "{:?}",
        level(&admin, "A", "W1").await?
    );
    assert_sound(&admin).await
}

async fn opposite_moves(database: Arc<Database>) -> Result<()> {
    let admin = database.client().await?;
    make_catalogue(&admin).await?;
    for location in ["W1", "W2"] {
        apply_one(
            &admin,
            json!({"op": "add", "sku": "A", "location": location, "quantity": 100_000}),
        )
        .await?;
    }
    let outcomes = clients(&database, 8, |client, number| async move {
        let (from, to) = if number % 2 == 0 { ("W1", "W2") } else { ("W2", "W1") };
        let mut outcomes = Vec::new();
        for _ in 0..50 {
            outcomes.push(
                apply_one(
                    &client,
                    json!({"op": "move", "sku": "A", "from": from, "to": to, "quantity": 3}),
                )
                .await?,
            );
        }
        Ok(outcomes)
    })
    .await?
    .concat();
    ensure!(count(&outcomes, "applied") == 400, "{outcomes:?}");
    ensure!(
        level(&admin, "A", "W1").await? == (100_000, 0, 401),
        "{:?}",
        level(&admin, "A", "W1").await?
    );
    assert_no_deadlock(&database).await?;
    assert_sound(&admin).await
}

async fn first_receipts(database: Arc<Database>) -> Result<()> {
    let admin = database.client().await?;
    make_catalogue(&admin).await?;
    const ROUNDS: usize = 40;
    let items: Vec<_> = (0..ROUNDS)
        .map(|round| json!({"sku": format!("N{round}"), "name": "new"}))
        .collect();
    admin
        .query("select from api.upsert_items($1)", &[&serde_json::Value::from(items)])
        .await?;
    let together = Arc::new(Barrier::new(4));
    let outcomes = clients(&database, 4, move |client, _| {
        let together = Arc::clone(&together);
        async move {
            let mut outcomes = Vec::new();
            for round in 0..ROUNDS {
                together.wait().await;
                let sku = format!("N{round}");
                // Two keys, one of them without a row, in one batch.
                let commands = json!([
                    {"op": "add", "sku": sku, "location": "W1", "quantity": 1},
                    {"op": "add", "sku": "A", "location": "W1", "quantity": 1},
                ]);
                outcomes.extend(apply(&client, commands).await?.into_iter().map(|(outcome, _)| outcome));
            }
            Ok(outcomes)
        }
    })
    .await?
    .concat();
    ensure!(count(&outcomes, "applied") == 4 * 2 * ROUNDS, "{outcomes:?}");
    for round in 0..ROUNDS {
        let found = level(&admin, &format!("N{round}"), "W1").await?;
        ensure!(found == (4, 0, 4), "item {round}: {found:?}");
    }
    assert_sound(&admin).await
}

async fn compare_and_set(database: Arc<Database>) -> Result<()> {
    let admin = database.client().await?;
    make_catalogue(&admin).await?;
    apply_one(
        &admin,
        json!({"op": "add", "sku": "A", "location": "W1", "quantity": 100}),
    )
    .await?;
    for version in 1..=20_i64 {
        let outcomes = clients(&database, 4, |client, _| async move {
            let command =
                json!({"op": "remove", "sku": "A", "location": "W1", "quantity": 1, "expected_version": version});
            apply_one(&client, command).await
        })
        .await?;
        ensure!(
            count(&outcomes, "applied") == 1 && count(&outcomes, "IV006") == 3,
            "{outcomes:?}"
        );
    }
    assert_sound(&admin).await
}
