//! SQLSTATE class `IV` as an enum, and everything else that can go wrong on the way to Postgres.

use serde_json::Value;

/// Why the database refused a request: one value for each SQLSTATE of class `IV`.
///
/// The same table stands in `functions/README.md` and in `internal.error_text`; a test holds the three equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// IV001: not enough stock is available.
    InsufficientStock,
    /// IV002: the reservation is past its deadline.
    ReservationExpired,
    /// IV003: no item has this sku.
    UnknownItem,
    /// IV004: no location has this id.
    UnknownLocation,
    /// IV005: no reservation has this id.
    UnknownReservation,
    /// IV006: the row has changed since the version that was expected.
    StaleVersion,
    /// IV007: the idempotency key was used for another request.
    IdempotencyKeyReused,
    /// IV008: an argument is missing or malformed.
    InvalidArgument,
    /// IV009: the reservation is not pending.
    ReservationNotPending,
    /// IV010: the item is archived.
    ItemArchived,
    /// IV011: the location is closed.
    LocationClosed,
    /// IV012: a quantity or its result is out of range.
    QuantityOutOfRange,
    /// IV013: the batch has too many entries.
    BatchTooLarge,
    /// IV014: a reservation with this id exists already.
    ReservationExists,
    /// IV015: the item has no such unit of measure.
    UnknownUnit,
    /// IV016: a bundle is received, counted and moved by its components.
    NotStockable,
    /// IV017: a bundle would contain itself.
    BundleCycle,
    /// IV018: no transfer has this id.
    UnknownTransfer,
    /// IV019: everything that was shipped has been received, lost or called back.
    TransferClosed,
    /// IV020: a part of it still waits for stock.
    ReservationBackordered,
    /// IV021: the item has no lot with this code.
    UnknownLot,
    /// IV022: the lot has expired or was recalled.
    LotNotSellable,
    /// IV023: a lot or serial numbers are missing, or do not belong there.
    TrackingMismatch,
    /// IV024: the serial number is in stock already.
    SerialExists,
    /// IV025: the serial number is not in stock there.
    UnknownSerial,
    /// IV026: no reason has this code.
    UnknownReason,
    /// IV027: the quantity is no whole number of that unit.
    InexactConversion,
    /// IV028: no supplier has this code.
    UnknownSupplier,
    /// IV029: no purchase order has this id.
    UnknownPurchaseOrder,
    /// IV030: everything on it has been received or called off.
    PurchaseOrderClosed,
    /// IV031: no stock count has this id.
    UnknownCount,
    /// IV032: the stock count is not in the state for this.
    CountClosed,
    /// IV033: the ledger of that time was retired.
    HistoryRetired,
}

impl ErrorCode {
    /// All codes, in SQLSTATE order.
    pub const ALL: [Self; 33] = [
        Self::InsufficientStock,
        Self::ReservationExpired,
        Self::UnknownItem,
        Self::UnknownLocation,
        Self::UnknownReservation,
        Self::StaleVersion,
        Self::IdempotencyKeyReused,
        Self::InvalidArgument,
        Self::ReservationNotPending,
        Self::ItemArchived,
        Self::LocationClosed,
        Self::QuantityOutOfRange,
        Self::BatchTooLarge,
        Self::ReservationExists,
        Self::UnknownUnit,
        Self::NotStockable,
        Self::BundleCycle,
        Self::UnknownTransfer,
        Self::TransferClosed,
        Self::ReservationBackordered,
        Self::UnknownLot,
        Self::LotNotSellable,
        Self::TrackingMismatch,
        Self::SerialExists,
        Self::UnknownSerial,
        Self::UnknownReason,
        Self::InexactConversion,
        Self::UnknownSupplier,
        Self::UnknownPurchaseOrder,
        Self::PurchaseOrderClosed,
        Self::UnknownCount,
        Self::CountClosed,
        Self::HistoryRetired,
    ];

