//! Compares what the database holds with what the model says it must.

mod lots;
mod papers;
pub(crate) mod past;
mod serials;

use crate::ledger::states;
use crate::model::{Hold, Key, Level, Model, Status};
use anyhow::{Result, ensure};
use std::collections::BTreeMap;
use tokio_postgres::Client;
use uuid::Uuid;

const LEVELS: &str = "
    select i.sku, s.location_id, s.on_hand, s.reserved, s.in_transit, s.backordered, s.damaged, s.incoming,
        s.safety_stock, s.reorder_point, s.policy, s.version, s.status, s.available
    from inventory.stock_level as s
    join inventory.item as i on i.id = s.item_id
    where i.sku = any ($1)
    order by i.sku, s.location_id";

/// The rows themselves: levels, reservations, transfers, purchase orders, counts.
pub(crate) async fn compare(client: &Client, model: &Model) -> Result<()> {
    compare_levels(client, model).await?;
    compare_holds(client, model).await?;
    papers::compare_transfers(client, model).await?;
    papers::compare_orders(client, model).await?;
    papers::compare_counts(client, model).await?;
    lots::compare(client, model).await?;
    serials::compare(client, model).await?;
    compare_readers(client, model).await
}

async fn compare_levels(client: &Client, model: &Model) -> Result<()> {
    let skus: Vec<&String> = model.items.keys().collect();
    let mut found: BTreeMap<Key, Level> = BTreeMap::new();
    for row in client.query(LEVELS, &[&skus]).await? {
        let level = Level {
            states: states(&row, 2),
            safety_stock: row.get(8),
            reorder_point: row.get(9),
            policy: row.get(10),
            version: row.get(11),
        };
        let (status, available): (String, i64) = (row.get(12), row.get(13));
        ensure!(
            status == level.status() && available == level.states.available(),
            "{level:?} has the status {status} and {available} available"
        );
        found.insert((row.get(0), row.get(1)), level);
    }
    ensure!(
        found == model.levels,
        "the levels are {found:#?}\nand should be {:#?}",
        model.levels
    );
    Ok(())
}

async fn compare_holds(client: &Client, model: &Model) -> Result<()> {
    let ids: Vec<Uuid> = model.holds.keys().copied().collect();
    let rows = client
        .query(
            "select r.id, r.status, r.owner, i.sku, l.location_id, l.quantity, l.backordered, l.confirmed, l.status \
             from inventory.reservation as r join inventory.reservation_line as l on l.reservation_id = r.id \
             join inventory.item as i on i.id = l.item_id where r.id = any ($1)",
            &[&ids],
        )
        .await?;
    let mut lines = 0;
    for row in &rows {
        let id: Uuid = row.get(0);
        let hold = &model.holds[&id];
        let key: Key = (row.get(3), row.get(4));
        let Some(line) = hold.lines.get(&key) else {
            anyhow::bail!("reservation {id} should hold nothing of {key:?}");
        };
        let found: (String, Option<String>, i64, i64, i64, String) =
            (row.get(1), row.get(2), row.get(5), row.get(6), row.get(7), row.get(8));
        let right = (
            hold.status.name().to_owned(),
            hold.owner.clone(),
            line.quantity,
            line.backordered,
            line.confirmed,
            line.status.name().to_owned(),
        );
        ensure!(
            found == right,
            "the line {key:?} of {id} is {found:?} and should be {right:?}"
        );
        lines += 1;
    }
    let right: usize = model.holds.values().map(|hold| hold.lines.len()).sum();
    ensure!(lines == right, "there are {lines} lines of reservations, not {right}");
    Ok(())
}

/// What readers are told: nothing that is due counts any more, swept or not.
async fn compare_readers(client: &Client, model: &Model) -> Result<()> {
    for (key, level) in &model.levels {
        let row = client
            .query_one(
                "select on_hand, reserved, available, version from api.get_stock_level($1, $2)",
                &[&key.0, &key.1],
            )
            .await?;
        let found: (i64, i64, i64, i64) = (row.get(0), row.get(1), row.get(2), row.get(3));
        let states = model.as_read(key);
        let right = (states.on_hand, states.reserved, states.available(), level.version);
        ensure!(
            found == right,
            "readers of {key:?} see {found:?} and should see {right:?}"
        );
    }
    for (id, hold) in &model.holds {
        let row = client
            .query_one("select distinct status from api.get_reservation($1)", &[&id])
            .await?;
        let (found, right): (String, &str) = (row.get(0), read_status(model, hold));
        ensure!(found == right, "readers of {id} see {found} and should see {right}");
    }
    Ok(())
}

fn read_status(model: &Model, hold: &Hold) -> &'static str {
    if hold.status == Status::Pending && model.is_due(hold) {
        return Status::Expired.name();
    }
    hold.status.name()
}
