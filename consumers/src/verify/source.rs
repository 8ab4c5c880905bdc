//! Postgres, which says what is right: a page of items at a time.
//!
//! A bucket is a slot of a page: the items of the page whose ids end in the same four bits. Its digest is the SHA-256 of its
//! rows as lines of text, in the order of their keys; `digest.rs` makes the same of what a read model holds.

use std::collections::HashMap;

use onhand_cdc::envelope::{ItemRow, StockLevelRow, StockSummaryRow};
use onhand_db::{DatabaseConfig, DbError, Pool, PooledClient};
use uuid::Uuid;

use super::digest::Slot;
use super::{VerifyError, ledger};
use crate::postgres::{self, stock_level};

/// A row as the cache has it and as the index has it, in one reading of the table.
const LEVEL_DIGESTS: &str = "
    with line as (
        select l.item_id, l.location_id, get_byte(uuid_send(l.item_id), 15) & 15 as slot,
               concat_ws(' ', l.item_id, l.location_id, l.version, l.on_hand, l.reserved, l.in_transit, l.backordered,
                   l.damaged, l.available, l.safety_stock, l.reorder_point, l.status) as state,
               coalesce(floor(extract(epoch from l.next_hold_at) * 1000)::bigint::text, '-') as hold_ms,
               floor(extract(epoch from l.last_movement_at) * 1000)::bigint as moved_ms,
               coalesce((extract(epoch from l.next_hold_at) * 1000000)::bigint::text, '-') as hold_us,
               (extract(epoch from l.last_movement_at) * 1000000)::bigint as moved_us,
               l.policy
          from inventory.stock_level as l
         where l.item_id = any($1)
    )
    select n.slot,
           sha256(convert_to(string_agg(concat_ws(' ', n.state, n.hold_ms, n.moved_ms), E'\\n'
               order by n.item_id, n.location_id), 'UTF8')),
           sha256(convert_to(string_agg(concat_ws(' ', n.state, n.policy, n.hold_us, n.moved_us), E'\\n'
               order by n.item_id, n.location_id), 'UTF8')),
           array_agg(n.item_id::text || ':' || n.location_id)
      from line as n
     group by n.slot";

const SUMMARY_DIGESTS: &str = "
    select get_byte(uuid_send(s.item_id), 15) & 15 as slot,
           sha256(convert_to(string_agg(concat_ws(' ', s.item_id, s.version, s.on_hand, s.reserved, s.available, s.in_transit,
               s.backordered, s.damaged, s.incoming, s.oversold, s.threshold, s.location_count,
               (extract(epoch from s.updated_at) * 1000000)::bigint, s.status, s.sku), E'\\n' order by s.item_id), 'UTF8')),
           array_agg(s.item_id::text)
      from inventory.stock_summary as s
     where s.item_id = any($1)
     group by 1";

/// What Postgres says of one bucket of the stock.
#[derive(Debug)]
pub(super) struct LevelDigest {
    pub(super) slot: Slot,
    /// Of the rows as the cache has them.
    pub(super) cache: Vec<u8>,
    /// Of the rows as the index has them.
    pub(super) stock: Vec<u8>,
    /// `item:location` of each row.
    pub(super) keys: Vec<String>,
}

/// What Postgres says of one bucket of the summaries.
#[derive(Debug)]
pub(super) struct SummaryDigest {
    pub(super) slot: Slot,
    pub(super) summaries: Vec<u8>,
    /// Items that have one.
    pub(super) keys: Vec<String>,
}

/// The system of record.
#[derive(Debug)]
pub(super) struct Source {
    pool: Pool,
}

impl Source {
    pub(super) fn new(config: &DatabaseConfig) -> Result<Self, VerifyError> {
        let pool = Pool::new(config).map_err(VerifyError::Config)?;
        Ok(Self { pool })
    }

    pub(super) async fn client(&self) -> Result<PooledClient, VerifyError> {
        Ok(self.pool.get().await?)
    }

    /// The ids of the next items.
    pub(super) async fn page(&self, after: Uuid, limit: i64) -> Result<Vec<Uuid>, VerifyError> {
        let client = self.client().await?;
        let statement = client
            .prepare_cached("select id from inventory.item where id > $1 order by id limit $2")
            .await?;
        let rows = client.query(&statement, &[&after, &limit]).await?;
        Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
    }

