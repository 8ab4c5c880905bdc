//! The Debezium envelope, kept as it is: row before, row after, source, operation, transaction.

mod rows;

use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;

use crate::lenient::optional;

pub use rows::{
    CategoryRow, ItemRow, LocationRow, ReservationLineRow, ReservationRow, StockLevelRow, StockMovementRow,
    StockSummaryRow, UNAVAILABLE,
};

/// A captured table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Table {
    /// `inventory.category`
    Category,
    /// `inventory.item`
    Item,
    /// `inventory.location`
    Location,
    /// `inventory.stock_level`
    StockLevel,
    /// `inventory.reservation`
    Reservation,
    /// `inventory.reservation_line`
    ReservationLine,
    /// `inventory.stock_movement`
    StockMovement,
    /// `inventory.stock_summary`
    StockSummary,
}

impl Table {
    /// Every captured table.
    pub const ALL: [Table; 8] = [
        Self::Category,
        Self::Item,
        Self::Location,
        Self::StockLevel,
        Self::Reservation,
        Self::ReservationLine,
        Self::StockMovement,
        Self::StockSummary,
    ];

    /// Name of the table without its schema.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Category => "category",
            Self::Item => "item",
            Self::Location => "location",
            Self::StockLevel => "stock_level",
            Self::Reservation => "reservation",
            Self::ReservationLine => "reservation_line",
            Self::StockMovement => "stock_movement",
            Self::StockSummary => "stock_summary",
        }
    }

    /// The topic Debezium writes this table to, under the usual prefix.
    pub fn topic(self) -> String {
        format!("{}.{}", crate::topics::TABLE_PREFIX, self.name())
    }

    /// The table behind a topic: the name after the last dot, whatever the prefix is.
    pub fn of_topic(topic: &str) -> Option<Self> {
        let name = topic.rsplit('.').next()?;
        Self::ALL.into_iter().find(|table| table.name() == name)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What happened to the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Operation {
    /// `c`
    Create,
    /// `u`
    Update,
    /// `d`
    Delete,
    /// `r`: read by a snapshot
    Read,
    /// `t`
    Truncate,
    /// `m`: a logical message, not a row
    Message,
}

impl TryFrom<String> for Operation {
    type Error = String;

    fn try_from(code: String) -> Result<Self, String> {
        Ok(match code.as_str() {
            "c" => Self::Create,
            "u" => Self::Update,
            "d" => Self::Delete,
            "r" => Self::Read,
            "t" => Self::Truncate,
            "m" => Self::Message,
            other => {
                let shown: String = other.chars().take(16).collect();
                return Err(format!("unknown operation '{shown}'"));
            }
        })
    }
}

/// Where a change comes from.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename = "Source")]
pub struct Source {
    /// When the transaction committed, milliseconds since 1970.
    pub ts_ms: i64,
    /// The same in microseconds.
    #[serde(default, deserialize_with = "optional")]
    pub ts_us: Option<i64>,
    /// Position in the write-ahead log. Several changes may share one.
    #[serde(default, deserialize_with = "optional")]
    pub lsn: Option<i64>,
    /// Transaction number.
    #[serde(rename = "txId", default, deserialize_with = "optional")]
    pub tx_id: Option<i64>,
    /// `true`, `last`, `incremental`, ... while a snapshot is read.
    #[serde(default, deserialize_with = "optional")]
    pub snapshot: Option<String>,
}

impl Source {
    /// When the transaction committed, as exactly as the record says.
    pub fn committed_at(&self) -> Option<Timestamp> {
        match self.ts_us {
            Some(micros) if micros > 0 => Timestamp::from_microsecond(micros).ok(),
            _ => Timestamp::from_millisecond(self.ts_ms).ok(),
        }
    }
}

/// Place of a change in its transaction.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename = "block")]
pub struct Transaction {
    /// Transaction number and position.
    pub id: String,
    /// Place among all changes of the transaction.
    #[serde(default)]
    pub total_order: i64,
}

/// One change of one row.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename = "Envelope", bound = "R: Deserialize<'de>")]
pub struct Envelope<R> {
    /// The old row; only its key is real unless the table has full replica identity.
    #[serde(default, deserialize_with = "optional_row")]
    pub before: Option<R>,
    /// The new row.
    #[serde(default, deserialize_with = "optional_row")]
    pub after: Option<R>,
    /// Where the change comes from.
    pub source: Source,
    /// What happened.
    pub op: Operation,
    /// When the connector handled it, milliseconds since 1970.
    #[serde(default, deserialize_with = "optional")]
    pub ts_ms: Option<i64>,
    /// The transaction around it.
    #[serde(default)]
    pub transaction: Option<Transaction>,
}

/// Rows go through the plain `Option`, which checks the record's name.
fn optional_row<'de, D, R>(deserializer: D) -> Result<Option<R>, D::Error>
where
    D: serde::Deserializer<'de>,
    R: Deserialize<'de>,
{
    Option::deserialize(deserializer)
}

impl<R> Envelope<R> {
    /// True if a snapshot read this row: it tells a state, not an event, and its times say nothing
    /// about latency.
    pub fn is_snapshot(&self) -> bool {
        self.op == Operation::Read
    }
}

/// A decoded change of any captured table.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Change of a category.
    Category(Box<Envelope<CategoryRow>>),
    /// Change of an item.
    Item(Box<Envelope<ItemRow>>),
    /// Change of a location.
    Location(Box<Envelope<LocationRow>>),
    /// Change of a stock level.
    StockLevel(Box<Envelope<StockLevelRow>>),
    /// Change of a reservation.
    Reservation(Box<Envelope<ReservationRow>>),
    /// Change of a reservation line.
    ReservationLine(Box<Envelope<ReservationLineRow>>),
    /// A new line of the ledger.
    StockMovement(Box<Envelope<StockMovementRow>>),
    /// Change of the summary of an item.
    StockSummary(Box<Envelope<StockSummaryRow>>),
}

