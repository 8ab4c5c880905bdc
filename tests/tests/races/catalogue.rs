//! Items and locations that several change at once.

use super::{assert_no_deadlock, assert_sound, clients, make_catalogue, test};
use anyhow::{Result, ensure};
use onhand_tests::database::Database;
use onhand_tests::inventory;
use onhand_tests::suite::Body;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio_postgres::Client;

pub(super) fn all() -> Vec<(String, Body)> {
    vec![
        test("changes_of_different_fields_are_all_kept", different_fields),
        test("overlapping_sets_never_deadlock", overlapping_sets),
        test("two_items_never_become_parents_of_each_other", parents_at_once),
        test("an_item_is_not_retyped_under_its_first_receipt", retyped_items),
        test("first_settings_of_different_fields_are_all_kept", first_settings),
    ]
}

async fn different_fields(database: Arc<Database>) -> Result<()> {
    let admin = database.client().await?;
    make_catalogue(&admin).await?;
    for round in 0..40_i32 {
        clients(&database, 2, move |client, number| async move {
            if number == 0 {
                client
                    .query(
                        "select from api.upsert_item('A', name => $1)",
                        &[&format!("name {round}")],
                    )
                    .await?;
                client
                    .query(
                        "select from api.upsert_location('W1', name => $1)",
                        &[&format!("name {round}")],
                    )
                    .await?;
            } else {
                client
                    .query(
                        "select from api.upsert_item('A', description => $1)",
                        &[&format!("text {round}")],
                    )
                    .await?;
                client
                    .query("select from api.upsert_location('W1', priority => $1)", &[&round])
                    .await?;
            }
            Ok(())
        })
        .await?;
        let item = admin
            .query_one("select name, description from api.get_item('A')", &[])
            .await?;
        let found: (String, Option<String>) = (item.get(0), item.get(1));
        ensure!(
            found == (format!("name {round}"), Some(format!("text {round}"))),
            "a change of the item was lost: {found:?}"
        );
        let location = admin
            .query_one("select name, priority from api.get_location('W1')", &[])
            .await?;
        let found: (String, i32) = (location.get(0), location.get(1));
        ensure!(
            found == (format!("name {round}"), round),
            "a change of the location was lost: {found:?}"
        );
    }
    Ok(())
}

async fn overlapping_sets(database: Arc<Database>) -> Result<()> {
    let admin = database.client().await?;
    make_catalogue(&admin).await?;
    clients(&database, 6, |client, number| async move {
        for round in 0..20 {
            let mut items: Vec<Value> = (0..40)
                .map(|at| {
                    json!({"sku": format!("S{}", (at * 7 + round) % 60), "name": format!("{number} {round}"),
                        "category": format!("c{}", (at * 11 + number) % 50)})
                })
                .collect();
            items.sort_by_key(|item| item["sku"].to_string());
            items.dedup_by_key(|item| item["sku"].to_string());
            if number % 2 == 0 {
                items.reverse();
            }
            client
                .query("select from api.upsert_items($1)", &[&Value::from(items)])
                .await?;
        }
        Ok(())
    })
    .await?;
    assert_no_deadlock(&database).await
}

/// Runs `second` while another session has run `first` and not committed; commits once it waits for it. Answers its SQLSTATE if it failed.
async fn while_waiting(database: &Database, first: &str, second: &'static str) -> Result<Option<String>> {
    let holder = database.client().await?;
    let waiter = database.api_client().await?;
    let watcher = database.client().await?;
    let pid = inventory::pid(&waiter).await?;
    holder.batch_execute("begin").await?;
    holder.batch_execute(first).await?;
    let waiting = tokio::spawn(async move {
        let outcome = waiter.batch_execute(second).await;
        // An error is told before its transaction has ended; the next answer comes after that.
        waiter.batch_execute("select").await?;
        outcome
    });
    inventory::wait_until_blocked(&watcher, pid).await?;
    holder.batch_execute("commit").await?;
    match waiting.await? {
        Ok(()) => Ok(None),
        Err(error) => Ok(Some(
            error
                .code()
                .map_or_else(|| error.to_string(), |code| code.code().to_owned()),
        )),
    }
}

/// How many rows there are.
async fn found(client: &Client, of: &str) -> Result<i64> {
    Ok(client
        .query_one(&format!("select count(*) from {of}"), &[])
        .await?
        .get(0))
}

