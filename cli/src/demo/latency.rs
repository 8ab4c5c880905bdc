//! Latencies and their percentiles.

use std::time::Duration;

use anyhow::Result;
use comfy_table::{CellAlignment, Table, presets};
use hdrhistogram::Histogram;

/// Microseconds up to a minute, to three digits.
#[derive(Debug)]
pub(super) struct Latencies {
    histogram: Histogram<u64>,
}

impl Latencies {
    pub(super) fn new() -> Result<Self> {
        Ok(Self {
            histogram: Histogram::new_with_bounds(1, 60_000_000, 3)?,
        })
    }

    /// One measurement.
    pub(super) fn add(&mut self, latency: Duration) {
        self.histogram
            .saturating_record(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX).max(1));
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// p50, p95, p99, max in milliseconds.
    fn cells(&self) -> [String; 4] {
        let shown = |micros: u64| format!("{:.2}", Duration::from_micros(micros).as_secs_f64() * 1_000.0);
        [
            shown(self.histogram.value_at_quantile(0.5)),
            shown(self.histogram.value_at_quantile(0.95)),
            shown(self.histogram.value_at_quantile(0.99)),
            shown(self.histogram.max()),
        ]
    }
}

/// A table with one row for each kind of latency.
pub(super) fn table<'a>(what: &str, rows: impl IntoIterator<Item = (&'a str, &'a Latencies)>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header([what, "count", "p50 ms", "p95 ms", "p99 ms", "max ms"]);
    for (name, latencies) in rows {
        let mut row = vec![name.to_owned(), latencies.count().to_string()];
        row.extend(latencies.cells());
        table.add_row(row);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn percentiles_of_a_hundred() {
        let mut latencies = Latencies::new().unwrap();
        (1..=100).for_each(|n| latencies.add(Duration::from_millis(n)));
        latencies.add(Duration::ZERO);
        let [p50, p95, p99, max] = latencies.cells().map(|text| text.parse::<f64>().unwrap());
        assert!(
            (p50 - 50.0).abs() < 1.0 && (p95 - 95.0).abs() < 1.0 && (p99 - 99.0).abs() < 1.0,
            "{p50} {p95} {p99}"
        );
        assert!((max - 100.0).abs() < 0.2, "{max}");
        assert_eq!(latencies.count(), 101);
    }

    #[test]
    fn more_than_the_longest_is_counted_as_the_longest() {
        let mut latencies = Latencies::new().unwrap();
        latencies.add(Duration::from_secs(600));
        assert_eq!(latencies.count(), 1);
        assert!(table("hop", [("redis", &latencies)]).to_string().contains("redis"));
    }
}
