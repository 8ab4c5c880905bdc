//! Lots against the model: what lies of them, what reservations hold and sold, what is on the way.

use crate::model::{LotLevel, Model};
use anyhow::{Result, ensure};
use std::collections::BTreeMap;
use tokio_postgres::Client;
use uuid::Uuid;

pub(super) async fn compare(client: &Client, model: &Model) -> Result<()> {
    let skus: Vec<&String> = model
        .items
        .iter()
        .filter(|(_, item)| item.by_lot)
        .map(|(sku, _)| sku)
        .collect();
    compare_known(client, model, &skus).await?;
    compare_levels(client, model, &skus).await?;
    compare_held(client, model, &skus).await?;
    compare_shipped(client, model, &skus).await
}

async fn compare_known(client: &Client, model: &Model, skus: &[&String]) -> Result<()> {
    let query = "select i.sku, t.code, t.status = 'recalled' from inventory.lot as t \
        join inventory.item as i on i.id = t.item_id where i.sku = any ($1)";
    let rows = client.query(query, &[&skus]).await?;
    let found: BTreeMap<(String, String), bool> =
        rows.iter().map(|row| ((row.get(0), row.get(1)), row.get(2))).collect();
    let known = model.lots.known.iter();
    let right: BTreeMap<(String, String), bool> = known.map(|(name, lot)| (name.clone(), lot.is_recalled())).collect();
    ensure!(found == right, "the lots are {found:?} and should be {right:?}");
    Ok(())
}

async fn compare_levels(client: &Client, model: &Model, skus: &[&String]) -> Result<()> {
    let query = "select i.sku, l.location_id, t.code, l.on_hand, l.reserved, l.damaged from inventory.lot_level as l \
        join inventory.lot as t on t.id = l.lot_id join inventory.item as i on i.id = l.item_id where i.sku = any ($1)";
    let mut found = BTreeMap::new();
    for row in client.query(query, &[&skus]).await? {
        let level = LotLevel {
            on_hand: row.get(3),
            reserved: row.get(4),
            damaged: row.get(5),
        };
        let key: (String, String) = (row.get(0), row.get(1));
        found.insert((key, row.get::<_, String>(2)), level);
    }
    let right = &model.lots.levels;
    ensure!(found == *right, "of lots there is {found:?} and should be {right:?}");
    Ok(())
}

async fn compare_held(client: &Client, model: &Model, skus: &[&String]) -> Result<()> {
    let query = "select r.reservation_id, i.sku, r.location_id, t.code, r.quantity, r.confirmed from inventory.reservation_lot as r \
        join inventory.lot as t on t.id = r.lot_id join inventory.item as i on i.id = r.item_id where i.sku = any ($1)";
    let mut found = BTreeMap::new();
    for row in client.query(query, &[&skus]).await? {
        let key: (String, String) = (row.get(1), row.get(2));
        let name: (Uuid, (String, String), String) = (row.get(0), key, row.get(3));
        found.insert(name, (row.get::<_, i64>(4), row.get::<_, i64>(5)));
    }
    let right = &model.lots.held;
    ensure!(
        found == *right,
        "reservations have of lots {found:?} and should have {right:?}"
    );
    Ok(())
}

async fn compare_shipped(client: &Client, model: &Model, skus: &[&String]) -> Result<()> {
    let query = "select l.transfer_id, i.sku, t.code, l.shipped, l.received, l.damaged, l.lost, l.returned \
        from inventory.transfer_lot as l join inventory.lot as t on t.id = l.lot_id join inventory.item as i on i.id = l.item_id \
        where i.sku = any ($1)";
    let rows = client.query(query, &[&skus]).await?;
    ensure!(
        rows.len() == model.lots.shipped.len(),
        "transfers have {} lots",
        rows.len()
    );
    for row in rows {
        let name: (Uuid, String, String) = (row.get(0), row.get(1), row.get(2));
        let found: [i64; 5] = [row.get(3), row.get(4), row.get(5), row.get(6), row.get(7)];
        let right = model.lots.shipped.get(&name);
        let right = right.map(|line| [line.shipped, line.received, line.damaged, line.lost, line.returned]);
        ensure!(
            Some(found) == right,
            "{name:?} is {found:?} on its transfer and should be {right:?}"
        );
    }
    Ok(())
}