async fn parents_at_once(database: Arc<Database>) -> Result<()> {
    let admin = database.client().await?;
    make_catalogue(&admin).await?;
    let refused = while_waiting(
        &database,
        "select from api.upsert_item('A', parent_sku => 'B')",
        "select from api.upsert_item('B', parent_sku => 'A')",
    )
    .await?;
    ensure!(refused.as_deref() == Some("IV008"), "{refused:?}");
    ensure!(
        found(&admin, "inventory.item where parent_id is not null").await? == 1,
        "one of them has a parent"
    );
    Ok(())
}

async fn first_settings(database: Arc<Database>) -> Result<()> {
    let admin = database.client().await?;
    make_catalogue(&admin).await?;
    admin.batch_execute("select from api.upsert_supplier('S')").await?;
    let refused = while_waiting(
        &database,
        "select from api.set_item_supplier('A', 'S', lead_time_days => 3, order_multiple => 6)",
        "select from api.set_item_supplier('A', 'S', minimum_order_quantity => 12)",
    )
    .await?;
    ensure!(refused.is_none(), "{refused:?}");
    let terms = "inventory.item_supplier where (lead_time_days, order_multiple, minimum_order_quantity) = (3, 6, 12)";
    ensure!(found(&admin, terms).await? == 1, "terms were lost");
    let refused = while_waiting(
        &database,
        "select from api.set_item_planning('A', 'W1', service_level => 0.9, ordering_cost => 500)",
        "select from api.set_item_planning('A', 'W1', demand_days => 30)",
    )
    .await?;
    ensure!(refused.is_none(), "{refused:?}");
    let settings = "inventory.item_planning where (service_level, ordering_cost, demand_days) = (0.9, 500, 30)";
    ensure!(found(&admin, settings).await? == 1, "settings were lost");
    assert_no_deadlock(&database).await
}

/// What an item is and the stock that comes in of it are decided one after the other, whichever is first.
async fn retyped_items(database: Arc<Database>) -> Result<()> {
    let admin = database.client().await?;
    make_catalogue(&admin).await?;
    admin
        .batch_execute(
            "select from api.upsert_items('[{\"sku\": \"C\", \"name\": \"c\"}, {\"sku\": \"D\", \"name\": \"d\"}, {\"sku\": \"E\", \"name\": \"e\"}]'); \
             select from api.add_stock('B', 'W1', 1); select from api.remove_stock('B', 'W1', 1); \
             select from api.add_stock('D', 'W1', 1); select from api.remove_stock('D', 'W1', 1)",
        )
        .await?;
    // A has no level yet, B an empty one; the batches go the ways of one line and of several.
    let types = |tracking: &str, kind: &str| {
        let items =
            json!([{"sku": "A", "tracking": tracking}, {"sku": "B", "tracking": tracking}, {"sku": "E", "kind": kind}]);
        format!("select from api.upsert_items('{items}')")
    };
    for receipt in [
        "select from api.add_stock('A', 'W1', 5)",
        "select from api.add_stock('B', 'W1', 5)",
        "select from api.add_stock('E', 'W1', 5)",
        "do $$ begin
            if exists (select from api.apply_commands('[{\"op\": \"add\", \"sku\": \"B\", \"location\": \"W1\", \"quantity\": 1},
                {\"op\": \"add\", \"sku\": \"B\", \"location\": \"W1\", \"quantity\": 2}]') where code is null) then raise 'taken'; end if;
            raise sqlstate 'IV008';
        end $$",
    ] {
        let refused = while_waiting(&database, &types("lot", "bundle"), receipt).await?;
        ensure!(
            matches!(refused.as_deref(), Some("IV008" | "IV016" | "IV021" | "IV023")),
            "{receipt}: {refused:?}"
        );
        admin.batch_execute(&types("none", "physical")).await?;
    }
    // The other way round it is not waited for: C gets its first level, D stock on an empty one.
    for sku in ["C", "D"] {
        let holder = database.client().await?;
        holder
            .batch_execute(&format!("begin; select from api.add_stock('{sku}', 'W1', 5)"))
            .await?;
        let retype = format!("select from api.upsert_item('{sku}', tracking => 'lot')");
        let error = admin
            .batch_execute(&retype)
            .await
            .expect_err("stock of it is being written");
        ensure!(error.code().is_some_and(|code| code.code() == "40001"), "{error}");
        holder.batch_execute("commit").await?;
        let error = admin.batch_execute(&retype).await.expect_err("it has stock");
        ensure!(error.code().is_some_and(|code| code.code() == "IV008"), "{error}");
    }
    assert_no_deadlock(&database).await?;
    assert_sound(&admin).await
}
