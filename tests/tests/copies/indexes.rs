//! Versions and values in a search index.

use crate::index::{EXTERNAL, Index};
use crate::slots;
use crate::story::{event, item, level};
use anyhow::{Context, Result, ensure};
use onhand_cdc::Table;
use onhand_cdc::envelope::UNAVAILABLE;
use onhand_consumers::ElasticsearchConfig;
use onhand_consumers::runtime::Event;
use onhand_consumers::search::Replay;
use onhand_tests::database::Database;
use onhand_tests::inventory;
use onhand_tests::suite::{Body, must_find, test};
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

pub(super) fn all() -> Vec<(String, Body)> {
    vec![
        test("f13_version_is_the_offset_of_a_topic_made_again", offsets_as_versions),
        test("f14_delete_dropped_on_a_version_clash", dropped_deletes),
        test("f17_placeholder_overwrites_a_value", placeholders),
    ]
}

/// The requests that our search sink makes of each batch, on an index of their own.
fn ours(batches: &[&[&Event]]) -> Result<Index> {
    let replay = Replay::new(&ElasticsearchConfig::default())?;
    let mut index = Index::default();
    for batch in batches {
        let (body, _) = replay.body(batch)?;
        index.bulk(std::str::from_utf8(&body)?)?;
    }
    Ok(index)
}

/// kafka-connect-elasticsearch 142, 499 and 516: the topic is deleted and made again behind the second event.
async fn offsets_as_versions(_: Arc<Database>) -> Result<()> {
    let id = Uuid::from_u128(13);
    let document = format!("{id}:W1");
    let story = [(41, 1, 10), (42, 2, 9), (0, 3, 8), (1, 4, 7)];
    let check = |index: &Index| {
        let found = &index.live(&document).context("no document")?["available"];
        ensure!(*found == 7, "the index has {found}, the row 7");
        Ok(())
    };

    let mut faulty = Index::default();
    for (offset, version, available) in story {
        // The mistake: an offset says nothing about rows. The answer is 409, which means "old", and nobody looks.
        faulty.put(&document, offset, EXTERNAL, &level(id, version, available));
    }
    must_find(check(&faulty), "the index has 9, the row 7")?;

    let events = story.map(|(offset, version, available)| {
        event(Table::StockLevel, offset, &Value::Null, &level(id, version, available)).unwrap()
    });
    let batches = events.each_ref().map(|event| [event]);
    check(&ours(&batches.each_ref().map(|batch| batch.as_slice()))?)
}

/// kafka-connect-elasticsearch 500: a delete has the version of what it deletes.
async fn dropped_deletes(_: Arc<Database>) -> Result<()> {
    let id = Uuid::from_u128(14);
    let rows = [item(id, 1, "old"), item(id, 2, "new"), item(id, 9, "again")];
    let gone = |index: &Index| {
        let found = index.live(&id.to_string());
        ensure!(found.is_none(), "deleted, and the index has it");
        Ok(())
    };

    let mut faulty = Index::default();
    faulty.put(&id.to_string(), 1, EXTERNAL, &rows[0]);
    faulty.put(&id.to_string(), 2, EXTERNAL, &rows[1]);
    // The mistake: 409 is taken for "somebody has written something newer".
    faulty.put(&id.to_string(), 2, EXTERNAL, &json!({"deleted": true}));
    must_find(gone(&faulty), "deleted, and the index has it")?;

    let change = |before: &Value, after: &Value| event(Table::Item, 0, before, after).unwrap();
    let deleted = [
        change(&Value::Null, &rows[0]),
        change(&rows[0], &rows[1]),
        change(&rows[1], &Value::Null),
    ];
    let made_again = change(&Value::Null, &rows[2]);
    for order in orders(deleted.iter().collect()) {
        // Each alone and all together, and everything a second time.
        let alone: Vec<[&Event; 1]> = order.iter().rev().chain(&order).map(|event| [*event]).collect();
        let mut batches: Vec<&[&Event]> = alone.iter().map(<[_; 1]>::as_slice).collect();
        batches.push(&order);
        gone(&ours(&batches)?)?;
        gone(&ours(&[&order])?)?;
    }
    for order in orders(deleted.iter().chain([&made_again]).collect()) {
        let index = ours(&[&order[..2], &order[2..], &order])?;
        let found = index
            .live(&id.to_string())
            .context("made again, and not in the index")?;
        ensure!(found["name"] == "name 9", "{found}");
    }
    Ok(())
}

/// Every order of these events.
fn orders(events: Vec<&Event>) -> Vec<Vec<&Event>> {
    if events.len() < 2 {
        return vec![events];
    }
    let mut all = Vec::new();
    for first in 0..events.len() {
        let mut rest = events.clone();
        let chosen = rest.remove(first);
        for mut order in orders(rest) {
            order.insert(0, chosen);
            all.push(order);
        }
    }
    all
}

/// airbyte 30518, redpanda-data/connect 3106: what Postgres keeps out of the row and does not log again comes as a placeholder.
async fn placeholders(database: Arc<Database>) -> Result<()> {
    const LONG: &str = "(select string_agg(md5(n::text), '') from generate_series(1, 3000) as n)";
    let client = database.client().await?;
    inventory::make_catalogue(&client).await?;
    let update = format!("update inventory.item set description = {LONG} where sku = 'A'");
    client.batch_execute(&update).await?;
    let row = client
        .query_one("select id, description from inventory.item where sku = 'A'", &[])
        .await?;
    let (id, long): (Uuid, String) = (row.get(0), row.get(1));

    let slot = slots::Slot::make(&client, "f17", "test_decoding").await?;
    client
        .batch_execute("update inventory.item set name = 'other' where sku = 'A'")
        .await?;
    let (_, line) = slot.lines(&client).await?.pop().context("nothing in the log")?;
    slot.drop(&client).await?;
    let (old, new) = line.split_once("new-tuple:").context("no old row in the log")?;
    ensure!(new.contains("description[text]:unchanged-toast-datum"), "{new}");
    // The table's replica identity is there for this.
    ensure!(old.contains(&long), "the log does not have the old value");

    let check = |index: &Index| {
        let document = index.live(&id.to_string()).context("no document")?;
        ensure!(
            document["description"] == long.as_str(),
            "the description is {}",
            document["description"]
        );
        Ok(())
    };
    let (before, after) = (item(id, 1, &long), item(id, 2, UNAVAILABLE));
    let mut faulty = Index::default();
    faulty.put(&id.to_string(), 1, EXTERNAL, &before);
    // The mistake: the row of the event is written as it stands there.
    faulty.put(&id.to_string(), 2, EXTERNAL, &after);
    must_find(check(&faulty), &format!("the description is \"{UNAVAILABLE}\""))?;

    let made = event(Table::Item, 0, &Value::Null, &before)?;
    let changed = event(Table::Item, 1, &before, &after)?;
    check(&ours(&[&[&made], &[&changed]])?)?;
    // Without the old row nobody knows the value: the event goes to the dead letters.
    let unknown = event(Table::Item, 2, &Value::Null, &item(id, 3, UNAVAILABLE))?;
    check(&ours(&[&[&made], &[&unknown]])?)
}