    pub(super) async fn level_digests(&self, items: &[Uuid]) -> Result<Vec<LevelDigest>, VerifyError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(LEVEL_DIGESTS).await?;
        let rows = client.query(&statement, &[&items]).await?;
        rows.iter()
            .map(|row| {
                Ok(LevelDigest {
                    slot: Slot::new(row.try_get(0)?),
                    cache: row.try_get(1)?,
                    stock: row.try_get(2)?,
                    keys: row.try_get(3)?,
                })
            })
            .collect()
    }

    pub(super) async fn summary_digests(&self, items: &[Uuid]) -> Result<Vec<SummaryDigest>, VerifyError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(SUMMARY_DIGESTS).await?;
        let rows = client.query(&statement, &[&items]).await?;
        rows.iter()
            .map(|row| {
                Ok(SummaryDigest {
                    slot: Slot::new(row.try_get(0)?),
                    summaries: row.try_get(1)?,
                    keys: row.try_get(2)?,
                })
            })
            .collect()
    }

    /// The levels of these items, in location order; an item without any has an entry too.
    pub(super) async fn levels(&self, items: &[Uuid]) -> Result<HashMap<Uuid, Vec<StockLevelRow>>, VerifyError> {
        let client = self.client().await?;
        let mut levels: HashMap<Uuid, Vec<StockLevelRow>> = items.iter().map(|item| (*item, Vec::new())).collect();
        for row in onhand_db::levels_of_items(&client, items).await? {
            let row = stock_level(row);
            levels.entry(row.item_id).or_default().push(row);
        }
        Ok(levels)
    }

    pub(super) async fn items(&self, items: &[Uuid]) -> Result<Vec<ItemRow>, VerifyError> {
        let client = self.client().await?;
        Ok(postgres::items_of(&client, items).await?)
    }

    pub(super) async fn summaries(&self, items: &[Uuid]) -> Result<Vec<StockSummaryRow>, VerifyError> {
        let client = self.client().await?;
        Ok(postgres::summaries_of(&client, items).await?)
    }

    pub(super) async fn ledger(&self, items: &[Uuid]) -> Result<ledger::Replayed, VerifyError> {
        let client = self.client().await?;
        Ok(ledger::compare(&client, items).await?)
    }

    /// Those of the items that Postgres does not know.
    pub(super) async fn unknown_items(&self, items: &[Uuid]) -> Result<Vec<Uuid>, VerifyError> {
        self.unknown(
            "select k.id from unnest($1::uuid[]) as k (id) \
             where not exists (select from inventory.item as i where i.id = k.id)",
            items,
        )
        .await
    }

    /// Those of the items that have no summary.
    pub(super) async fn unknown_summaries(&self, items: &[Uuid]) -> Result<Vec<Uuid>, VerifyError> {
        self.unknown(
            "select k.id from unnest($1::uuid[]) as k (id) \
             where not exists (select from inventory.stock_summary as s where s.item_id = k.id)",
            items,
        )
        .await
    }

    async fn unknown(&self, query: &str, items: &[Uuid]) -> Result<Vec<Uuid>, VerifyError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(query).await?;
        let rows = client.query(&statement, &[&items]).await?;
        Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
    }

    /// Those of the levels that Postgres does not have, by their place in the lists.
    pub(super) async fn unknown_levels(
        &self,
        items: &[Uuid],
        locations: &[&str],
    ) -> Result<Vec<(Uuid, String)>, VerifyError> {
        let client = self.client().await?;
        let statement = client
            .prepare_cached(
                "select k.item_id, k.location_id from unnest($1::uuid[], $2::text[]) as k (item_id, location_id) \
                 where not exists (select from inventory.stock_level as l \
                     where l.item_id = k.item_id and l.location_id = k.location_id)",
            )
            .await?;
        let rows = client.query(&statement, &[&items, &locations]).await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
    }
}

impl From<tokio_postgres::Error> for VerifyError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(DbError::from(error))
    }
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used)]
    use jiff::Timestamp;
    use onhand_cdc::RowVersion;

    use super::*;

    /// A level with version 7 and reorder point 4 that moved one second after the epoch.
    pub(in super::super) fn level(location: &str, on_hand: i64, reserved: i64) -> StockLevelRow {
        StockLevelRow {
            item_id: Uuid::nil(),
            location_id: location.to_owned(),
            on_hand,
            reserved,
            in_transit: 0,
            backordered: 0,
            damaged: 0,
            safety_stock: 0,
            reorder_point: 4,
            available: on_hand - reserved,
            policy: "deny".to_owned(),
            status: "low_stock".to_owned(),
            next_hold_at: None,
            version: RowVersion::new(7),
            last_movement_at: Some(Timestamp::from_second(1).unwrap()),
            created_at: None,
        }
    }
}
