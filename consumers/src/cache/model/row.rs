//! One row of the cache: a stock level as text.

use std::fmt;
use std::str::FromStr;

use onhand_cdc::RowVersion;
use onhand_cdc::envelope::StockLevelRow;
use onhand_db::LevelRow;

use crate::postgres::stock_level;

/// What `status` says in the place of a row that was deleted.
const DELETED: &str = "deleted";

/// How a stock level, or an item over all locations, stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StockStatus {
    /// More than the threshold.
    InStock,
    /// At or below the threshold.
    LowStock,
    /// Nothing to sell.
    OutOfStock,
}

impl StockStatus {
    /// How an item stands over all its locations: what is available at them, the sum of their thresholds, and whether one
    /// of them is never short (see [`StockRow::is_limitless`]).
    #[must_use]
    pub const fn of_item(available: i64, threshold: i64, limitless: bool) -> Self {
        if limitless {
            Self::InStock
        } else if available <= 0 {
            Self::OutOfStock
        } else if available <= threshold {
            Self::LowStock
        } else {
            Self::InStock
        }
    }

    /// As the database, Redis and the public interface write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InStock => "in_stock",
            Self::LowStock => "low_stock",
            Self::OutOfStock => "out_of_stock",
        }
    }
}

impl fmt::Display for StockStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for StockStatus {
    type Err = RowError;

    fn from_str(text: &str) -> Result<Self, RowError> {
        match text {
            "in_stock" => Ok(Self::InStock),
            "low_stock" => Ok(Self::LowStock),
            "out_of_stock" => Ok(Self::OutOfStock),
            _ => Err(RowError::new("status", text)),
        }
    }
}

/// A row or field in Redis that is none of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("field '{field}' cannot be read: '{text}'")]
pub struct RowError {
    field: &'static str,
    text: String,
}

impl RowError {
    pub(super) fn new(field: &'static str, text: &str) -> Self {
        Self {
            field,
            text: text.chars().take(80).collect(),
        }
    }
}

/// One item at one location, as the cache holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockRow {
    /// Location.
    pub location: String,
    /// Version of the row.
    pub version: RowVersion,
    /// Physically there.
    pub on_hand: i64,
    /// Held by reservations.
    pub reserved: i64,
    /// On the way here.
    pub in_transit: i64,
    /// Owed to customers.
    pub backordered: i64,
    /// There, but not for sale.
    pub damaged: i64,
    /// `on_hand - reserved`.
    pub available: i64,
    /// Kept back for surprises.
    pub safety_stock: i64,
    /// Order more at or below this.
    pub reorder_point: i64,
    /// Standing; none for a row that was deleted and is only remembered.
    pub status: Option<StockStatus>,
    /// No pending hold ends before this; milliseconds since 1970.
    pub next_hold_ms: Option<i64>,
    /// When stock last moved; milliseconds since 1970.
    pub last_movement_ms: i64,
}

impl StockRow {
    /// The row of an event. A hold's deadline is rounded down to the millisecond: a number is
    /// distrusted a little early, never late.
    ///
    /// # Errors
    /// A version or status that is none.
    pub fn from_level(level: &StockLevelRow) -> Result<Self, RowError> {
        if !level.version.is_valid() {
            return Err(RowError::new("version", &level.version.to_string()));
        }
        let millis = |at: &jiff::Timestamp| at.as_microsecond().div_euclid(1_000);
        Ok(Self {
            location: level.location_id.clone(),
            version: level.version,
            on_hand: level.on_hand,
            reserved: level.reserved,
            in_transit: level.in_transit,
            backordered: level.backordered,
            damaged: level.damaged,
            available: level.available,
            safety_stock: level.safety_stock,
            reorder_point: level.reorder_point,
            status: Some(level.status.parse()?),
            next_hold_ms: level.next_hold_at.as_ref().map(millis),
            last_movement_ms: level.last_movement_at.as_ref().map_or(0, millis),
        })
    }

    /// The row as Postgres has it now.
    ///
    /// # Errors
    /// A version or status that is none.
    pub fn from_db(level: &LevelRow) -> Result<Self, RowError> {
        Self::from_level(&stock_level(level.clone()))
    }

    /// What is left of a deleted row: its version, so that an older event cannot bring it back.
    pub fn tombstone(location: &str, version: RowVersion) -> Self {
        Self {
            location: location.to_owned(),
            version,
            on_hand: 0,
            reserved: 0,
            in_transit: 0,
            backordered: 0,
            damaged: 0,
            available: 0,
            safety_stock: 0,
            reorder_point: 0,
            status: None,
            next_hold_ms: None,
            last_movement_ms: 0,
        }
    }

    /// True for a row that was deleted.
    pub fn is_deleted(&self) -> bool {
        self.status.is_none()
    }

    /// True if a hold may have ended by now: then only Postgres knows what is available.
    pub fn has_due_hold(&self, now_ms: i64) -> bool {
        self.next_hold_ms.is_some_and(|due| due <= now_ms)
    }

