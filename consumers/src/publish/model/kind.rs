//! What sort of change a movement is, for readers who follow only some sorts.

use onhand_cdc::topics;

/// The sort of a movement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Goods came, were sold or taken, or something that has no sort of its own.
    Updated,
    /// The books were corrected, or units changed between sellable and damaged.
    Adjusted,
    /// A step of a transfer between locations.
    Transferred,
    /// Units are held.
    Reserved,
    /// Held units are free again.
    Released,
}

impl Kind {
    /// A type that is not known yet is an update: the balances in the event are right whatever it is called.
    pub(crate) fn of(movement_type: &str) -> Self {
        match movement_type {
            "adjustment" | "count" | "write_off" | "quarantine" | "restore" | "recall" | "lot_expiry" => Self::Adjusted,
            "transfer_out" | "transfer_in" | "ship" | "dispatch" | "receive" | "transfer_loss" | "transfer_cancel" => {
                Self::Transferred
            }
            "reserve" | "allocate" => Self::Reserved,
            "release" | "expire" => Self::Released,
            _ => Self::Updated,
        }
    }

    /// `event_type` of the stock events.
    pub(crate) fn event_type(self) -> &'static str {
        match self {
            Self::Updated => "STOCK_UPDATED",
            Self::Adjusted => "STOCK_ADJUSTED",
            Self::Transferred => "STOCK_TRANSFERRED",
            Self::Reserved => "STOCK_RESERVED",
            Self::Released => "STOCK_RELEASED",
        }
    }

    /// The CloudEvents topic for this sort, beside the one for all changes.
    pub(crate) fn topic(self) -> Option<&'static str> {
        match self {
            Self::Updated => None,
            Self::Adjusted => Some(topics::WAREHOUSE_ADJUSTED),
            Self::Transferred => Some(topics::WAREHOUSE_TRANSFERRED),
            Self::Reserved => Some(topics::WAREHOUSE_RESERVED),
            Self::Released => Some(topics::WAREHOUSE_RELEASED),
        }
    }
}

/// `changeReason` of the catalogue events.
pub(crate) fn change_reason(movement_type: &str) -> String {
    match movement_type {
        "commit" => "ORDER_FULFILLED".to_owned(),
        other => other.to_ascii_uppercase(),
    }
}
