//! What changes while a command waits for a lock: each race is arranged, so that it happens every time.

use super::{apply, apply_one, assert_sound, level, make_catalogue, test};
use anyhow::{Context, Result, ensure};
use onhand_tests::database::Database;
use onhand_tests::inventory;
use onhand_tests::suite::Body;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

pub(super) fn all() -> Vec<(String, Body)> {
    vec![
        test("a_reservation_made_while_its_confirmation_waits", reservation_made),
        test("an_item_made_while_its_receipt_waits", item_made),
        test(
            "a_reservation_cancelled_while_its_confirmation_waits",
            reservation_cancelled,
        ),
        test(
            "a_reservation_moved_or_extended_while_a_batch_that_closes_it_waits",
            reservation_changed,
        ),
        test("f05_a_first_receipt_that_waits_for_another_adds_to_it", first_receipt),
        test(
            "a_mixed_batch_gives_way_to_whoever_makes_what_it_needs",
            mixed_gives_way,
        ),
        test(
            "a_special_receipt_outlasts_whoever_makes_its_row",
            special_receipt_waits,
        ),
        test("a_row_made_while_due_holds_are_freed_is_not_waited_for", row_made),
        test(
            "alert_levels_that_change_while_they_are_locked_are_all_answered",
            alert_levels,
        ),
        test("f30_an_epoch_raised_while_writers_run", epoch_raised),
        test("f30_rows_that_somebody_holds_are_renewed_last", held_rows_last),
        test("a_slot_is_made_while_definitions_change", slot_made),
    ]
}

/// Runs a batch in one session while another has applied `first` and not committed; commits once the batch waits for it.
async fn while_waiting(database: &Database, first: Value, before_commit: &str, batch: Value) -> Result<Vec<String>> {
    let holder = database.client().await?;
    let waiter = database.api_client().await?;
    let watcher = database.client().await?;
    let pid = inventory::pid(&waiter).await?;
    holder.batch_execute("begin").await?;
    let outcomes = apply(&holder, first).await?;
    ensure!(outcomes.iter().all(|outcome| outcome.0 == "applied"), "{outcomes:?}");
    let waiting = tokio::spawn(async move { apply(&waiter, batch).await });
    inventory::wait_until_blocked(&watcher, pid).await?;
    holder.batch_execute(before_commit).await?;
    holder.batch_execute("commit").await?;
    Ok(waiting.await??.into_iter().map(|outcome| outcome.0).collect())
}

