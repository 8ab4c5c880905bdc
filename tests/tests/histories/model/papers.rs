//! What the inventory keeps beside the levels: reservations, transfers, purchase orders, counts.

use super::Key;
use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Pending,
    Committed,
    Released,
    Expired,
}

impl Status {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Committed => "COMMITTED",
            Self::Released => "RELEASED",
            Self::Expired => "EXPIRED",
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Hold {
    pub(crate) owner: Option<String>,
    pub(crate) status: Status,
    /// Minute at which it ends, and which of two that end in one minute was set first.
    pub(crate) deadline: (i64, u64),
    pub(crate) lines: BTreeMap<Key, HoldLine>,
}

#[derive(Clone, Debug)]
pub(crate) struct HoldLine {
    pub(crate) quantity: i64,
    pub(crate) backordered: i64,
    pub(crate) confirmed: i64,
    pub(crate) status: Status,
    /// Its place in the queue for stock.
    pub(super) waiting: Option<u64>,
}

#[derive(Clone, Debug)]
pub(crate) struct Transfer {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) status: &'static str,
    pub(crate) lines: BTreeMap<String, TransferLine>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TransferLine {
    pub(crate) shipped: i64,
    pub(crate) received: i64,
    pub(crate) damaged: i64,
    pub(crate) lost: i64,
    pub(crate) returned: i64,
}

impl TransferLine {
    pub(super) fn open(&self) -> i64 {
        self.shipped - self.received - self.damaged - self.lost - self.returned
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) place: String,
    pub(crate) status: &'static str,
    pub(crate) lines: BTreeMap<String, OrderLine>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct OrderLine {
    pub(crate) ordered: i64,
    pub(crate) received: i64,
    pub(crate) damaged: i64,
    pub(crate) cancelled: i64,
}

#[derive(Clone, Debug)]
pub(crate) struct Count {
    pub(crate) place: String,
    pub(crate) status: &'static str,
    /// By sku and lot, empty where there is none; nothing while it has not been counted.
    pub(crate) lines: BTreeMap<(String, String), Option<Counted>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Counted {
    pub(crate) counted: i64,
    /// What was thought to be there when the line was written.
    pub(crate) expected: i64,
    /// The counting moment, as [`super::facts`] has it and as the server writes it.
    pub(super) position: usize,
    pub(super) instant: Option<String>,
    pub(crate) posted: Option<i64>,
}
