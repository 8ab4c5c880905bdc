//! Lines gathered into invoices.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use jiff::civil::Date;

use super::record::Record;
use super::rules::Kind;

/// Lines of an invoice stand together, give or take a few lines of the next one. After so many lines without one more
/// it is whole; a line of the same number that comes later begins an invoice of its own.
const GAP: u64 = 200;
/// An invoice with more lines is cut, so that a file with one number on all lines does not fill the memory.
const MOST_LINES: usize = 5_000;

/// A line of an invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// Number of the line in the file.
    pub(crate) number: u64,
    pub(crate) sku: String,
    /// Negative for what comes back and what is written off.
    pub(crate) quantity: i64,
    pub(crate) kind: Kind,
    /// For adjustments.
    pub(crate) description: String,
}

/// All lines of goods of one invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Invoice {
    pub(crate) number: String,
    /// Of its first line.
    pub(crate) at: Timestamp,
    /// Of its first line.
    pub(crate) day: Date,
    pub(crate) customer: Option<String>,
    /// In order of time; never empty.
    pub(crate) lines: Vec<Line>,
}

/// An invoice that may go on.
#[derive(Debug)]
struct Open {
    invoice: Invoice,
    /// How many lines were read when its last one came.
    last: u64,
}

impl Invoice {
    /// Unique in the file, and the same at every run.
    pub(crate) fn key(&self) -> String {
        format!("{}@{}", self.number, self.lines.first().map_or(0, |line| line.number))
    }

    /// Units by sku of the lines of one kind, as positive numbers: demand on one sku is one demand.
    pub(crate) fn units(&self, kind: Kind) -> BTreeMap<&str, i64> {
        let mut units = BTreeMap::new();
        for line in self.lines.iter().filter(|line| line.kind == kind) {
            let sum: &mut i64 = units.entry(line.sku.as_str()).or_default();
            *sum = sum.saturating_add(line.quantity.saturating_abs());
        }
        units
    }

    /// How many lines are of this kind.
    pub(crate) fn count(&self, kind: Kind) -> u64 {
        u64::try_from(self.lines.iter().filter(|line| line.kind == kind).count()).unwrap_or(u64::MAX)
    }

    /// Number of the first line that names this sku.
    pub(crate) fn line_of(&self, sku: &str) -> u64 {
        self.lines
            .iter()
            .find(|line| line.sku == sku)
            .map_or(0, |line| line.number)
    }
}

/// Gathers lines and gives out invoices in the order of their first lines.
#[derive(Debug, Default)]
pub(crate) struct Gatherer {
    open: VecDeque<Open>,
}

impl Gatherer {
    /// Takes the line that was read as the `position`th.
    pub(crate) fn push(&mut self, position: u64, record: Record, kind: Kind) {
        let line = Line {
            number: record.line,
            sku: record.sku,
            quantity: record.quantity,
            kind,
            description: record.description,
        };
        let open = self.open.iter_mut().rev();
        match open
            .into_iter()
            .find(|open| open.invoice.number == record.invoice && !open.is_whole(position))
        {
            Some(open) => {
                if open.invoice.customer.is_none() {
                    open.invoice.customer = record.customer;
                }
                open.invoice.lines.push(line);
                open.last = position;
            }
            None => self.open.push_back(Open {
                invoice: Invoice {
                    number: record.invoice,
                    at: record.at,
                    day: record.day,
                    customer: record.customer,
                    lines: vec![line],
                },
                last: position,
            }),
        }
    }

    /// The next invoice that is whole now that so many lines were read.
    pub(crate) fn pop(&mut self, position: u64) -> Option<Invoice> {
        if self.open.front().is_some_and(|open| open.is_whole(position)) {
            self.open.pop_front().map(|open| open.invoice)
        } else {
            None
        }
    }

    /// The rest, at the end of the file.
    pub(crate) fn finish(self) -> impl Iterator<Item = Invoice> {
        self.open.into_iter().map(|open| open.invoice)
    }
}

impl Open {
    fn is_whole(&self, position: u64) -> bool {
        self.invoice.lines.len() >= MOST_LINES || self.last.saturating_add(GAP) < position
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn record(line: u64, invoice: &str, sku: &str, quantity: i64) -> Record {
        Record {
            line,
            invoice: invoice.to_owned(),
            cancellation: false,
            sku: sku.to_owned(),
            description: String::new(),
            quantity,
            at: "2021-03-01T08:00:00Z".parse().unwrap(),
            day: "2021-03-01".parse().unwrap(),
            priced: true,
            customer: None,
        }
    }

    #[test]
    fn lines_that_lie_apart_are_one_invoice() {
        let mut gatherer = Gatherer::default();
        for (line, invoice, quantity) in [(2, "1", 2), (3, "2", 5), (4, "1", 3)] {
            gatherer.push(line, record(line, invoice, "A", quantity), Kind::Sale);
        }
        assert_eq!(gatherer.pop(4 + GAP), None);
        let first = gatherer.pop(5 + GAP).unwrap();
        assert_eq!((first.key().as_str(), first.lines.len()), ("1@2", 2));
        assert_eq!(first.units(Kind::Sale), BTreeMap::from([("A", 5)]));
        assert_eq!(
            gatherer.finish().map(|invoice| invoice.key()).collect::<Vec<_>>(),
            ["2@3"]
        );
    }

    #[test]
    fn the_order_is_that_of_the_first_lines() {
        let mut gatherer = Gatherer::default();
        gatherer.push(2, record(2, "1", "A", 1), Kind::Sale);
        gatherer.push(3, record(3, "2", "A", 1), Kind::Sale);
        gatherer.push(2 + GAP, record(2 + GAP, "1", "A", 1), Kind::Sale);
        // Invoice 2 is whole before invoice 1, and waits for it.
        assert_eq!(gatherer.pop(4 + GAP), None);
        assert_eq!(gatherer.finish().count(), 2);
    }

    #[test]
    fn a_number_that_comes_back_much_later_is_another_invoice() {
        let mut gatherer = Gatherer::default();
        gatherer.push(2, record(2, "1", "A", 1), Kind::Sale);
        gatherer.push(3 + GAP, record(3 + GAP, "1", "A", 1), Kind::Sale);
        assert_eq!(gatherer.finish().count(), 2);
    }

    #[test]
    fn an_endless_invoice_is_cut() {
        let mut gatherer = Gatherer::default();
        for line in 0..u64::try_from(MOST_LINES).unwrap() + 1 {
            gatherer.push(line + 2, record(line + 2, "1", "A", 1), Kind::Sale);
        }
        assert_eq!(
            gatherer.finish().map(|invoice| invoice.lines.len()).collect::<Vec<_>>(),
            [MOST_LINES, 1]
        );
    }
}