    const fn row(self) -> (&'static str, &'static str, u16) {
        match self {
            Self::InsufficientStock => ("IV001", "insufficient_stock", 409),
            Self::ReservationExpired => ("IV002", "reservation_expired", 409),
            Self::UnknownItem => ("IV003", "unknown_item", 404),
            Self::UnknownLocation => ("IV004", "unknown_location", 404),
            Self::UnknownReservation => ("IV005", "unknown_reservation", 404),
            Self::StaleVersion => ("IV006", "stale_version", 412),
            Self::IdempotencyKeyReused => ("IV007", "idempotency_key_reused", 422),
            Self::InvalidArgument => ("IV008", "invalid_argument", 400),
            Self::ReservationNotPending => ("IV009", "reservation_not_pending", 409),
            Self::ItemArchived => ("IV010", "item_archived", 409),
            Self::LocationClosed => ("IV011", "location_closed", 409),
            Self::QuantityOutOfRange => ("IV012", "quantity_out_of_range", 422),
            Self::BatchTooLarge => ("IV013", "batch_too_large", 413),
            Self::ReservationExists => ("IV014", "reservation_exists", 409),
            Self::UnknownUnit => ("IV015", "unknown_unit", 404),
            Self::NotStockable => ("IV016", "not_stockable", 409),
            Self::BundleCycle => ("IV017", "bundle_cycle", 409),
            Self::UnknownTransfer => ("IV018", "unknown_transfer", 404),
            Self::TransferClosed => ("IV019", "transfer_closed", 409),
            Self::ReservationBackordered => ("IV020", "reservation_backordered", 409),
            Self::UnknownLot => ("IV021", "unknown_lot", 404),
            Self::LotNotSellable => ("IV022", "lot_not_sellable", 409),
            Self::TrackingMismatch => ("IV023", "tracking_mismatch", 422),
            Self::SerialExists => ("IV024", "serial_exists", 409),
            Self::UnknownSerial => ("IV025", "unknown_serial", 404),
            Self::UnknownReason => ("IV026", "unknown_reason", 404),
            Self::InexactConversion => ("IV027", "inexact_conversion", 422),
            Self::UnknownSupplier => ("IV028", "unknown_supplier", 404),
            Self::UnknownPurchaseOrder => ("IV029", "unknown_purchase_order", 404),
            Self::PurchaseOrderClosed => ("IV030", "purchase_order_closed", 409),
            Self::UnknownCount => ("IV031", "unknown_count", 404),
            Self::CountClosed => ("IV032", "count_closed", 409),
            Self::HistoryRetired => ("IV033", "history_retired", 410),
        }
    }

    /// The SQLSTATE, e.g. `IV001`.
    #[must_use]
    pub const fn sqlstate(self) -> &'static str {
        self.row().0
    }

    /// The stable name for programs, e.g. `insufficient_stock`.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        self.row().1
    }

    /// The HTTP status it is answered with.
    #[must_use]
    pub const fn http_status(self) -> u16 {
        self.row().2
    }

    /// The code with this SQLSTATE, if it is one of ours.
    #[must_use]
    pub fn from_sqlstate(sqlstate: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.sqlstate() == sqlstate)
    }
}

/// A refusal by a business rule: nothing was changed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// Which rule.
    pub code: ErrorCode,
    /// Plain sentence from the database.
    pub message: String,
    /// What the rule looked at: sku, location, requested, available, version, or field and problem.
    pub detail: Value,
    /// What the client can do about it.
    pub hint: Option<String>,
}

/// What a call to the database can fail with.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// A business rule refused; nothing was changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Another session stood in the way (deadlock, serialization failure, lock time-out); nothing was changed, try again.
    #[error("another session stood in the way")]
    Conflict(#[source] tokio_postgres::Error),
    /// No connection could be had; nothing was sent.
    #[error("the database cannot be reached")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The connection broke or the server stopped during the call: a write may or may not have happened.
    #[error("the connection to the database broke during the call")]
    Interrupted(#[source] tokio_postgres::Error),
    /// Anything else; nothing was changed.
    #[error("the database answered with an error")]
    Other(#[source] tokio_postgres::Error),
    /// The database answered something that this program does not understand.
    #[error("unexpected answer of the database: {0}")]
    Unexpected(String),
}

impl DbError {
    /// Whether nothing was changed for sure, so that the same call may be made again.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Conflict(_) | Self::Unreachable(_))
    }

    /// Whether the database is away (down, starting, unreachable).
    #[must_use]
    pub const fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Interrupted(_))
    }
}

impl From<tokio_postgres::Error> for DbError {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(db) = error.as_db_error() else {
            return if error.is_closed() || std::error::Error::source(&error).is_some_and(|s| s.is::<std::io::Error>()) {
                Self::Interrupted(error)
            } else {
                Self::Other(error)
            };
        };
        if let Some(code) = ErrorCode::from_sqlstate(db.code().code()) {
            return Self::Refused(Refusal {
                code,
                message: db.message().to_owned(),
                detail: db
                    .detail()
                    .and_then(|text| serde_json::from_str(text).ok())
                    .unwrap_or(Value::Null),
                hint: db.hint().map(ToOwned::to_owned),
            });
        }
        match db.code().code() {
            "40001" | "40P01" | "55P03" => Self::Conflict(error),
            // Class 57P: the server shuts down, crashed or is starting. Class 08: connection exceptions.
            code if code.starts_with("57P") || code.starts_with("08") => Self::Interrupted(error),
            _ => Self::Other(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlstates_are_distinct_and_found_again() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_sqlstate(code.sqlstate()), Some(code));
        }
    }

    #[test]
    fn a_foreign_sqlstate_is_none_of_ours() {
        assert_eq!(ErrorCode::from_sqlstate("23505"), None);
    }
}
