//! What a comparison found.

use std::fmt;

/// Differences that are kept in full; the others are counted.
const KEPT: usize = 10;

/// One value that is not what Postgres has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Item, location, and what is different there.
    pub key: String,
    /// What Postgres says; empty if it knows no such key.
    pub expected: String,
    /// What is there instead; empty if nothing is.
    pub found: String,
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
        write!(
            f,
            "{}: expected {}, found {}",
            self.key,
            shown(&self.expected),
            shown(&self.found)
        )
    }
}

/// Differences of one kind: how many, and the first of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Differences {
    /// How many there are.
    pub count: u64,
    /// The first ten.
    pub first: Vec<Difference>,
}

impl Differences {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn add(&mut self, key: impl Into<String>, expected: impl Into<String>, found: impl Into<String>) {
        self.count = self.count.saturating_add(1);
        if self.first.len() < KEPT {
            self.first.push(Difference {
                key: key.into(),
                expected: expected.into(),
                found: found.into(),
            });
        }
    }

    /// Notes a difference if the two are not the same; `None` is nothing there.
    pub(super) fn expect(&mut self, key: impl FnOnce() -> String, expected: &str, found: Option<&str>) {
        if found != Some(expected) {
            self.add(key(), expected, found.unwrap_or_default());
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.count = self.count.saturating_add(other.count);
        let room = KEPT.saturating_sub(self.first.len());
        self.first.extend(other.first.into_iter().take(room));
    }
}

/// What a comparison looked at and found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Rows of `inventory.stock_level`.
    pub levels: u64,
    /// Rows of `inventory.item`.
    pub items: u64,
    /// Rows of the ledger that were added up.
    pub movements: u64,
    /// Redis against Postgres.
    pub redis: Differences,
    /// Elasticsearch against Postgres.
    pub search: Differences,
    /// The ledger, added up, against the balances.
    pub ledger: Differences,
}

impl Report {
    /// Whether everything is equal.
    pub fn is_equal(&self) -> bool {
        self.redis.is_empty() && self.search.is_empty() && self.ledger.is_empty()
    }

    /// How many differences there are of all kinds.
    pub fn differences(&self) -> u64 {
        [&self.redis, &self.search, &self.ledger]
            .into_iter()
            .map(|kind| kind.count)
            .fold(0, u64::saturating_add)
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.levels = self.levels.saturating_add(other.levels);
        self.items = self.items.saturating_add(other.items);
        self.movements = self.movements.saturating_add(other.movements);
        self.redis.merge(other.redis);
        self.search.merge(other.search);
        self.ledger.merge(other.ledger);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} stock levels, {} items, {} movements",
            self.levels, self.items, self.movements
        )?;
        for (name, kind) in [
            ("redis", &self.redis),
            ("elasticsearch", &self.search),
            ("ledger", &self.ledger),
        ] {
            writeln!(f, "{name}: {} differences", kind.count)?;
            for difference in &kind.first {
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

    #[test]
    fn all_are_counted_and_ten_are_kept() {
        let mut differences = Differences::default();
        for n in 0..25 {
            differences.expect(|| format!("k{n}"), "1", None);
            differences.expect(|| unreachable!("equal values have no difference"), "1", Some("1"));
        }
        let mut report = Report {
            redis: differences.clone(),
            ..Report::default()
        };
        report.merge(Report {
            redis: differences,
            levels: 3,
            ..Report::default()
        });
        assert_eq!(
            (report.redis.count, report.redis.first.len(), report.differences()),
            (50, 10, 50)
        );
        assert!(!report.is_equal());
        let text = report.to_string();
        assert!(
            text.contains("redis: 50 differences\n  k0: expected [1], found nothing\n"),
            "{text}"
        );
        assert!(Report::default().is_equal());
    }
}
