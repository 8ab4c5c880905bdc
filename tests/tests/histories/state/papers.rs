//! Transfers, purchase orders and counts against the model.

use crate::model::Model;
use anyhow::{Result, ensure};
use tokio_postgres::Client;

pub(super) async fn compare_transfers(client: &Client, model: &Model) -> Result<()> {
    for (id, transfer) in &model.transfers {
        let rows = client
            .query(
                "select t.status, i.sku, l.shipped, l.received, l.damaged, l.lost, l.returned from inventory.transfer as t \
                 join inventory.transfer_line as l on l.transfer_id = t.id join inventory.item as i on i.id = l.item_id \
                 where t.id = $1",
                &[&id],
            )
            .await?;
        ensure!(
            rows.len() == transfer.lines.len(),
            "the transfer {id} has {} lines",
            rows.len()
        );
        for row in rows {
            let (status, sku): (String, String) = (row.get(0), row.get(1));
            let line = &transfer.lines[&sku];
            let found: [i64; 5] = [row.get(2), row.get(3), row.get(4), row.get(5), row.get(6)];
            let right = [line.shipped, line.received, line.damaged, line.lost, line.returned];
            ensure!(
                found == right && status == transfer.status,
                "the transfer {id} of {sku} is {status} {found:?} and should be {} {right:?}",
                transfer.status
            );
        }
    }
    Ok(())
}

pub(super) async fn compare_orders(client: &Client, model: &Model) -> Result<()> {
    for (id, order) in &model.orders {
        let rows = client
            .query(
                "select o.status, o.location_id, i.sku, l.ordered, l.received, l.damaged, l.cancelled \
                 from inventory.purchase_order as o join inventory.purchase_order_line as l on l.purchase_order_id = o.id \
                 join inventory.item as i on i.id = l.item_id where o.id = $1",
                &[&id],
            )
            .await?;
        ensure!(
            rows.len() == order.lines.len(),
            "the order {id} has {} lines",
            rows.len()
        );
        for row in rows {
            let sku: String = row.get(2);
            let line = &order.lines[&sku];
            let found: (String, String, [i64; 4]) =
                (row.get(0), row.get(1), [row.get(3), row.get(4), row.get(5), row.get(6)]);
            let counts = [line.ordered, line.received, line.damaged, line.cancelled];
            let right = (order.status.to_owned(), order.place.clone(), counts);
            ensure!(
                found == right,
                "{sku} on the order {id} is {found:?} and should be {right:?}"
            );
        }
    }
    Ok(())
}

pub(super) async fn compare_counts(client: &Client, model: &Model) -> Result<()> {
    for (id, count) in &model.counts {
        let rows = client
            .query(
                "select status, sku, expected, counted, variance, posted_variance, coalesce(lot, '') from api.get_count($1)",
                &[&id],
            )
            .await?;
        let lines: Vec<&tokio_postgres::Row> = rows
            .iter()
            .filter(|row| row.get::<_, Option<&str>>(1).is_some())
            .collect();
        ensure!(
            lines.len() == count.lines.len(),
            "the count {id} has {} lines",
            lines.len()
        );
        let status: String = rows[0].get(0);
        ensure!(
            status == count.status,
            "the count {id} is {status} and should be {}",
            count.status
        );
        for row in lines {
            let sku: String = row.get(1);
            let found: [Option<i64>; 4] = [row.get(2), row.get(3), row.get(4), row.get(5)];
            let right = count
                .lines
                .get(&(sku.clone(), row.get(6)))
                .and_then(Option::as_ref)
                .map_or([None; 4], |line| {
                    [
                        Some(line.expected),
                        Some(line.counted),
                        Some(line.variance()),
                        line.posted,
                    ]
                });
            ensure!(
                found == right,
                "{sku} on the count {id} is {found:?} and should be {right:?}"
            );
        }
    }
    Ok(())
}
