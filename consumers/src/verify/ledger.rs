//! The ledger, added up, against the balances.

use onhand_db::{DbError, PooledClient};
use uuid::Uuid;

use super::report::{Finding, Kind, Place};

/// For each level of these items: it begins at nothing, or at the closing balance of the last month that was retired; from there the deltas
/// of all movements add up to the balance, each movement begins where the one before it ended, the last one has the version of the row, and
/// the versions have no gap, except where an epoch made them jump.
const REPLAY: &str = "
    with base as (
        select distinct on (c.item_id, c.location_id) c.*
          from inventory.closing_balance as c
         where c.month = (select max(r.month) from inventory.retired_partition as r) and c.item_id = any($1)
         order by c.item_id, c.location_id, c.version desc
    ), movement as (
        select m.item_id, m.location_id, m.version, m.on_hand_delta, m.reserved_delta, m.in_transit_delta, m.backordered_delta,
               m.damaged_delta, m.incoming_delta,
               coalesce(lag(m.version) over by_key, b.version, 0) as version_before,
               array[m.on_hand, m.reserved, m.in_transit, m.backordered, m.damaged, m.incoming] is distinct from array[
                   coalesce(lag(m.on_hand) over by_key, b.on_hand, 0) + m.on_hand_delta,
                   coalesce(lag(m.reserved) over by_key, b.reserved, 0) + m.reserved_delta,
                   coalesce(lag(m.in_transit) over by_key, b.in_transit, 0) + m.in_transit_delta,
                   coalesce(lag(m.backordered) over by_key, b.backordered, 0) + m.backordered_delta,
                   coalesce(lag(m.damaged) over by_key, b.damaged, 0) + m.damaged_delta,
                   coalesce(lag(m.incoming) over by_key, b.incoming, 0) + m.incoming_delta]
                   or m.available <> m.on_hand - m.reserved as breaks
          from inventory.stock_movement as m
          left join base as b on b.item_id = m.item_id and b.location_id = m.location_id
         where m.item_id = any($1) and m.version > coalesce(b.version, 0)
        window by_key as (partition by m.item_id, m.location_id order by m.version)
    ), step as (
        select b.item_id, b.location_id, b.version, b.on_hand, b.reserved, b.in_transit, b.backordered, b.damaged, b.incoming,
               0 as movements, false as gap, false as breaks
          from base as b
         union all
        select m.item_id, m.location_id, m.version, m.on_hand_delta, m.reserved_delta, m.in_transit_delta, m.backordered_delta,
               m.damaged_delta, m.incoming_delta, 1,
               m.version <> m.version_before + 1 and not (m.version > m.version_before
                   and m.version in (select e.version_floor from inventory.epoch as e)), m.breaks
          from movement as m
    ), replayed as (
        select s.item_id, s.location_id, sum(s.movements) as movements, max(s.version) as version,
               sum(s.on_hand) as on_hand, sum(s.reserved) as reserved, sum(s.in_transit) as in_transit,
               sum(s.backordered) as backordered, sum(s.damaged) as damaged, sum(s.incoming) as incoming,
               count(*) filter (where s.gap) as gaps, count(*) filter (where s.breaks) as breaks
          from step as s
         group by s.item_id, s.location_id
    )
    select coalesce(s.item_id, r.item_id), coalesce(s.location_id, r.location_id),
           format('version %s on_hand %s reserved %s in_transit %s backordered %s damaged %s incoming %s, 0 gaps, 0 breaks',
               s.version, s.on_hand, s.reserved, s.in_transit, s.backordered, s.damaged, s.incoming),
           format('version %s on_hand %s reserved %s in_transit %s backordered %s damaged %s incoming %s, %s gaps, %s breaks',
               r.version, r.on_hand, r.reserved, r.in_transit, r.backordered, r.damaged, r.incoming, r.gaps, r.breaks),
           s.item_id is null, r.item_id is null, coalesce(r.movements, 0)
      from (select l.* from inventory.stock_level as l where l.item_id = any($1)) as s
      full join replayed as r on r.item_id = s.item_id and r.location_id = s.location_id";

/// What the ledger of some items gives.
#[derive(Debug, Default)]
pub(super) struct Replayed {
    pub(super) findings: Vec<Finding>,
    /// Movements that were added up.
    pub(super) movements: u64,
}

/// Compares the ledger of these items with their levels. One statement sees one state of both, so writes that go on do not matter.
pub(super) async fn compare(client: &PooledClient, items: &[Uuid]) -> Result<Replayed, DbError> {
    let statement = client.prepare_cached(REPLAY).await?;
    let mut replayed = Replayed::default();
    for row in client.query(&statement, &[&items]).await? {
        let (item, location): (Uuid, String) = (row.try_get(0)?, row.try_get(1)?);
        let (level, sum): (String, String) = (row.try_get(2)?, row.try_get(3)?);
        let (no_level, no_movement): (bool, bool) = (row.try_get(4)?, row.try_get(5)?);
        let count: i64 = row.try_get(6)?;
        replayed.movements = replayed.movements.saturating_add(u64::try_from(count).unwrap_or(0));
        let kind = match (no_level, no_movement) {
            (true, _) => Kind::Extra,
            (_, true) => Kind::Missing,
            _ if level != sum => Kind::Changed,
            _ => continue,
        };
        replayed.findings.push(Finding {
            place: Place::Balance,
            item: Some(item),
            id: format!("{item} {location}"),
            kind,
            wanted: 0,
            held: 0,
            expected: if no_level { String::new() } else { level },
            found: if no_movement { String::new() } else { sum },
        });
    }
    Ok(replayed)
}
