//! Months, by which movements are kept.

use std::fmt;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// A month in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Month(Date);

impl Month {
    /// The month of an instant.
    pub(crate) fn of(at: Timestamp) -> Self {
        Self(at.to_zoned(TimeZone::UTC).date().first_of_month())
    }

    /// The month of an instant and those before it, oldest first; `count` in all.
    pub(crate) fn back_from(at: Timestamp, count: u32) -> Vec<Self> {
        let last = Self::of(at);
        let mut months: Vec<Self> = (0..i64::from(count.max(1)))
            .filter_map(|back| last.0.checked_sub(back.months()).ok().map(Self))
            .collect();
        months.reverse();
        months
    }

    /// Its first instant and that of the month after.
    pub(crate) fn span(self) -> Option<(Timestamp, Timestamp)> {
        let end = self.0.checked_add(1.month()).ok()?;
        let instant = |date: Date| {
            DateTime::from(date)
                .to_zoned(TimeZone::UTC)
                .ok()
                .map(|at| at.timestamp())
        };
        Some((instant(self.0)?, instant(end)?))
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}.{:02}", self.0.year(), self.0.month())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn months_go_back_over_the_turn_of_a_year() {
        let at = "2026-01-31T23:59:59Z".parse().unwrap();
        let names: Vec<String> = Month::back_from(at, 3).iter().map(ToString::to_string).collect();
        assert_eq!(names, ["2025.11", "2025.12", "2026.01"]);
        assert_eq!(Month::back_from(at, 0).len(), 1);
    }

    #[test]
    fn a_month_ends_where_the_next_begins() {
        let (start, end) = Month::of("2025-12-05T10:00:00Z".parse().unwrap()).span().unwrap();
        assert_eq!(start.to_string(), "2025-12-01T00:00:00Z");
        assert_eq!(end.to_string(), "2026-01-01T00:00:00Z");
    }
}
