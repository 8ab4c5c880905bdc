//! When an alert of a stock level opens and resolves. No clock, no network: versions and numbers in, edges out.
//!
//! - An alert opens when what is available is at or below its threshold, and resolves only above threshold and margin.
//! - A version is judged once: an older one, or the same again, changes nothing, however late it comes.
//! - What is judged is *available*, so a reservation is an edge like a sale, and so is stock that comes in while all is
//!   allocated.

use std::collections::BTreeSet;

use onhand_db::alert::{AlertLevel, LevelRule};
use uuid::Uuid;

use super::config::Severity;

/// An alert that a stock level can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum LevelKind {
    /// Nothing is available.
    OutOfStock,
    /// At or below the safety stock.
    SafetyStock,
    /// At or below the reorder point.
    ReorderPoint,
}

impl LevelKind {
    pub(super) const ALL: [Self; 3] = [Self::OutOfStock, Self::SafetyStock, Self::ReorderPoint];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::OutOfStock => "out_of_stock",
            Self::SafetyStock => "safety_stock",
            Self::ReorderPoint => "reorder_point",
        }
    }

    fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    const fn severity(self) -> Severity {
        match self {
            Self::OutOfStock => Severity::Critical,
            Self::SafetyStock | Self::ReorderPoint => Severity::Warning,
        }
    }
}

/// Which way an alert went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    Opened,
    Resolved,
}

impl Turn {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Resolved => "resolved",
        }
    }
}

/// An edge of an alert of one stock level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edge {
    pub(super) kind: LevelKind,
    pub(super) turn: Turn,
    pub(super) version: i64,
    pub(super) available: i64,
    pub(super) threshold: Option<i64>,
    pub(super) severity: String,
}

/// A stock level as an event has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Figures {
    pub(super) version: i64,
    pub(super) on_hand: i64,
    pub(super) available: i64,
    pub(super) safety_stock: i64,
    pub(super) reorder_point: i64,
    /// It never runs out, or is gone.
    pub(super) unlimited: bool,
    /// A delete carries the version of the row that it deleted, and is newer than it.
    pub(super) deleted: bool,
}

/// Where an alert opens and resolves.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    threshold: i64,
    margin: i64,
    severity: String,
}

/// The rules that may be in force for the levels of a batch.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    rules: Vec<LevelRule>,
    margin_percent: u32,
}

impl Rules {
    pub(super) fn new(rules: Vec<LevelRule>, margin_percent: u32) -> Self {
        Self { rules, margin_percent }
    }

    /// The rule in force: for item and location, else the item, else the location, else for all.
    fn of(&self, kind: LevelKind, item: Uuid, location: &str) -> Option<&LevelRule> {
        self.rules
            .iter()
            .filter(|rule| rule.kind == kind.name())
            .filter(|rule| rule.item_id.is_none_or(|wanted| wanted == item))
            .filter(|rule| rule.location.as_deref().is_none_or(|wanted| wanted == location))
            .min_by_key(|rule| (rule.item_id.is_none(), rule.location.is_none()))
    }

    /// The lines of an alert of this level; none if it has no such alert.
    fn line(&self, kind: LevelKind, level: &Judged) -> Option<Line> {
        if level.unlimited || level.archived {
            return None;
        }
        let rule = self.of(kind, level.item_id, &level.location);
        if rule.is_some_and(|rule| !rule.enabled) {
            return None;
        }
        let threshold = rule
            .and_then(|rule| rule.threshold)
            .or_else(|| level.own_threshold(kind, rule.is_some()))?;
        let percent = i64::from(self.margin_percent);
        let default_margin = threshold.max(0).saturating_mul(percent).saturating_add(99) / 100;
        Some(Line {
            threshold,
            margin: rule.and_then(|rule| rule.margin).unwrap_or(default_margin),
            severity: rule
                .and_then(|rule| rule.severity.clone())
                .unwrap_or_else(|| kind.severity().name().to_owned()),
        })
    }
}

/// What the alerts of one stock level were judged by, and which of them are open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Judged {
    pub(super) item_id: Uuid,
    pub(super) location: String,
    archived: bool,
    pub(super) version: i64,
    pub(super) available: i64,
    pub(super) safety_stock: i64,
    pub(super) reorder_point: i64,
    pub(super) unlimited: bool,
    /// Whether there was ever anything on hand.
    pub(super) stocked: bool,
    pub(super) open: BTreeSet<LevelKind>,
}

impl From<AlertLevel> for Judged {
    fn from(level: AlertLevel) -> Self {
        Self {
            item_id: level.item_id,
            location: level.location,
            archived: level.archived,
            version: level.version,
            available: level.available,
            safety_stock: level.safety_stock,
            reorder_point: level.reorder_point,
            unlimited: level.unlimited,
            stocked: level.stocked,
            open: level
                .open_kinds
                .iter()
                .filter_map(|name| LevelKind::of_name(name))
                .collect(),
        }
    }
}

impl Judged {
    /// Takes a version and says which alerts it turned; `None` if it is no newer than what was judged already.
    pub(super) fn take(&mut self, figures: &Figures, rules: &Rules) -> Option<Vec<Edge>> {
        let newer = figures.version > self.version || (figures.deleted && figures.version == self.version);
        if !newer {
            return None;
        }
        self.version = figures.version;
        self.available = figures.available;
        self.safety_stock = figures.safety_stock;
        self.reorder_point = figures.reorder_point;
        self.unlimited = figures.unlimited;
        self.stocked |= figures.on_hand > 0;
        Some(self.judge(rules))
    }

    /// Judges the version that is there by these rules.
    pub(super) fn judge(&mut self, rules: &Rules) -> Vec<Edge> {
        // Nothing was taken yet: there is nothing to judge.
        if self.version == 0 {
            return Vec::new();
        }
        LevelKind::ALL
            .into_iter()
            .filter_map(|kind| self.turn(kind, rules.line(kind, self)))
            .collect()
    }

    fn turn(&mut self, kind: LevelKind, line: Option<Line>) -> Option<Edge> {
        let open = self.open.contains(&kind);
        let turn = match &line {
            Some(line) if !open && self.available <= line.threshold => Turn::Opened,
            Some(line) if open && self.available > line.threshold.saturating_add(line.margin) => Turn::Resolved,
            None if open => Turn::Resolved,
            Some(_) | None => return None,
        };
        match turn {
            Turn::Opened => self.open.insert(kind),
            Turn::Resolved => self.open.remove(&kind),
        };
        Some(Edge {
            kind,
            turn,
            version: self.version,
            available: self.available,
            threshold: line.as_ref().map(|line| line.threshold),
            severity: line.map_or_else(|| kind.severity().name().to_owned(), |line| line.severity),
        })
    }

    /// The threshold that the level itself has. A reorder point or safety stock of 0 is none. What never had stock and
    /// is not planned does not run out, unless a rule asks for it.
    fn own_threshold(&self, kind: LevelKind, asked_for: bool) -> Option<i64> {
        match kind {
            LevelKind::ReorderPoint => Some(self.reorder_point).filter(|point| *point > 0),
            LevelKind::SafetyStock => Some(self.safety_stock).filter(|stock| *stock > 0),
            LevelKind::OutOfStock => {
                (asked_for || self.stocked || self.safety_stock > 0 || self.reorder_point > 0).then_some(0)
            }
        }
    }
}

/// What makes an alert of a level this one and no other.
pub(super) fn fingerprint(kind: LevelKind, item: Uuid, location: &str) -> String {
    format!("{}/{item}/{location}", kind.name())
}

#[cfg(test)]
#[path = "model_tests.rs"]
mod tests;
