//! Rows of the ledger that are asked for by their keys, within a month.

use jiff::Timestamp;
use onhand_db::PooledClient;
use uuid::Uuid;

use super::{MovementLine, RowSourceError, bounded, movement};

const BY_KEY: &str = "
    select m.item_id, m.location_id, m.version, m.type, m.on_hand_delta, m.reserved_delta, m.on_hand,
           m.reserved, m.available, m.reason, m.reference, m.reservation_id, m.correlation_id,
           m.occurred_at, m.recorded_at, m.traceparent
      from unnest($3::uuid[], $4::text[], $5::bigint[]) as k (item_id, location_id, version)
      join inventory.stock_movement m
        on m.item_id = k.item_id and m.location_id = k.location_id and m.version = k.version
     where m.recorded_at >= $1 and m.recorded_at < $2";

const OF_ITEM: &str = "
    select m.item_id, m.location_id, m.version, m.type, m.on_hand_delta, m.reserved_delta, m.on_hand,
           m.reserved, m.available, m.reason, m.reference, m.reservation_id, m.correlation_id,
           m.occurred_at, m.recorded_at, m.traceparent
      from inventory.stock_movement m
     where m.recorded_at >= $1 and m.recorded_at < $2 and m.item_id = $3
       and ($4::text is null or m.location_id = $4) and m.version >= $5 and m.version < $6
     order by m.location_id, m.version
     limit $7";

/// Key of a movement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MovementKey<'a> {
    pub(crate) item_id: Uuid,
    pub(crate) location_id: &'a str,
    pub(crate) version: i64,
}

/// A part of the movements of one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MovementPart<'a> {
    pub(crate) item_id: Uuid,
    /// All of them if none is given.
    pub(crate) location_id: Option<&'a str>,
    /// The first version, and that behind the last one.
    pub(crate) versions: (i64, i64),
}

/// The movements with these keys that were recorded in a span of time; unknown ones are left out.
pub(crate) async fn movements_by_key(
    client: &PooledClient,
    span: (Timestamp, Timestamp),
    keys: &[MovementKey<'_>],
) -> Result<Vec<MovementLine>, RowSourceError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let items: Vec<Uuid> = keys.iter().map(|key| key.item_id).collect();
    let locations: Vec<&str> = keys.iter().map(|key| key.location_id).collect();
    let versions: Vec<i64> = keys.iter().map(|key| key.version).collect();
    let statement = client.prepare_cached(BY_KEY).await?;
    let rows = bounded(client.query(&statement, &[&span.0, &span.1, &items, &locations, &versions])).await?;
    rows.iter().map(movement).collect()
}

/// The first movements of a part of an item that were recorded in a span of time.
pub(crate) async fn movements_of_item(
    client: &PooledClient,
    span: (Timestamp, Timestamp),
    part: MovementPart<'_>,
    limit: i64,
) -> Result<Vec<MovementLine>, RowSourceError> {
    let statement = client.prepare_cached(OF_ITEM).await?;
    let (from, to) = part.versions;
    let rows = bounded(client.query(
        &statement,
        &[&span.0, &span.1, &part.item_id, &part.location_id, &from, &to, &limit],
    ))
    .await?;
    rows.iter().map(movement).collect()
}