/// The slot waits for the transactions under way when it begins, then for those that began meanwhile. What ends between the two
/// and has changed a definition is what Postgres stumbles over.
async fn slot_made(database: Arc<Database>) -> Result<()> {
    let (before, meanwhile) = (database.client().await?, database.client().await?);
    let (maker, other) = (database.client().await?, database.client().await?);
    before
        .batch_execute("begin; create table public.before (i int)")
        .await?;
    let making = tokio::spawn(async move { maker.query_one("select api.ensure_replication_slot()", &[]).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    meanwhile
        .batch_execute("begin; create table public.meanwhile (i int)")
        .await?;
    before.batch_execute("commit").await?;
    for _ in 0..20 {
        other
            .batch_execute("create table public.other (i int); drop table public.other")
            .await?;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    meanwhile.batch_execute("rollback").await?;
    let told: String = making.await??.get(0);
    ensure!(told == "created", "{told}");
    Ok(())
}

/// Two members judge the same levels: whoever waits is told of every one of them, as the other left it.
async fn alert_levels(database: Arc<Database>) -> Result<()> {
    let admin = database.client().await?;
    make_catalogue(&admin).await?;
    let lock = "with k as (select array_agg(i.id) as items, array_agg('W1'::text) as places from inventory.item as i) \
        select array_agg(l.version) from k, api.lock_alert_levels(k.items, k.places) as l";
    let holder = database.client().await?;
    let waiter = database.client().await?;
    let pid = inventory::pid(&waiter).await?;
    holder.query_one(lock, &[]).await?;
    holder
        .batch_execute("begin; update inventory.alert_level set version = version + 1")
        .await?;
    let waiting = tokio::spawn(async move { waiter.query_one(lock, &[]).await });
    inventory::wait_until_blocked(&admin, pid).await?;
    holder.batch_execute("commit").await?;
    let versions: Vec<i64> = waiting.await??.get(0);
    let items: i64 = admin
        .query_one("select count(*) from inventory.item", &[])
        .await?
        .get(0);
    ensure!(
        items > 2 && versions == vec![1; usize::try_from(items)?],
        "{versions:?} of {items}"
    );
    Ok(())
}

/// One session makes a row that a mixed batch needs too, and then wants a row that the batch has locked.
async fn mixed_gives_way(database: Arc<Database>) -> Result<()> {
    let admin = database.client().await?;
    make_catalogue(&admin).await?;
    let add = |sku: &str, location: &str| json!({"op": "add", "sku": sku, "location": location, "quantity": 10});
    apply_one(&admin, add("B", "W1")).await?;
    let holder = database.client().await?;
    let waiter = database.api_client().await?;
    let pid = inventory::pid(&waiter).await?;
    holder.batch_execute("begin").await?;
    apply_one(&holder, add("A", "W3")).await?;
    // Special, hence mixed: the damaged unit. It locks B, and must wait for A, which has no row that it could lock.
    let damaged = json!({"op": "quarantine", "sku": "B", "location": "W1", "quantity": 1, "reason": "damage"});
    let batch = json!([add("B", "W1"), damaged, add("A", "W3")]);
    let waiting = tokio::spawn(async move { apply(&waiter, batch).await });
    inventory::wait_until_blocked(&admin, pid).await?;
    let outcome = apply_one(&holder, add("B", "W1")).await?;
    holder.batch_execute("commit").await?;
    ensure!(outcome == "applied", "{outcome}");
    let outcomes = waiting.await??;
    ensure!(outcomes.iter().all(|outcome| outcome.0 == "applied"), "{outcomes:?}");
    ensure!(level(&admin, "A", "W3").await?.0 == 20, "both receipts count");
    inventory::assert_no_deadlock(&database).await?;
    assert_sound(&admin).await
}

/// A special command whose row another session makes, and does not commit for longer than it gives way: it waits, and is decided again.
async fn special_receipt_waits(database: Arc<Database>) -> Result<()> {
    let admin = database.client().await?;
    make_catalogue(&admin).await?;
    let units = "select from api.set_item_units('A', '[{\"unit\": \"CASE\", \"quantity\": 6}]')";
    admin.query(units, &[]).await?;
    let add = json!({"op": "add", "sku": "A", "location": "W3", "quantity": 1, "unit": "CASE"});
    // It gives way four times, after at most 60, 120, 180 and 240 ms.
    let outcomes = while_waiting(&database, json!([add]), "select pg_sleep(1)", json!([add])).await?;
    ensure!(outcomes == ["applied"], "{outcomes:?}");
    ensure!(level(&admin, "A", "W3").await?.0 == 12, "both receipts count");
    assert_sound(&admin).await
}

/// A batch that holds a row, and found none where a lower key is, must not lock that one later: whoever made it wants both.
async fn row_made(database: Arc<Database>) -> Result<()> {
    let admin = database.client().await?;
    make_catalogue(&admin).await?;
    let add = |sku: &str| json!({"op": "add", "sku": sku, "location": "W1", "quantity": 10});
    apply_one(&admin, add("B")).await?;
    let id = Uuid::now_v7();
    let hold = json!({"op": "reserve", "sku": "B", "location": "W1", "quantity": 1, "reservation_id": id, "expires_in_seconds": 0.05});
    apply_one(&admin, hold).await?;
    tokio::time::sleep(Duration::from_millis(100)).await;
    // Stops the batch where it frees what is due.
    let holder = database.client().await?;
    holder.batch_execute("begin").await?;
    holder
        .execute(
            "select from inventory.reservation_line where reservation_id = $1 for update",
            &[&id],
        )
        .await?;
    let (freeing, both) = (database.api_client().await?, database.api_client().await?);
    let (freeing_pid, both_pid) = (inventory::pid(&freeing).await?, inventory::pid(&both).await?);
    let of = |op: &str, sku: &str| json!({"op": op, "sku": sku, "location": "W1", "quantity": 1});
    let batch = json!([of("remove", "B"), of("reserve", "A")]);
    let freeing = tokio::spawn(async move { apply(&freeing, batch).await });
    inventory::wait_until_blocked(&admin, freeing_pid).await?;
    apply_one(&admin, add("A")).await?;
    let batch = json!([add("A"), add("B")]);
    let both = tokio::spawn(async move { apply(&both, batch).await });
    inventory::wait_until_blocked(&admin, both_pid).await?;
    holder.batch_execute("commit").await?;
    let names =
        |outcomes: Vec<(String, Option<Value>)>| outcomes.into_iter().map(|outcome| outcome.0).collect::<Vec<_>>();
    let (freed, added) = (names(freeing.await??), names(both.await??));
    ensure!(freed == ["applied", "IV001"], "{freed:?}");
    ensure!(added == ["applied", "applied"], "{added:?}");
    ensure!(level(&admin, "B", "W1").await?.0 == 19, "both changes count");
    inventory::assert_no_deadlock(&database).await?;
    assert_sound(&admin).await
}

/// Whoever renews holds many rows of every kind: it must not wait for another one meanwhile.
async fn held_rows_last(database: Arc<Database>) -> Result<()> {
    let admin = database.client().await?;
    make_catalogue(&admin).await?;
    apply_one(
        &admin,
        json!({"op": "add", "sku": "A", "location": "W1", "quantity": 10}),
    )
    .await?;
    let (held, free) = (Uuid::now_v7(), Uuid::now_v7());
    for id in [held, free] {
        apply_one(
            &admin,
            json!({"op": "reserve", "sku": "A", "location": "W1", "quantity": 1, "reservation_id": id}),
        )
        .await?;
    }
    admin.query("select api.raise_epoch('restored')", &[]).await?;
    let holder = database.client().await?;
    holder.batch_execute("begin").await?;
    holder
        .execute("select from inventory.reservation where id = $1 for update", &[&held])
        .await?;
    let renew = "select api.renew_versions()";
    let renewed: i64 = admin.query_one(renew, &[]).await?.get(0);
    ensure!(renewed > 1, "everything else is lifted at once");
    let waiter = database.client().await?;
    let pid = inventory::pid(&waiter).await?;
    let waiting = tokio::spawn(async move { waiter.query_one(renew, &[]).await });
    inventory::wait_until_blocked(&admin, pid).await?;
    holder.batch_execute("commit").await?;
    let last: i64 = waiting.await??.get(0);
    let none: i64 = admin.query_one(renew, &[]).await?.get(0);
    ensure!((last, none) == (1, 0), "the last one is waited for: {last}, {none}");
    assert_sound(&admin).await
}

async fn reservation_made(database: Arc<Database>) -> Result<()> {
    let admin = database.client().await?;
    make_catalogue(&admin).await?;
    let add = |sku: &str| json!({"op": "add", "sku": sku, "location": "W1", "quantity": 10});
    apply(&admin, json!([add("A"), add("B")])).await?;
    let id = Uuid::now_v7();
    let line = |sku: &str| json!({"sku": sku, "location": "W1", "quantity": 2});
    let outcomes = while_waiting(
        &database,
        json!([{"op": "reserve", "reservation_id": id, "lines": [line("A"), line("B")]}]),
        "",
        json!([add("A"), {"op": "confirm", "reservation_id": id}]),
    )
    .await?;
    ensure!(outcomes[0] == "applied", "{outcomes:?}");
    // It may count as too early or be confirmed, but wholly.
    ensure!(["applied", "IV005"].contains(&outcomes[1].as_str()), "{outcomes:?}");
    assert_sound(&admin).await
}

async fn item_made(database: Arc<Database>) -> Result<()> {
    let admin = database.client().await?;
    make_catalogue(&admin).await?;
    apply_one(
        &admin,
        json!({"op": "add", "sku": "A", "location": "W1", "quantity": 10}),
    )
    .await?;
    let id = Uuid::now_v7();
    let outcomes = while_waiting(
        &database,
        json!([{"op": "remove", "sku": "A", "location": "W1", "quantity": 1}]),
        "select * from api.upsert_item('NEW', 'made meanwhile')",
        json!([
            {"op": "reserve", "reservation_id": id, "sku": "A", "location": "W1", "quantity": 1},
            {"op": "add", "sku": "NEW", "location": "W1", "quantity": 5},
        ]),
    )
    .await?;
    ensure!(outcomes[0] == "applied", "{outcomes:?}");
    // Refused, or done: never answered as done and not done.
    match outcomes[1].as_str() {
        "IV003" => {}
        "applied" => ensure!(level(&admin, "NEW", "W1").await?.0 == 5, "acknowledged and lost"),
        other => anyhow::bail!("{other}"),
    }
    assert_sound(&admin).await
}

async fn reservation_cancelled(database: Arc<Database>) -> Result<()> {
    let admin = database.client().await?;
    make_catalogue(&admin).await?;
    apply_one(
        &admin,
        json!({"op": "add", "sku": "A", "location": "W1", "quantity": 10}),
    )
    .await?;
    let id = Uuid::now_v7();
    apply_one(
        &admin,
        json!({"op": "reserve", "reservation_id": id, "sku": "A", "location": "W1", "quantity": 10}),
    )
    .await?;
    let outcomes = while_waiting(
        &database,
        json!([{"op": "cancel", "reservation_id": id}]),
        "",
        json!([
            {"op": "confirm", "reservation_id": id},
            {"op": "reserve", "sku": "A", "location": "W1", "quantity": 10},
        ]),
    )
    .await?;
    ensure!(outcomes == ["IV009", "applied"], "{outcomes:?}");
    assert_sound(&admin).await
}

/// A batch that closes holds has read them before it waits: what it locked may no longer be all that it needs.
async fn reservation_changed(database: Arc<Database>) -> Result<()> {
    let admin = database.client().await?;
    make_catalogue(&admin).await?;
    let add = |sku: &str, location: &str| json!({"op": "add", "sku": sku, "location": location, "quantity": 10});
    apply(&admin, json!([add("A", "W1"), add("A", "W2"), add("B", "W1")])).await?;
    let (moved, extended) = (Uuid::now_v7(), Uuid::now_v7());
    for id in [moved, extended] {
        let hold = json!({"op": "reserve", "reservation_id": id, "sku": "A", "location": "W1", "quantity": 4});
        apply_one(&admin, hold).await?;
    }
    let outcomes = while_waiting(
        &database,
        json!([
            {"op": "relocate", "reservation_id": moved, "to": "W2"},
            {"op": "extend", "reservation_id": extended, "expires_in_seconds": 3_600},
        ]),
        "",
        json!([
            {"op": "confirm", "reservation_id": moved},
            {"op": "cancel", "reservation_id": extended},
            {"op": "reserve", "sku": "B", "location": "W1", "quantity": 1},
        ]),
    )
    .await?;
    ensure!(outcomes == ["applied", "applied", "applied"], "{outcomes:?}");
    let (left, sold) = (level(&admin, "A", "W1").await?, level(&admin, "A", "W2").await?);
    ensure!((left.0, left.1) == (10, 0), "nothing is held where it was: {left:?}");
    ensure!((sold.0, sold.1) == (6, 0), "it is sold where it came to: {sold:?}");
    inventory::assert_no_deadlock(&database).await?;
    assert_sound(&admin).await
}

async fn first_receipt(database: Arc<Database>) -> Result<()> {
    let admin = database.client().await?;
    make_catalogue(&admin).await?;
    let add = |quantity: i64| json!([{"op": "add", "sku": "A", "location": "W1", "quantity": quantity}]);
    let outcomes = while_waiting(&database, add(3), "", add(4)).await?;
    ensure!(outcomes == ["applied"], "{outcomes:?}");
    ensure!(
        level(&admin, "A", "W1").await? == (7, 0, 2),
        "{:?}",
        level(&admin, "A", "W1").await?
    );
    assert_sound(&admin).await
}

async fn epoch_raised(database: Arc<Database>) -> Result<()> {
    let admin = database.client().await?;
    make_catalogue(&admin).await?;
    let writers = super::clients(&database, 4, |client, _| async move {
        let mut versions = Vec::new();
        for _ in 0..60 {
            let command = json!([{"op": "add", "sku": "A", "location": "W1", "quantity": 1}]);
            let answer = apply(&client, command).await?.remove(0).1.context("no answer")?;
            versions.push(answer["levels"][0]["version"].as_i64().context("no version")?);
        }
        Ok(versions)
    });
    let raiser = async {
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_millis(20)).await;
            admin.query_one("select api.raise_epoch('test')", &[]).await?;
        }
        Ok::<_, anyhow::Error>(())
    };
    let (versions, raised) = tokio::join!(writers, raiser);
    raised?;
    for versions in versions? {
        ensure!(
            versions.is_sorted_by(|earlier, later| earlier < later),
            "versions of one client fell: {versions:?}"
        );
    }
    let last = apply(
        &admin,
        json!([{"op": "add", "sku": "A", "location": "W1", "quantity": 1}]),
    )
    .await?
    .remove(0)
    .1;
    let version = last.context("no answer")?["levels"][0]["version"]
        .as_i64()
        .context("no version")?;
    ensure!(
        version >= 3 << 40,
        "the last version {version} is not in the last epoch"
    );
    assert_sound(&admin).await
}
