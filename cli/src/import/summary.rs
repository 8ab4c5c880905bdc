//! What an import came to, and whether every line is accounted for.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, bail};
use comfy_table::{CellAlignment, Table, presets};

use super::feed::{Body, Event};
use super::invoice::{Invoice, Line};
use super::record::Reason;
use super::report::Report;
use super::rules::Kind;
use super::writer::Done;

/// Counts of an import.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    rejected: BTreeMap<Reason, u64>,
    sale_lines: u64,
    return_lines: u64,
    adjustment_lines: u64,
    fully: u64,
    partially: u64,
    refused: u64,
    returns: u64,
    adjusted: u64,
    adjusted_short: u64,
    adjusted_nothing: u64,
    received_units: i64,
    wanted_units: i64,
    sold_units: i64,
    commands: [u64; 3],
}

impl Summary {
    /// A line that is not imported.
    pub(crate) fn reject(&mut self, reason: Reason) {
        add(self.rejected.entry(reason).or_default(), 1);
    }

    /// A batch and what became of it. What is short goes into the report.
    pub(crate) fn batch(&mut self, events: &[Event], done: &Done, report: &mut Report) -> Result<()> {
        let [applied, replayed, refused] = &mut self.commands;
        add(applied, done.applied);
        add(replayed, done.replayed);
        add(refused, done.refused);
        for (position, event) in events.iter().enumerate() {
            match &event.body {
                Body::Receipts(_, receipts) => {
                    let lines = receipts.opening.iter().chain(&receipts.replenishment);
                    self.received_units = lines.fold(self.received_units, |sum, (_, units)| sum.saturating_add(*units));
                }
                Body::Invoice(invoice) => {
                    self.sale(position, invoice, done, report)?;
                    add(&mut self.return_lines, invoice.count(Kind::Return));
                    add(&mut self.returns, u64::from(invoice.count(Kind::Return) > 0));
                    for line in &invoice.lines {
                        self.adjustment(line, invoice, done, report)?;
                    }
                }
            }
        }
        self.refusals(events, done, report)
    }

    fn sale(&mut self, position: usize, invoice: &Invoice, done: &Done, report: &mut Report) -> Result<()> {
        let lines = invoice.count(Kind::Sale);
        if lines == 0 {
            return Ok(());
        }
        add(&mut self.sale_lines, lines);
        let sold = done.sold.get(&position);
        let mut short = false;
        for (sku, wanted) in invoice.units(Kind::Sale) {
            let units = sold.and_then(|sold| sold.get(sku)).copied().unwrap_or(0);
            self.wanted_units = self.wanted_units.saturating_add(wanted);
            self.sold_units = self.sold_units.saturating_add(units);
            if units < wanted {
                short = true;
                let content = format!("invoice {} sku {sku} wanted {wanted} served {units}", invoice.number);
                report.add(invoice.line_of(sku), "short", &content)?;
            }
        }
        match (sold.is_some(), short) {
            (false, _) => add(&mut self.refused, 1),
            (true, true) => add(&mut self.partially, 1),
            (true, false) => add(&mut self.fully, 1),
        }
        Ok(())
    }

    fn adjustment(&mut self, line: &Line, invoice: &Invoice, done: &Done, report: &mut Report) -> Result<()> {
        if !matches!(line.kind, Kind::WriteOff | Kind::WriteOn) {
            return Ok(());
        }
        add(&mut self.adjustment_lines, 1);
        let wanted = line.quantity.saturating_abs();
        let units = done.adjusted.get(&line.number).copied().unwrap_or(0);
        match units {
            0 => add(&mut self.adjusted_nothing, 1),
            units if units < wanted => add(&mut self.adjusted_short, 1),
            _ => add(&mut self.adjusted, 1),
        }
        if units < wanted {
            let content = format!(
                "adjustment {} sku {} wanted {} done {units}",
                invoice.number, line.sku, line.quantity
            );
            report.add(line.number, "short", &content)?;
        }
        Ok(())
    }

    /// Refusals for another reason than too little stock: that one is reported item by item above.
    fn refusals(&self, events: &[Event], done: &Done, report: &mut Report) -> Result<()> {
        for (position, sku, code) in &done.refusals {
            if *code == onhand_db::ErrorCode::InsufficientStock {
                continue;
            }
            let (line, what) = match events.get(*position).map(|event| &event.body) {
                Some(Body::Invoice(invoice)) => (invoice.line_of(sku), format!("invoice {}", invoice.number)),
                Some(Body::Receipts(day, _)) => (0, format!("receipt of {day}")),
                None => continue,
            };
            report.add(line, code.slug(), &format!("{what} sku {sku}"))?;
        }
        Ok(())
    }

    /// Fails if a line was neither imported nor rejected nor left for the next run.
    pub(crate) fn check(&self, total: u64, left: u64) -> Result<()> {
        let rejected: u64 = self.rejected.values().sum();
        let sum = [
            self.sale_lines,
            self.return_lines,
            self.adjustment_lines,
            rejected,
            left,
        ]
        .into_iter()
        .fold(0, u64::saturating_add);
        if sum != total {
            bail!("{sum} lines are accounted for, but the file has {total}: please report this with the file");
        }
        Ok(())
    }

