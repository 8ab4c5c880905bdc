//! The ledger of a history as the database has it, read key by key in the order of versions.

use super::model::{Key, Model, States};
use anyhow::Result;
use std::collections::{BTreeMap, VecDeque};
use tokio_postgres::{Client, Row};
use uuid::Uuid;

/// One row of the ledger, as far as the model foretells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Movement {
    pub(crate) kind: String,
    pub(crate) deltas: States,
    pub(crate) after: States,
    pub(crate) version: i64,
    pub(crate) hold: Option<Uuid>,
    pub(crate) transfer: Option<Uuid>,
    /// When it happened, if that is not when it was recorded.
    pub(crate) told: Option<String>,
}

/// Rows that nothing has accounted for yet, each with the transaction that wrote it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    rows: BTreeMap<Key, VecDeque<(Movement, i64)>>,
    /// When the row with a version was recorded, in microseconds; those that were taken too.
    pub(crate) recorded: BTreeMap<(Key, i64), i64>,
}

const QUERY: &str = "
    select k.sku, k.location, m.type, m.version, m.reservation_id, m.transfer_id,
        m.on_hand_delta, m.reserved_delta, m.in_transit_delta, m.backordered_delta, m.damaged_delta, m.incoming_delta,
        m.on_hand, m.reserved, m.in_transit, m.backordered, m.damaged, m.incoming, m.transaction_id,
        case when m.occurred_at <> m.recorded_at then to_jsonb(m.occurred_at) #>> '{}' end,
        (extract(epoch from m.recorded_at) * 1000000)::bigint
    from unnest($1::text[], $2::text[], $3::bigint[]) as k (sku, location, version)
    join inventory.item as i on i.sku = k.sku
    join inventory.stock_movement as m on m.item_id = i.id and m.location_id = k.location and m.version > k.version
    order by k.sku, k.location, m.version";

/// Six counts of a row, from a column on.
pub(crate) fn states(row: &Row, first: usize) -> States {
    States {
        on_hand: row.get(first),
        reserved: row.get(first + 1),
        in_transit: row.get(first + 2),
        backordered: row.get(first + 3),
        damaged: row.get(first + 4),
        incoming: row.get(first + 5),
    }
}

impl Ledger {
    /// What was written since the versions that the model knows.
    pub(crate) async fn read(client: &Client, model: &Model) -> Result<Self> {
        let (mut skus, mut places, mut versions) = (Vec::new(), Vec::new(), Vec::new());
        for sku in model.items.keys() {
            for place in model.places.keys() {
                let key = (sku.clone(), place.clone());
                versions.push(model.levels.get(&key).map_or(0, |level| level.version));
                skus.push(key.0);
                places.push(key.1);
            }
        }
        let mut ledger = Self::default();
        for row in client.query(QUERY, &[&skus, &places, &versions]).await? {
            let movement = Movement {
                kind: row.get(2),
                version: row.get(3),
                hold: row.get(4),
                transfer: row.get(5),
                deltas: states(&row, 6),
                after: states(&row, 12),
                told: row.get(19),
            };
            let key: Key = (row.get(0), row.get(1));
            ledger.recorded.insert((key.clone(), movement.version), row.get(20));
            ledger.rows.entry(key).or_default().push_back((movement, row.get(18)));
        }
        Ok(ledger)
    }

    /// The next row of a key, and its transaction.
    pub(crate) fn next(&self, key: &Key) -> Option<&(Movement, i64)> {
        self.rows.get(key).and_then(VecDeque::front)
    }

    /// Keys that have rows left.
    pub(crate) fn keys(&self) -> Vec<Key> {
        self.rows
            .iter()
            .filter(|(_, rows)| !rows.is_empty())
            .map(|(key, _)| key.clone())
            .collect()
    }

    /// Takes rows that are accounted for; says which one is not there, or is another.
    pub(crate) fn take(&mut self, foretold: &[(Key, Movement)]) -> Result<(), String> {
        for (key, movement) in foretold {
            let found = self.rows.get_mut(key).and_then(VecDeque::pop_front);
            let found = found.map(|(movement, _)| movement);
            if found.as_ref() != Some(movement) {
                return Err(format!(
                    "the ledger of {} at {} should have {movement:?}, it has {found:?}",
                    key.0, key.1
                ));
            }
        }
        Ok(())
    }
}
