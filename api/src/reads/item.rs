//! The stock of one item, wherever it was read.

use std::time::Duration;

use jiff::Timestamp;
use onhand_cdc::RowVersion;
use onhand_consumers::cache::{CachedItem, ItemRows, StockRow, StockStatus};
use onhand_db::LevelRow;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Where an answer comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Source {
    /// Redis.
    Cache,
    /// Postgres.
    Database,
}

/// The stock of one item at every location that has some, and its sums.
#[derive(Debug, Clone)]
pub(crate) struct ItemStock {
    pub(crate) item_id: Uuid,
    pub(crate) source: Source,
    /// Postgres: when it was asked. Redis: commit time of the newest change it has.
    pub(crate) as_of: Timestamp,
    /// Sum of what can be promised; a negative balance at one place does not eat another's stock.
    pub(crate) available: i64,
    pub(crate) status: StockStatus,
    pub(crate) rows: Vec<StockRow>,
}

impl ItemStock {
    pub(crate) fn of_cache(item: CachedItem) -> Self {
        // An item that was only loaded knows no commit time; its newest movement is what its rows say.
        let at_ms = match item.at_ms {
            0 => item.rows.iter().map(|row| row.last_movement_ms).max().unwrap_or(0),
            at_ms => at_ms,
        };
        Self {
            item_id: item.item_id,
            source: Source::Cache,
            as_of: instant(at_ms).unwrap_or(Timestamp::UNIX_EPOCH),
            available: item.available,
            status: item.status,
            rows: item.rows,
        }
    }

    pub(crate) fn of_database(item_id: Uuid, rows: Vec<StockRow>) -> Self {
        let available = rows.iter().map(|row| row.available.max(0)).sum();
        let threshold: i64 = rows.iter().map(|row| row.safety_stock.max(row.reorder_point)).sum();
        let limitless = rows.iter().any(StockRow::is_limitless);
        let status = StockStatus::of_item(available, threshold, limitless);
        let as_of = Timestamp::now();
        Self {
            item_id,
            source: Source::Database,
            as_of,
            available,
            status,
            rows,
        }
    }

    /// Time since `as_of`.
    pub(crate) fn age(&self) -> Duration {
        Duration::try_from(Timestamp::now().duration_since(self.as_of)).unwrap_or_default()
    }

    /// The balance at one location.
    pub(crate) fn at(&self, location: &str) -> Option<&StockRow> {
        self.rows.iter().find(|row| row.location == location)
    }

    /// The same item as if it had this location alone.
    pub(crate) fn only(self, location: &str) -> Self {
        let rows: Vec<StockRow> = self.rows.into_iter().filter(|row| row.location == location).collect();
        let alone = Self::of_database(self.item_id, rows);
        Self {
            source: self.source,
            as_of: self.as_of,
            ..alone
        }
    }

    /// What Redis is filled with. The commit time is not known here; change events bring it.
    pub(crate) fn refill(item_id: Uuid, rows: Vec<StockRow>) -> ItemRows {
        let at_ms = rows.iter().map(|row| row.last_movement_ms).max().unwrap_or_default();
        ItemRows { item_id, at_ms, rows }
    }
}

/// A row as Postgres has it in the form that the cache keeps. `None` for values that no row has.
pub(crate) fn row(level: &LevelRow) -> Option<StockRow> {
    // Down to the millisecond: a hold may read as ended a little early, never late.
    let millis = |at: &Timestamp| at.as_microsecond().div_euclid(1_000);
    Some(StockRow {
        location: level.location_id.clone(),
        version: RowVersion::new(level.version),
        on_hand: level.on_hand,
        reserved: level.reserved,
        in_transit: level.in_transit,
        backordered: level.backordered,
        damaged: level.damaged,
        available: level.available,
        safety_stock: level.safety_stock,
        reorder_point: level.reorder_point,
        status: Some(level.status.parse().ok()?),
        next_hold_ms: level.next_hold_at.as_ref().map(millis),
        last_movement_ms: millis(&level.last_movement_at),
    })
}

/// An instant of the cache; zero stands for "unknown" there.
pub(crate) fn instant(since_1970: i64) -> Option<Timestamp> {
    (since_1970 > 0)
        .then(|| Timestamp::from_millisecond(since_1970).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stock(rows: &[(i64, i64)]) -> ItemStock {
        let rows = rows.iter().map(|(available, reorder_point)| StockRow {
            available: *available,
            reorder_point: *reorder_point,
            ..StockRow::tombstone("W1", RowVersion::new(1))
        });
        ItemStock::of_database(Uuid::nil(), rows.collect())
    }

    #[test]
    fn a_negative_balance_does_not_eat_anothers_stock() {
        let stock = stock(&[(-5, 0), (7, 0)]);
        assert_eq!((stock.available, stock.status), (7, StockStatus::InStock));
    }

    #[test]
    fn status_follows_the_sum() {
        assert_eq!(stock(&[]).status, StockStatus::OutOfStock);
        assert_eq!(stock(&[(3, 2), (1, 2)]).status, StockStatus::LowStock);
        assert_eq!(stock(&[(3, 2), (2, 2)]).status, StockStatus::InStock);
    }
}
