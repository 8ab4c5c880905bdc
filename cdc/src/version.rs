//! The version of a row: the one number that says which of two states of a row is the newer one.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Version of a row. It only grows, also across a restore (the database sees to that), so a sink
/// keeps the row with the higher one and needs to know nothing else about order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RowVersion(i64);

impl RowVersion {
    /// Largest version a sink can hold exactly: Lua numbers in Redis are doubles.
    pub const MAX: RowVersion = RowVersion((1 << 53) - 1);

    /// Wraps a version as the database wrote it.
    pub const fn new(version: i64) -> Self {
        Self(version)
    }

    /// The bare number.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// True for a version that a row can really have. Debezium fills a column it does not know
    /// (the old row of a table without full replica identity) with zero.
    pub const fn is_valid(self) -> bool {
        self.0 > 0 && self.0 <= Self::MAX.0
    }
}

impl fmt::Display for RowVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_negative_and_huge_versions_are_not_versions() {
        assert!(!RowVersion::new(0).is_valid());
        assert!(!RowVersion::new(-1).is_valid());
        assert!(!RowVersion::new(1 << 53).is_valid());
        assert!(RowVersion::new(1).is_valid());
        assert!(RowVersion::MAX.is_valid());
    }
}