impl Change {
    /// Where the change comes from.
    pub fn source(&self) -> &Source {
        match self {
            Self::Category(envelope) => &envelope.source,
            Self::Item(envelope) => &envelope.source,
            Self::Location(envelope) => &envelope.source,
            Self::StockLevel(envelope) => &envelope.source,
            Self::Reservation(envelope) => &envelope.source,
            Self::ReservationLine(envelope) => &envelope.source,
            Self::StockMovement(envelope) => &envelope.source,
            Self::StockSummary(envelope) => &envelope.source,
        }
    }

    /// When the connector handled the change, milliseconds since 1970.
    pub fn captured_ms(&self) -> Option<i64> {
        match self {
            Self::Category(envelope) => envelope.ts_ms,
            Self::Item(envelope) => envelope.ts_ms,
            Self::Location(envelope) => envelope.ts_ms,
            Self::StockLevel(envelope) => envelope.ts_ms,
            Self::Reservation(envelope) => envelope.ts_ms,
            Self::ReservationLine(envelope) => envelope.ts_ms,
            Self::StockMovement(envelope) => envelope.ts_ms,
            Self::StockSummary(envelope) => envelope.ts_ms,
        }
    }

    /// What happened to the row.
    pub fn operation(&self) -> Operation {
        match self {
            Self::Category(envelope) => envelope.op,
            Self::Item(envelope) => envelope.op,
            Self::Location(envelope) => envelope.op,
            Self::StockLevel(envelope) => envelope.op,
            Self::Reservation(envelope) => envelope.op,
            Self::ReservationLine(envelope) => envelope.op,
            Self::StockMovement(envelope) => envelope.op,
            Self::StockSummary(envelope) => envelope.op,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_names_its_table_whatever_the_prefix() {
        for table in Table::ALL {
            assert_eq!(Table::of_topic(&table.topic()), Some(table));
        }
        assert_eq!(Table::of_topic("test42.inventory.stock_level"), Some(Table::StockLevel));
        assert_eq!(Table::of_topic("onhand.inventory.debezium_heartbeat"), None);
        assert_eq!(Table::of_topic(""), None);
    }

    #[test]
    fn an_operation_is_one_known_letter() {
        assert_eq!(Operation::try_from("u".to_owned()), Ok(Operation::Update));
        assert!(Operation::try_from("upsert".to_owned()).is_err());
    }
}
