//! Holds that end while others want what they keep.

use super::{apply, apply_one, assert_no_deadlock, assert_sound, clients, count, level, make_catalogue, test};
use anyhow::{Result, ensure};
use onhand_tests::database::Database;
use onhand_tests::suite::Body;
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

pub(super) fn all() -> Vec<(String, Body)> {
    vec![
        test("f08_a_due_hold_is_sold_once_and_not_early", due_hold),
        test("reserve_races_expire", reserve_and_expire),
        test("confirm_races_cancel", confirm_and_cancel),
        test("confirm_races_the_deadline", confirm_at_the_deadline),
        test("sweepers_and_writers_on_holds_of_several_lines", several_lines),
        test(
            "who_gets_stock_at_two_places_at_once_has_a_version_for_each",
            filled_at_once,
        ),
        test("f09_one_hold_stands_of_many_replacements_at_once", replacements),
    ]
}

async fn due_hold(database: Arc<Database>) -> Result<()> {
    let admin = database.client().await?;
    make_catalogue(&admin).await?;
    apply_one(
        &admin,
        json!({"op": "add", "sku": "A", "location": "W1", "quantity": 1}),
    )
    .await?;
    let hold = json!({"op": "reserve", "sku": "A", "location": "W1", "quantity": 1, "expires_in_seconds": 0.5});
    apply_one(&admin, hold).await?;
    let outcomes = clients(&database, 16, |client, _| async move {
        let begun = Instant::now();
        let mut wins = 0;
        while begun.elapsed() < Duration::from_secs(2) && wins == 0 {
            let outcome = apply_one(
                &client,
                json!({"op": "reserve", "sku": "A", "location": "W1", "quantity": 1}),
            )
            .await?;
            ensure!(["applied", "IV001"].contains(&outcome.as_str()), "{outcome}");
            wins += usize::from(outcome == "applied");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(wins)
    })
    .await?;
    ensure!(
        outcomes.iter().sum::<usize>() == 1,
        "sold {} times",
        outcomes.iter().sum::<usize>()
    );
    let early: i64 = admin
        .query_one(
            "select count(*) from inventory.stock_movement as m join inventory.reservation as r on r.id = m.reservation_id \
             where m.type = 'expire' and m.recorded_at < r.expires_at",
            &[],
        )
        .await?
        .get(0);
    ensure!(early == 0, "freed before its deadline");
    assert_sound(&admin).await
}

/// Receipts of two items at once fill the lines of the same reservations: their headers are renewed without a deadlock, none is missed.
async fn filled_at_once(database: Arc<Database>) -> Result<()> {
    let admin = database.client().await?;
    make_catalogue(&admin).await?;
    admin
        .batch_execute(
            "select from api.set_stock_policy('A', 'W1', policy => 'backorder'); \
             select from api.set_stock_policy('B', 'W1', policy => 'backorder')",
        )
        .await?;
    let line = |sku: &str| json!({"sku": sku, "location": "W1", "quantity": 3});
    for _ in 0..20 {
        let waiting = json!({"op": "reserve", "lines": [line("A"), line("B")], "expires_in_seconds": 3600});
        ensure!(apply_one(&admin, waiting).await? == "applied", "nobody waits");
    }
    clients(&database, 4, |client, number| async move {
        let sku = if number % 2 == 0 { "A" } else { "B" };
        for _ in 0..6 {
            let receipt = json!({"op": "add", "sku": sku, "location": "W1", "quantity": 5});
            let outcome = apply_one(&client, receipt).await?;
            ensure!(outcome == "applied", "{outcome}");
        }
        Ok(())
    })
    .await?;
    let rows = admin
        .query(
            "select r.version, (select count(*) from inventory.stock_movement as m where m.type = 'allocate' and m.reservation_id = r.id), \
                (select sum(l.backordered)::bigint from inventory.reservation_line as l where l.reservation_id = r.id) \
             from inventory.reservation as r",
            &[],
        )
        .await?;
    ensure!(rows.len() == 20, "{} reservations", rows.len());
    for row in &rows {
        let (version, filled, waiting): (i64, i64, i64) = (row.get(0), row.get(1), row.get(2));
        ensure!(
            filled >= 2 && waiting == 0,
            "filled {filled} times, {waiting} are waiting"
        );
        ensure!(
            version == 1 + filled,
            "version {version} after it was filled {filled} times"
        );
    }
    assert_no_deadlock(&database).await?;
    assert_sound(&admin).await
}

async fn replacements(database: Arc<Database>) -> Result<()> {
    let admin = database.client().await?;
    make_catalogue(&admin).await?;
    apply_one(
        &admin,
        json!({"op": "add", "sku": "A", "location": "W1", "quantity": 5}),
    )
    .await?;
    clients(&database, 8, |client, _| async move {
        for quantity in 1..=5 {
            let replace = json!({"op": "reserve", "sku": "A", "location": "W1", "quantity": quantity,
                "owner": "shopper", "replace": true});
            // Never short: a shopper's own old hold is not in the way.
            let outcome = apply_one(&client, replace).await?;
            ensure!(outcome == "applied", "{outcome}");
        }
        Ok(())
    })
    .await?;
    let pending: i64 = admin
        .query_one(
            "select count(*) from inventory.reservation where owner = 'shopper' and status = 'PENDING'",
            &[],
        )
        .await?
        .get(0);
    ensure!(pending == 1, "{pending} holds stand");
    assert_no_deadlock(&database).await?;
    assert_sound(&admin).await
}

async fn reserve_and_expire(database: Arc<Database>) -> Result<()> {
    let admin = database.client().await?;
    make_catalogue(&admin).await?;
    apply_one(
        &admin,
        json!({"op": "add", "sku": "A", "location": "W1", "quantity": 10}),
    )
    .await?;
    let counts = clients(&database, 8, |client, number| async move {
        let begun = Instant::now();
        let mut done = 0_i64;
        while begun.elapsed() < Duration::from_secs(2) {
            if number < 2 {
                done += i64::from(
                    client
                        .query_one("select api.expire_reservations()", &[])
                        .await?
                        .get::<_, i32>(0),
                );
            } else {
                let command =
                    json!({"op": "reserve", "sku": "A", "location": "W1", "quantity": 3, "expires_in_seconds": 0.02});
                let outcome = apply_one(&client, command).await?;
                ensure!(["applied", "IV001"].contains(&outcome.as_str()), "{outcome}");
                done += i64::from(outcome == "applied");
            }
        }
        Ok(done)
    })
    .await?;
    ensure!(counts[2..].iter().sum::<i64>() > 3, "nothing came free: {counts:?}");
    assert_sound(&admin).await?;
    tokio::time::sleep(Duration::from_millis(50)).await;
    admin.query_one("select api.expire_reservations()", &[]).await?;
    ensure!(level(&admin, "A", "W1").await?.1 == 0, "everything is free at the end");
    let open: i64 = admin
        .query_one(
            "select count(*) from inventory.reservation where status = 'PENDING'",
            &[],
        )
        .await?
        .get(0);
    ensure!(open == 0, "{open} reservations are pending");
    assert_sound(&admin).await
}

async fn confirm_and_cancel(database: Arc<Database>) -> Result<()> {
    let admin = database.client().await?;
    make_catalogue(&admin).await?;
    let add = |sku: &str| json!({"op": "add", "sku": sku, "location": "W1", "quantity": 1000});
    apply(&admin, json!([add("A"), add("B")])).await?;
    for round in 0..30 {
        let id = Uuid::now_v7();
        let line = |sku: &str| json!({"sku": sku, "location": "W1", "quantity": 2});
        apply_one(
            &admin,
            json!({"op": "reserve", "reservation_id": id, "lines": [line("A"), line("B")]}),
        )
        .await?;
        let outcomes = clients(&database, 4, move |client, number| async move {
            let op = if number % 2 == 0 { "confirm" } else { "cancel" };
            apply_one(&client, json!({"op": op, "reservation_id": id})).await
        })
        .await?;
        ensure!(
            count(&outcomes, "applied") == 1 && count(&outcomes, "IV009") == 3,
            "round {round}: exactly one wins: {outcomes:?}"
        );
    }
    assert_sound(&admin).await
}

async fn confirm_at_the_deadline(database: Arc<Database>) -> Result<()> {
    let admin = database.client().await?;
    make_catalogue(&admin).await?;
    apply_one(
        &admin,
        json!({"op": "add", "sku": "A", "location": "W1", "quantity": 1000}),
    )
    .await?;
    let mut sold = 0;
    for _ in 0..30 {
        let id = Uuid::now_v7();
        let hold = json!({"op": "reserve", "reservation_id": id, "sku": "A", "location": "W1", "quantity": 1,
            "expires_in_seconds": 0.012});
        apply_one(&admin, hold).await?;
        let outcomes = clients(&database, 3, move |client, number| async move {
            if number == 0 {
                client.query_one("select api.expire_reservations()", &[]).await?;
                return Ok("swept".to_owned());
            }
            apply_one(&client, json!({"op": "confirm", "reservation_id": id})).await
        })
        .await?;
        let wins = count(&outcomes, "applied");
        ensure!(wins <= 1, "sold twice: {outcomes:?}");
        ensure!(
            outcomes
                .iter()
                .all(|o| ["swept", "applied", "IV002", "IV009"].contains(&o.as_str())),
            "{outcomes:?}"
        );
        sold += wins;
    }
    let (on_hand, ..) = level(&admin, "A", "W1").await?;
    ensure!(on_hand == 1000 - i64::try_from(sold)?, "{sold} sold, {on_hand} left");
    assert_sound(&admin).await
}

async fn several_lines(database: Arc<Database>) -> Result<()> {
    let admin = database.client().await?;
    make_catalogue(&admin).await?;
    let add = |sku: &str| json!({"op": "add", "sku": sku, "location": "W1", "quantity": 20});
    apply(&admin, json!([add("A"), add("B"), add("C")])).await?;
    clients(&database, 8, |client, number| async move {
        let begun = Instant::now();
        let mut round = number;
        while begun.elapsed() < Duration::from_secs(2) {
            round += 1;
            let line = |at: usize| json!({"sku": (["A", "B", "C"][at % 3]), "location": "W1", "quantity": 1});
            let outcome = match number {
                0 | 1 => {
                    client.query_one("select api.expire_reservations()", &[]).await?;
                    continue;
                }
                // Touches one key of holds that span two.
                2 | 3 => {
                    let sku = ["A", "B", "C"][round % 3];
                    apply_one(
                        &client,
                        json!({"op": "adjust", "sku": sku, "location": "W1", "quantity": 1, "reason": "r"}),
                    )
                    .await?
                }
                _ => {
                    let lines = json!([line(round), line(round + 1)]);
                    apply_one(
                        &client,
                        json!({"op": "reserve", "lines": lines, "expires_in_seconds": 0.01}),
                    )
                    .await?
                }
            };
            ensure!(["applied", "IV001"].contains(&outcome.as_str()), "{outcome}");
        }
        Ok(())
    })
    .await?;
    tokio::time::sleep(Duration::from_millis(30)).await;
    admin.query_one("select api.expire_reservations()", &[]).await?;
    for sku in ["A", "B", "C"] {
        ensure!(level(&admin, sku, "W1").await?.1 == 0, "everything is free at the end");
    }
    let open: i64 = admin
        .query_one(
            "select count(*) from inventory.reservation where status = 'PENDING'",
            &[],
        )
        .await?
        .get(0);
    ensure!(open == 0, "{open} reservations are pending");
    assert_sound(&admin).await
}
