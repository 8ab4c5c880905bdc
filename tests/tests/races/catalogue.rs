//! Items and locations that several change at once.

use super::{assert_no_deadlock, clients, make_catalogue, test};
use anyhow::{Result, ensure};
use onhand_tests::database::Database;
use onhand_tests::suite::Body;
use serde_json::{Value, json};
use std::sync::Arc;

pub(super) fn all() -> Vec<(String, Body)> {
    vec![
        test("changes_of_different_fields_are_all_kept", different_fields),
        test("overlapping_sets_never_deadlock", overlapping_sets),
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
