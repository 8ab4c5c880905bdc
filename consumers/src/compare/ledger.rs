//! The ledger, added up, against the balances.

use onhand_db::{DbError, PooledClient};
use uuid::Uuid;

use super::report::Differences;

/// For each level of these items: the deltas of all movements add up to the balance, each movement begins where the one
/// before it ended, the last one has the version of the row, and the versions are 1, 2, 3, ... without a gap, except
/// where an epoch made them jump.
const REPLAY: &str = "
    with movement as (
        select m.*,
               lag(m.version, 1, 0::bigint) over by_key as version_before,
               lag(m.on_hand, 1, 0::bigint) over by_key as on_hand_before,
               lag(m.reserved, 1, 0::bigint) over by_key as reserved_before
          from inventory.stock_movement as m
         where m.item_id = any($1)
        window by_key as (partition by m.item_id, m.location_id order by m.version)
    ), replayed as (
        select m.item_id, m.location_id, count(*) as movements, max(m.version) as version,
               sum(m.on_hand_delta) as on_hand, sum(m.reserved_delta) as reserved,
               sum(m.in_transit_delta) as in_transit, sum(m.backordered_delta) as backordered,
               sum(m.damaged_delta) as damaged,
               count(*) filter (where m.version <> m.version_before + 1
                   and not (m.version > m.version_before
                       and m.version in (select e.version_floor from inventory.epoch as e))) as gaps,
               count(*) filter (where m.on_hand <> m.on_hand_before + m.on_hand_delta
                   or m.reserved <> m.reserved_before + m.reserved_delta
                   or m.available <> m.on_hand - m.reserved) as breaks
          from movement as m
         group by m.item_id, m.location_id
    )
    select coalesce(s.item_id, r.item_id), coalesce(s.location_id, r.location_id),
           format('version %s on_hand %s reserved %s in_transit %s backordered %s damaged %s, 0 gaps, 0 breaks',
               s.version, s.on_hand, s.reserved, s.in_transit, s.backordered, s.damaged),
           format('version %s on_hand %s reserved %s in_transit %s backordered %s damaged %s, %s gaps, %s breaks',
               r.version, r.on_hand, r.reserved, r.in_transit, r.backordered, r.damaged, r.gaps, r.breaks),
           s.item_id is null, r.item_id is null, coalesce(r.movements, 0)
      from (select l.* from inventory.stock_level as l where l.item_id = any($1)) as s
      full join replayed as r on r.item_id = s.item_id and r.location_id = s.location_id";

/// Compares the ledger of these items with their levels; also says how many movements there were.
pub(super) async fn compare(client: &PooledClient, items: &[Uuid]) -> Result<(Differences, u64), DbError> {
    let statement = client.prepare_cached(REPLAY).await?;
    let mut differences = Differences::default();
    let mut movements = 0_u64;
    for row in client.query(&statement, &[&items]).await? {
        let (item, location): (Uuid, String) = (row.try_get(0)?, row.try_get(1)?);
        let (level, replayed): (String, String) = (row.try_get(2)?, row.try_get(3)?);
        let (no_level, no_movement): (bool, bool) = (row.try_get(4)?, row.try_get(5)?);
        let count: i64 = row.try_get(6)?;
        movements = movements.saturating_add(u64::try_from(count).unwrap_or(0));
        if no_level || no_movement || level != replayed {
            let level = if no_level { String::new() } else { level };
            let replayed = if no_movement { String::new() } else { replayed };
            differences.add(format!("{item} {location}"), level, replayed);
        }
    }
    Ok((differences, movements))
}
