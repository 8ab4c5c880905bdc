//! What a comparison found.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use uuid::Uuid;

use crate::search::Month;

/// Differences that the text of a report shows.
const SHOWN: usize = 10;

/// What is compared with Postgres.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Store {
    /// The cache.
    Redis,
    /// The indexes.
    Elasticsearch,
    /// The ledger, added up, against the balances: both in Postgres.
    Ledger,
}

impl Store {
    /// All of them.
    pub const ALL: [Store; 3] = [Self::Redis, Self::Elasticsearch, Self::Ledger];

    /// Name in reports, metrics and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Elasticsearch => "elasticsearch",
            Self::Ledger => "ledger",
        }
    }
}

/// In which way something differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Postgres has it, the read model has not.
    Missing,
    /// An older version than the read model must have by now.
    Stale,
    /// A version that Postgres never wrote.
    Ahead,
    /// The right version with another value, or a sum that its parts do not give.
    Changed,
    /// Postgres does not have it.
    Extra,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 5] = [Self::Missing, Self::Stale, Self::Ahead, Self::Changed, Self::Extra];

    /// Name in reports, metrics and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Stale => "stale",
            Self::Ahead => "ahead",
            Self::Changed => "changed",
            Self::Extra => "extra",
        }
    }
}

/// Which collection of a store a key belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Place {
    /// Hashes in Redis; an id is the item and a field, or a key that is none of ours.
    Hash,
    /// Documents of items.
    Items,
    /// Documents of stock levels.
    Stock,
    /// Documents of summaries.
    Summaries,
    /// Documents of the movements of a month.
    Movements(Month),
    /// Balances that the ledger gives.
    Balance,
}

impl Place {
    pub(super) const fn store(self) -> Store {
        match self {
            Self::Hash => Store::Redis,
            Self::Items | Self::Stock | Self::Summaries | Self::Movements(_) => Store::Elasticsearch,
            Self::Balance => Store::Ledger,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Hash => "stock hash",
            Self::Items => "items",
            Self::Stock => "stock",
            Self::Summaries => "summaries",
            Self::Movements(_) => "movements",
            Self::Balance => "balance",
        }
    }
}

/// Something that differs, as one look saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) place: Place,
    /// The item it belongs to; none for a key that names none.
    pub(super) item: Option<Uuid>,
    pub(super) id: String,
    pub(super) kind: Kind,
    /// Version in Postgres; 0 where it has no such row, or where a version says nothing.
    pub(super) wanted: i64,
    /// Version in the read model; 0 where it has no such key, or where a version says nothing.
    pub(super) held: i64,
    pub(super) expected: String,
    pub(super) found: String,
}

impl Finding {
    pub(super) fn key(&self) -> (Place, &str) {
        (self.place, &self.id)
    }
}

/// One value that is not what Postgres has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Where.
    pub store: Store,
    /// Collection, item, location, field.
    pub key: String,
    /// How.
    pub kind: Kind,
    /// What Postgres says; empty if it knows no such key.
    pub expected: String,
    /// What is there instead; empty if nothing is.
    pub found: String,
    /// Whether it was put right.
    pub repaired: bool,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |text: &str| {
            if text.is_empty() {
                "nothing".to_owned()
            } else {
                format!("[{text}]")
            }
        };
        let repaired = if self.repaired { ", repaired" } else { "" };
        write!(
            f,
            "{} {}: expected {}, found {}{repaired}",
            self.kind.name(),
            self.key,
            shown(&self.expected),
            shown(&self.found)
        )
    }
}

/// What was found in one store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct StoreReport {
    /// Differences of each kind.
    pub found: BTreeMap<Kind, u64>,
    /// How many of them were put right.
    pub repaired: BTreeMap<Kind, u64>,
    /// Keys of which nothing is known yet, because the read model is behind.
    pub behind: u64,
    /// Why the read model is behind; empty if it is not.
    pub lag: String,
}

