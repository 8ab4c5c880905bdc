//! What earlier runs did: read back from the database, so that a second run counts and reports like the first.

use std::collections::{BTreeMap, HashMap};

use onhand_db::{DbError, PooledClient};
use uuid::Uuid;

use super::attempt::{self, Names, Task};
use super::feed::Event;
use super::levels::Levels;
use super::mark::OnShort;
use super::writer::Done;

/// What was sold and adjusted for these events. Commands that did something count as replayed.
pub(crate) async fn look_back(client: &PooledClient, events: &[Event], names: &Names) -> Result<Done, DbError> {
    // Which commands there were; how much they asked for is not asked here.
    let attempts = attempt::first_round(events, names, &mut Levels::default(), OnShort::Reject);
    let mut reservations = Vec::new();
    let mut adjustments = HashMap::new();
    let mut skus = Vec::new();
    let mut done = Done::default();
    for attempt in &attempts {
        match &attempt.task {
            Task::Sale { id, .. } => reservations.push((*id, attempt.event)),
            Task::Adjust { line, .. } => {
                adjustments.insert(attempt.correlation(names), *line);
                skus.extend(attempt.wanted.iter().map(|(sku, _)| sku.as_str()));
            }
            Task::Receipt | Task::Return => done.replayed = done.replayed.saturating_add(1),
        }
    }
    let sold = sold(client, &reservations).await?;
    for (id, event) in &reservations {
        match sold.get(id) {
            Some(lines) => {
                // The reservation and its confirmation.
                done.replayed = done.replayed.saturating_add(2);
                done.sold.entry(*event).or_default().extend(lines.clone());
            }
            None => done.refused = done.refused.saturating_add(1),
        }
    }
    if adjustments.is_empty() {
        return Ok(done);
    }
    for (correlation, units) in adjusted(client, names, &adjustments, &skus).await? {
        if let Some(line) = adjustments.get(&correlation) {
            done.replayed = done.replayed.saturating_add(1);
            done.adjusted.insert(*line, units);
        }
    }
    let nothing = adjustments.len().saturating_sub(done.adjusted.len());
    done.refused = done.refused.saturating_add(u64::try_from(nothing).unwrap_or(0));
    Ok(done)
}

async fn sold(
    client: &PooledClient,
    reservations: &[(Uuid, usize)],
) -> Result<HashMap<Uuid, BTreeMap<String, i64>>, DbError> {
    let ids: Vec<Uuid> = reservations.iter().map(|(id, _)| *id).collect();
    let rows = client
        .query(
            "select l.reservation_id, i.sku, l.quantity from inventory.reservation_line as l \
             join inventory.item as i on i.id = l.item_id where l.reservation_id = any($1) and l.status = 'COMMITTED'",
            &[&ids],
        )
        .await?;
    let mut sold: HashMap<Uuid, BTreeMap<String, i64>> = HashMap::new();
    for row in rows {
        sold.entry(row.try_get(0)?)
            .or_default()
            .insert(row.try_get(1)?, row.try_get(2)?);
    }
    Ok(sold)
}

/// By the ledger of the items concerned: it keeps for years what idempotency keys keep for a day.
async fn adjusted(
    client: &PooledClient,
    names: &Names,
    adjustments: &HashMap<String, u64>,
    skus: &[&str],
) -> Result<Vec<(String, i64)>, DbError> {
    let keys: Vec<&str> = adjustments.keys().map(String::as_str).collect();
    let rows = client
        .query(
            "select m.correlation_id, abs(sum(m.on_hand_delta))::bigint from inventory.stock_movement as m \
             where m.item_id in (select i.id from inventory.item as i where i.sku = any($1)) and m.location_id = $2 \
             and m.type = 'adjustment' and m.correlation_id = any($3) group by m.correlation_id",
            &[&skus, &names.location, &keys],
        )
        .await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}