    /// For people.
    pub(crate) fn table(&self, total: u64, left: u64, elapsed: Duration) -> Table {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        let mut row = |name: &str, value: String| {
            table.add_row(vec![name.to_owned(), value]);
        };
        let invoices = self.fully + self.partially + self.refused;
        row("invoices", count(invoices));
        row("  fully served", count(self.fully));
        row("  partially served", count(self.partially));
        row("  refused", count(self.refused));
        row("units ordered", count(self.wanted_units.unsigned_abs()));
        row("  sold", count(self.sold_units.unsigned_abs()));
        row("units received", count(self.received_units.unsigned_abs()));
        row("cancellations returned", count(self.returns));
        row(
            "adjustments",
            count(self.adjusted + self.adjusted_short + self.adjusted_nothing),
        );
        row("  cut down to what was there", count(self.adjusted_short));
        row("  nothing there", count(self.adjusted_nothing));
        let [applied, replayed, refused] = self.commands;
        row("commands applied", count(applied));
        row("  replayed, nothing changed", count(replayed));
        row("  refused", count(refused));
        row("lines", count(total));
        row("  sales", count(self.sale_lines));
        row("  returns", count(self.return_lines));
        row("  adjustments", count(self.adjustment_lines));
        for (reason, lines) in &self.rejected {
            row(&format!("  rejected: {}", reason.as_str()), count(*lines));
        }
        if left > 0 {
            row("  left for another run", count(left));
        }
        let per_second = u128::from(total.saturating_sub(left)) * 1_000 / elapsed.as_millis().max(1);
        row("lines per second", count(u64::try_from(per_second).unwrap_or(u64::MAX)));
        row("seconds", format!("{:.1}", elapsed.as_secs_f64()));
        if let Some(column) = table.column_mut(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table
    }

    /// Whether nothing was left to do.
    pub(crate) fn nothing_new(&self) -> bool {
        matches!(self.commands, [0, replayed, _] if replayed > 0)
    }

    /// Invoices so far.
    pub(crate) fn invoices(&self) -> u64 {
        self.fully + self.partially + self.refused
    }
}

fn add(counter: &mut u64, more: u64) {
    *counter = counter.saturating_add(more);
}

/// With commas between thousands.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn line(number: u64, sku: &str, quantity: i64, kind: Kind) -> Line {
        Line {
            number,
            sku: sku.to_owned(),
            quantity,
            kind,
            description: "broken".to_owned(),
        }
    }

    fn event(lines: Vec<Line>) -> Event {
        Event {
            number: 1,
            chain: String::new(),
            body: Body::Invoice(Invoice {
                number: "900001".to_owned(),
                at: "2021-03-01T08:00:00Z".parse().unwrap(),
                day: "2021-03-01".parse().unwrap(),
                customer: None,
                lines,
            }),
        }
    }

    #[test]
    fn invoices_lines_and_shortages_are_counted() {
        let path = std::env::temp_dir().join(format!("onhand-summary-{}", std::process::id()));
        let mut report = Report::create(&path).unwrap();
        let events = [
            event(vec![
                line(2, "A", 4, Kind::Sale),
                line(3, "B", 1, Kind::Sale),
                line(4, "A", 2, Kind::Sale),
            ]),
            event(vec![line(5, "A", 4, Kind::Sale)]),
            event(vec![line(6, "A", 4, Kind::Sale)]),
            event(vec![line(7, "A", -4, Kind::Return), line(8, "B", -3, Kind::WriteOff)]),
        ];
        let mut done = Done {
            applied: 6,
            ..Done::default()
        };
        done.sold.insert(0, [("A".to_owned(), 5), ("B".to_owned(), 1)].into());
        done.sold.insert(1, [("A".to_owned(), 4)].into());
        done.adjusted.insert(8, 1);
        let mut summary = Summary::default();
        summary.batch(&events, &done, &mut report).unwrap();
        summary.reject(Reason::NotGoods);
        report.flush().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!((summary.fully, summary.partially, summary.refused), (1, 1, 1));
        assert_eq!(
            (summary.sold_units, summary.wanted_units, summary.adjusted_short),
            (10, 15, 1)
        );
        assert!(
            text.contains("2,short,invoice 900001 sku A wanted 6 served 5\n"),
            "{text}"
        );
        assert!(
            text.contains("8,short,adjustment 900001 sku B wanted -3 done 1\n"),
            "{text}"
        );
        assert!(summary.check(8, 0).is_ok());
        assert!(summary.check(10, 2).is_ok());
        assert!(summary.check(9, 0).is_err());
        assert!(!summary.nothing_new());
    }

    #[test]
    fn thousands_are_set_apart() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(count(number), text);
        }
    }
}