    /// Whether it is never short, as a digital item is: in stock although nothing is on the shelf.
    #[must_use]
    pub const fn is_limitless(&self) -> bool {
        matches!(self.status, Some(StockStatus::InStock)) && self.available <= 0
    }

    /// The text in `row:<location>`: `version on_hand reserved in_transit backordered damaged
    /// available safety_stock reorder_point status next_hold_ms|- last_movement_ms`.
    pub fn format(&self) -> String {
        let status = self.status.map_or(DELETED, StockStatus::as_str);
        let next_hold = self.next_hold_ms.map_or_else(|| "-".to_owned(), |due| due.to_string());
        format!(
            "{} {} {} {} {} {} {} {} {} {status} {next_hold} {}",
            self.version,
            self.on_hand,
            self.reserved,
            self.in_transit,
            self.backordered,
            self.damaged,
            self.available,
            self.safety_stock,
            self.reorder_point,
            self.last_movement_ms,
        )
    }

    /// Reads [`StockRow::format`] back.
    pub fn parse(location: &str, text: &str) -> Result<Self, RowError> {
        let mut words = text.split(' ');
        let mut word = |field| words.next().ok_or_else(|| RowError::new(field, text));
        let mut number = |field| {
            let word = word(field)?;
            word.parse::<i64>().map_err(|_| RowError::new(field, text))
        };
        let version = RowVersion::new(number("version")?);
        let on_hand = number("on_hand")?;
        let reserved = number("reserved")?;
        let in_transit = number("in_transit")?;
        let backordered = number("backordered")?;
        let damaged = number("damaged")?;
        let available = number("available")?;
        let safety_stock = number("safety_stock")?;
        let reorder_point = number("reorder_point")?;
        let status = match word("status")? {
            DELETED => None,
            status => Some(status.parse()?),
        };
        let next_hold_ms = match word("next_hold_ms")? {
            "-" => None,
            due => Some(due.parse().map_err(|_| RowError::new("next_hold_ms", text))?),
        };
        let last_movement_ms = word("last_movement_ms")?
            .parse()
            .map_err(|_| RowError::new("last_movement_ms", text))?;
        if words.next().is_some() || !version.is_valid() {
            return Err(RowError::new("row", text));
        }
        Ok(Self {
            location: location.to_owned(),
            version,
            on_hand,
            reserved,
            in_transit,
            backordered,
            damaged,
            available,
            safety_stock,
            reorder_point,
            status,
            next_hold_ms,
            last_movement_ms,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    fn any_row(random: &mut StdRng) -> StockRow {
        let statuses = [
            Some(StockStatus::InStock),
            Some(StockStatus::LowStock),
            Some(StockStatus::OutOfStock),
            None,
        ];
        let quantity = |random: &mut StdRng| random.random_range(-1_000_000_000_000..=1_000_000_000_000);
        StockRow {
            location: "W1".to_owned(),
            version: RowVersion::new(random.random_range(1..=RowVersion::MAX.get())),
            on_hand: quantity(random),
            reserved: quantity(random),
            in_transit: quantity(random),
            backordered: quantity(random),
            damaged: quantity(random),
            available: quantity(random),
            safety_stock: quantity(random),
            reorder_point: quantity(random),
            status: *statuses.get(random.random_range(0..4)).unwrap(),
            next_hold_ms: random.random_bool(0.5).then(|| random.random_range(0..i64::MAX)),
            last_movement_ms: random.random_range(0..4_000_000_000_000),
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut random = StdRng::seed_from_u64(7);
        for _ in 0..20_000 {
            let row = any_row(&mut random);
            assert_eq!(StockRow::parse("W1", &row.format()), Ok(row));
        }
    }

    #[test]
    fn damaged_rows_are_refused_and_never_panic() {
        let mut random = StdRng::seed_from_u64(8);
        let good = any_row(&mut random).format();
        for end in 0..good.len() {
            if let Some(cut) = good.get(..end)
                && let Ok(row) = StockRow::parse("W1", cut)
            {
                // Only the last number can lose digits and still be one.
                assert!(row.last_movement_ms >= 0);
            }
        }
        for text in ["", " ", "1 2 3", "x 0 0 0 0 0 0 0 0 in_stock - 0"] {
            assert!(StockRow::parse("W1", text).is_err(), "{text}");
        }
        assert!(StockRow::parse("W1", &format!("{good} 1")).is_err());
        assert!(StockRow::parse("W1", "0 0 0 0 0 0 0 0 0 in_stock - 0").is_err());
    }

    #[test]
    fn a_hold_is_due_at_its_instant() {
        let mut row = StockRow::tombstone("W1", RowVersion::new(1));
        row.next_hold_ms = Some(1_000);
        assert!(!row.has_due_hold(999));
        assert!(row.has_due_hold(1_000));
        row.next_hold_ms = None;
        assert!(!row.has_due_hold(i64::MAX));
    }
}
