//! A stock level: its states and its settings.

/// The states of a stock level, or by how much they change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct States {
    pub(crate) on_hand: i64,
    pub(crate) reserved: i64,
    pub(crate) in_transit: i64,
    pub(crate) backordered: i64,
    pub(crate) damaged: i64,
    pub(crate) incoming: i64,
}

impl States {
    pub(crate) fn available(self) -> i64 {
        self.on_hand - self.reserved
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            on_hand: self.on_hand + other.on_hand,
            reserved: self.reserved + other.reserved,
            in_transit: self.in_transit + other.in_transit,
            backordered: self.backordered + other.backordered,
            damaged: self.damaged + other.damaged,
            incoming: self.incoming + other.incoming,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Level {
    pub(crate) states: States,
    pub(crate) safety_stock: i64,
    pub(crate) reorder_point: i64,
    pub(crate) policy: String,
    pub(crate) version: i64,
}

impl Level {
    pub(crate) fn status(&self) -> &'static str {
        let available = self.states.available();
        if self.policy == "unlimited" {
            "in_stock"
        } else if available <= 0 {
            "out_of_stock"
        } else if available <= self.safety_stock.max(self.reorder_point) {
            "low_stock"
        } else {
            "in_stock"
        }
    }

    /// Whether more can be promised than there is.
    pub(super) fn endless(&self) -> bool {
        self.policy == "oversell" || self.policy == "unlimited"
    }
}
