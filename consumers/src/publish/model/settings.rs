//! The settings of a stock level that events are about, and when its stock runs low.

use serde::Deserialize;

use super::facts::Facts;

/// Thresholds and policy of a stock level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) safety_stock: i64,
    pub(crate) reorder_point: i64,
    /// It never runs out.
    pub(crate) unlimited: bool,
}

impl Settings {
    pub(crate) fn new(safety_stock: i64, reorder_point: i64, policy: &str) -> Self {
        Self {
            safety_stock,
            reorder_point,
            unlimited: policy == "unlimited",
        }
    }

    pub(crate) fn threshold(self) -> i64 {
        self.safety_stock.max(self.reorder_point)
    }

    /// Low, or out of stock: the two statuses below `in_stock` in the database.
    pub(crate) fn is_low(self, available: i64) -> bool {
        !self.unlimited && available <= self.threshold().max(0)
    }
}

/// What the detail of a movement may say.
#[derive(Debug, Deserialize)]
struct Detail {
    lot: Option<String>,
    before: Option<Values>,
    safety_stock: Option<i64>,
    reorder_point: Option<i64>,
    policy: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Values {
    safety_stock: i64,
    reorder_point: i64,
    policy: String,
}

fn parsed(detail: Option<&str>) -> Option<Detail> {
    serde_json::from_str(detail?).ok()
}

/// The settings before and after a `policy` movement.
pub(crate) fn settings_change(detail: Option<&str>) -> Option<(Settings, Settings)> {
    let detail = parsed(detail)?;
    let before = detail.before?;
    let before = Settings::new(before.safety_stock, before.reorder_point, &before.policy);
    let after = Settings::new(detail.safety_stock?, detail.reorder_point?, &detail.policy?);
    Some((before, after))
}

/// The lot that a movement names.
pub(crate) fn named_lot(detail: Option<&str>) -> Option<String> {
    parsed(detail)?.lot
}

/// What became available or was set made the stock low: an edge, not a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LowStock {
    pub(crate) settings: Settings,
    pub(crate) previous: i64,
}

impl LowStock {
    /// None unless the stock was not low before the movement and is after it.
    pub(crate) fn edge(facts: &Facts<'_>, before: Settings, after: Settings) -> Option<Self> {
        let previous = facts.previous_available();
        let fell = !before.is_low(previous) && after.is_low(facts.movement.available);
        fell.then_some(Self {
            settings: after,
            previous,
        })
    }
}