impl StoreReport {
    /// How many differences there are of all kinds.
    pub fn differences(&self) -> u64 {
        self.found.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// How many were put right.
    pub fn repairs(&self) -> u64 {
        self.repaired.values().fold(0, |sum, count| sum.saturating_add(*count))
    }
}

/// What a comparison looked at and found.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Report {
    /// Rows of `inventory.stock_level`.
    pub levels: u64,
    /// Rows of `inventory.item`.
    pub items: u64,
    /// Rows of the ledger that were added up.
    pub movements: u64,
    /// Rows of the ledger whose documents were compared.
    pub indexed_movements: u64,
    /// Buckets whose digests were compared.
    pub buckets: u64,
    /// Buckets whose digests differed, so that every key of them was compared.
    pub descended: u64,
    /// What was found, by store.
    pub stores: BTreeMap<Store, StoreReport>,
    /// The differences themselves, as many as were asked for.
    pub differences: Vec<Difference>,
    /// How long it took.
    pub seconds: f64,
    #[serde(skip)]
    keep: usize,
}

impl Report {
    /// A report that lists so many differences and counts the others.
    pub(super) fn keeping(keep: usize) -> Self {
        Self {
            keep,
            ..Self::default()
        }
    }

    /// Whether nothing differs, and nothing is left unknown.
    pub fn is_equal(&self) -> bool {
        self.count() == 0 && self.is_complete()
    }

    /// Whether every key could be compared: no read model was behind.
    pub fn is_complete(&self) -> bool {
        self.stores
            .values()
            .all(|store| store.behind == 0 && store.lag.is_empty())
    }

    /// How many differences there are of all kinds.
    pub fn count(&self) -> u64 {
        self.stores
            .values()
            .fold(0, |sum, store| sum.saturating_add(store.differences()))
    }

    /// How many differences are still there.
    pub fn left(&self) -> u64 {
        let repaired = self
            .stores
            .values()
            .fold(0_u64, |sum, store| sum.saturating_add(store.repairs()));
        self.count().saturating_sub(repaired)
    }

    pub(super) fn store(&mut self, store: Store) -> &mut StoreReport {
        self.stores.entry(store).or_default()
    }

    pub(super) fn add(&mut self, finding: &Finding, repaired: bool) {
        let store = self.store(finding.place.store());
        let count = store.found.entry(finding.kind).or_default();
        *count = count.saturating_add(1);
        if repaired {
            let count = store.repaired.entry(finding.kind).or_default();
            *count = count.saturating_add(1);
        }
        if self.differences.len() < self.keep {
            self.differences.push(Difference {
                store: finding.place.store(),
                key: format!("{} {}", finding.place.name(), finding.id),
                kind: finding.kind,
                expected: finding.expected.clone(),
                found: finding.found.clone(),
                repaired,
            });
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} stock levels, {} items, {} movements and {} of them in the index; {} buckets, {} of them key by key",
            self.levels, self.items, self.movements, self.indexed_movements, self.buckets, self.descended
        )?;
        for (store, found) in &self.stores {
            write!(f, "{}: {} differences", store.name(), found.differences())?;
            if found.repairs() > 0 {
                write!(f, ", {} repaired", found.repairs())?;
            }
            if found.behind > 0 || !found.lag.is_empty() {
                write!(f, ", {} keys not known yet: {}", found.behind, found.lag)?;
            }
            writeln!(f)?;
            for difference in self
                .differences
                .iter()
                .filter(|difference| difference.store == *store)
                .take(SHOWN)
            {
                writeln!(f, "  {difference}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn finding(n: usize) -> Finding {
        Finding {
            place: Place::Hash,
            item: None,
            id: format!("k{n}"),
            kind: Kind::Missing,
            wanted: 1,
            held: 0,
            expected: "1".to_owned(),
            found: String::new(),
        }
    }

    #[test]
    fn all_are_counted_and_as_many_kept_as_asked_for() {
        let mut report = Report::keeping(12);
        for n in 0..25 {
            report.add(&finding(n), n >= 20);
        }
        assert_eq!((report.count(), report.left(), report.differences.len()), (25, 20, 12));
        assert!(!report.is_equal());
        let text = report.to_string();
        assert!(
            text.contains("redis: 25 differences, 5 repaired\n  missing stock hash k0: expected [1], found nothing\n"),
            "{text}"
        );
        assert_eq!(text.matches("expected").count(), SHOWN);
        let json: serde_json::Value = serde_json::to_value(&report).unwrap();
        assert_eq!(json.pointer("/stores/redis/found/missing"), Some(&25.into()));
    }

    #[test]
    fn a_read_model_that_is_behind_is_no_difference_and_not_equal() {
        let mut report = Report::keeping(1);
        assert!(report.is_equal());
        report.store(Store::Redis).behind = 3;
        assert_eq!(
            (report.count(), report.is_equal(), report.is_complete()),
            (0, false, false)
        );
    }
}
