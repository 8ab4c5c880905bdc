//! Requests sent more than once.

use super::{apply_one, assert_sound, clients, count, level, make_catalogue, test};
use anyhow::{Result, ensure};
use onhand_tests::database::Database;
use onhand_tests::suite::Body;
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

pub(super) fn all() -> Vec<(String, Body)> {
    vec![
        test("f28_one_key_from_8_clients_has_one_effect", one_key),
        test("f28_the_last_unit_under_one_key_is_answered_to_all", last_unit),
        test(
            "f28_one_confirmation_from_8_clients_is_answered_to_all",
            one_confirmation,
        ),
        test("f28_another_request_under_the_key_is_refused", another_request),
    ]
}

async fn reserve_with_key(client: &tokio_postgres::Client, key: &str) -> Result<(String, Option<Value>)> {
    let command = json!({"op": "reserve", "sku": "A", "location": "W1", "quantity": 1, "idempotency_key": key});
    Ok(super::apply(client, json!([command])).await?.remove(0))
}

async fn one_key(database: Arc<Database>) -> Result<()> {
    let admin = database.client().await?;
    make_catalogue(&admin).await?;
    apply_one(
        &admin,
        json!({"op": "add", "sku": "A", "location": "W1", "quantity": 100}),
    )
    .await?;
    for round in 0..20 {
        let key = format!("key-{round}");
        let answers = clients(&database, 8, |client, _| {
            let key = key.clone();
            async move { reserve_with_key(&client, &key).await }
        })
        .await?;
        let outcomes: Vec<String> = answers.iter().map(|answer| answer.0.clone()).collect();
        ensure!(
            count(&outcomes, "applied") == 1 && count(&outcomes, "replayed") == 7,
            "{outcomes:?}"
        );
        ensure!(
            answers.iter().all(|answer| answer.1 == answers[0].1),
            "different answers: {answers:?}"
        );
    }
    ensure!(
        level(&admin, "A", "W1").await? == (100, 20, 21),
        "{:?}",
        level(&admin, "A", "W1").await?
    );
    assert_sound(&admin).await
}

/// The ones that wait for the winner find nothing left, and must still be told of the success of their own request.
async fn last_unit(database: Arc<Database>) -> Result<()> {
    let admin = database.client().await?;
    make_catalogue(&admin).await?;
    for round in 0..20 {
        apply_one(
            &admin,
            json!({"op": "add", "sku": "A", "location": "W1", "quantity": 1}),
        )
        .await?;
        let key = format!("key-{round}");
        let answers = clients(&database, 8, |client, _| {
            let key = key.clone();
            async move { reserve_with_key(&client, &key).await }
        })
        .await?;
        let outcomes: Vec<String> = answers.into_iter().map(|answer| answer.0).collect();
        ensure!(
            count(&outcomes, "applied") == 1 && count(&outcomes, "replayed") == 7,
            "{outcomes:?}"
        );
    }
    assert_sound(&admin).await
}

async fn one_confirmation(database: Arc<Database>) -> Result<()> {
    let admin = database.client().await?;
    make_catalogue(&admin).await?;
    apply_one(
        &admin,
        json!({"op": "add", "sku": "A", "location": "W1", "quantity": 100}),
    )
    .await?;
    for _ in 0..20 {
        let id = Uuid::now_v7();
        let reserve = json!({"op": "reserve", "reservation_id": id, "sku": "A", "location": "W1", "quantity": 1});
        apply_one(&admin, reserve).await?;
        let outcomes = clients(&database, 8, move |client, _| async move {
            let key = format!("confirm {id}");
            apply_one(
                &client,
                json!({"op": "confirm", "reservation_id": id, "idempotency_key": key}),
            )
            .await
        })
        .await?;
        ensure!(
            count(&outcomes, "applied") == 1 && count(&outcomes, "replayed") == 7,
            "{outcomes:?}"
        );
    }
    assert_sound(&admin).await
}

async fn another_request(database: Arc<Database>) -> Result<()> {
    let admin = database.client().await?;
    make_catalogue(&admin).await?;
    for round in 0..20 {
        let outcomes = clients(&database, 6, move |client, number| async move {
            let quantity = number % 2 + 1;
            let key = format!("key-{round}");
            let command =
                json!({"op": "add", "sku": "A", "location": "W1", "quantity": quantity, "idempotency_key": key});
            apply_one(&client, command).await
        })
        .await?;
        ensure!(
            count(&outcomes, "applied") == 1 && count(&outcomes, "replayed") == 2 && count(&outcomes, "IV007") == 3,
            "{outcomes:?}"
        );
    }
    assert_sound(&admin).await
}
