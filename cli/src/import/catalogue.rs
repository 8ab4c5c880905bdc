//! First pass: which items the file knows, what they are called, and how much of each was asked for on each day.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use anyhow::{Context, Result, bail};
use jiff::civil::Date;
use sha2::{Digest, Sha256};

use super::fields;
use super::header::Columns;
use super::input::{Found, InputError, Lines};
use super::record::{self, Record};

/// Spellings of one description that are counted; a thousand of them would be no names any more.
const MOST_NAMES: usize = 32;

/// What the file says about one item.
#[derive(Debug, Clone, Default)]
pub(crate) struct ItemFacts {
    /// Descriptions on lines with a price: how often each stands there, and on which line first.
    names: BTreeMap<String, (u32, u64)>,
    /// A description from any other line, for want of a better one.
    other_name: Option<String>,
    /// Day of the first line of any kind.
    pub(crate) first_day: Option<Date>,
    /// Day of the last line of any kind.
    pub(crate) last_day: Option<Date>,
    /// Units on priced sale lines, by day.
    pub(crate) demand: BTreeMap<Date, i64>,
}

impl ItemFacts {
    fn add(&mut self, record: &Record) {
        self.first_day = Some(self.first_day.map_or(record.day, |day| day.min(record.day)));
        self.last_day = Some(self.last_day.map_or(record.day, |day| day.max(record.day)));
        let sale = record.quantity > 0 && record.priced;
        if sale {
            let units = self.demand.entry(record.day).or_default();
            *units = units.saturating_add(record.quantity);
        }
        if record.description.is_empty() {
            return;
        }
        if !sale {
            self.other_name.get_or_insert_with(|| record.description.clone());
        } else if self.names.len() < MOST_NAMES || self.names.contains_key(&record.description) {
            let (count, _) = self.names.entry(record.description.clone()).or_insert((0, record.line));
            *count = count.saturating_add(1);
        }
    }

    /// The most frequent description of lines with a price; the first in the alphabet among equals.
    pub(crate) fn name(&self) -> Option<&str> {
        let mut best: Option<(&str, u32)> = None;
        for (name, (count, _)) in &self.names {
            if best.is_none_or(|(_, most)| *count > most) {
                best = Some((name, *count));
            }
        }
        best.map(|(name, _)| name).or(self.other_name.as_deref())
    }

    /// Whether a line with a price called the item so before this line. (What comes after must not matter: a file that
    /// grows would tell its beginning in another way.)
    pub(crate) fn is_name(&self, description: &str, line: u64) -> bool {
        self.names.get(description).is_some_and(|(_, first)| *first < line)
    }
}

/// What the first pass found.
#[derive(Debug)]
pub(crate) struct Catalogue {
    /// Where the columns stand.
    pub(crate) columns: Columns,
    /// By sku.
    pub(crate) items: HashMap<String, ItemFacts>,
    /// Lines after the header.
    pub(crate) lines: u64,
    /// First day of any line.
    pub(crate) first_day: Option<Date>,
    /// Lines that are earlier than a line before them.
    pub(crate) out_of_order: u64,
    /// Names these data: digest of the header and the first line after it. A file that was cut short, or has grown
    /// since, or is compressed or not, has the same name, so that its import goes on where it was.
    pub(crate) dataset: String,
    /// Where and why the file breaks off, if it does.
    pub(crate) damage: Option<InputError>,
}

impl Catalogue {
    /// Reads the whole file once.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        Self::of(Lines::open(path)?)
    }

    fn of(mut lines: Lines) -> Result<Self> {
        let mut buffer = Vec::new();
        let mut digest = Sha256::new();
        let columns = header(&mut lines, &mut buffer)?;
        digest.update(&buffer);
        digest.update(b"\n");
        let mut catalogue = Self {
            columns,
            items: HashMap::new(),
            lines: 0,
            first_day: None,
            out_of_order: 0,
            dataset: String::new(),
            damage: None,
        };
        let mut newest = None;
        loop {
            let found = match lines.next(&mut buffer) {
                Ok(Found::End) => break,
                Ok(found) => found,
                Err(error) => {
                    catalogue.damage = Some(error);
                    break;
                }
            };
            catalogue.lines = catalogue.lines.saturating_add(1);
            if catalogue.lines == 1 {
                digest.update(&buffer);
            }
            if found == Found::Line
                && let Ok(record) = record::read(lines.number(), &buffer, &catalogue.columns)
            {
                catalogue.add(&record, &mut newest);
            }
        }
        catalogue.dataset = hex(&digest.finalize(), 8);
        Ok(catalogue)
    }

    fn add(&mut self, record: &Record, newest: &mut Option<jiff::Timestamp>) {
        if newest.is_some_and(|at| record.at < at) {
            self.out_of_order = self.out_of_order.saturating_add(1);
        } else {
            *newest = Some(record.at);
        }
        self.first_day = Some(self.first_day.map_or(record.day, |day| day.min(record.day)));
        match self.items.get_mut(&record.sku) {
            Some(item) => item.add(record),
            None => self.items.entry(record.sku.clone()).or_default().add(record),
        }
    }
}

/// Reads the header line into the buffer and finds the columns in it.
pub(crate) fn header(lines: &mut Lines, buffer: &mut Vec<u8>) -> Result<Columns> {
    match lines.next(buffer)? {
        Found::End => bail!("the file is empty: not even a header"),
        Found::TooLong => bail!("the first line is longer than any header"),
        Found::Line => {}
    }
    let text = std::str::from_utf8(buffer)
        .ok()
        .context("these are no order lines: the header is no text")?;
    let mut names = Vec::new();
    if fields::split(text, &mut names).is_err() {
        bail!("these are no order lines: the header has a quote that is not closed");
    }
    Columns::parse(&names)
}

/// The first `bytes` bytes in hex.
pub(crate) fn hex(digest: &[u8], bytes: usize) -> String {
    digest.iter().take(bytes).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Cursor;

    use super::*;

    pub(crate) const HEADER: &str =
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";

    pub(crate) fn catalogue(lines: &str) -> Catalogue {
        Catalogue::of(Lines::of(Cursor::new(format!("{HEADER}{lines}")))).unwrap()
    }

    #[test]
    fn the_most_frequent_description_with_a_price_is_the_name() {
        let found = catalogue(
            "1,90001,RED LAMP,1,2021-03-01T08:00:00,1,,N\n\
             2,90001,LAMP RED,1,2021-03-01T09:00:00,1,,N\n\
             3,90001a,x,1,2021-03-01T09:00:00,1,,N\n\
             4,90001,RED LAMP,1,2021-03-02T09:00:00,1,,N\n\
             5,90001,damaged,-1,2021-03-02T09:00:00,0,,N\n\
             5,90001,damaged,-1,2021-03-02T09:00:00,0,,N\n\
             5,90001,damaged,-1,2021-03-02T09:00:00,0,,N\n\
             6,90002,found,4,2021-03-03T09:00:00,0,,N\n",
        );
        let lamp = found.items.get("90001").unwrap();
        assert_eq!(lamp.name(), Some("RED LAMP"));
        assert_eq!(lamp.demand.values().sum::<i64>(), 3);
        assert_eq!(found.items.get("90002").unwrap().name(), Some("found"));
        assert!(found.items.contains_key("90001A"));
        assert_eq!((found.lines, found.out_of_order), (8, 0));
    }

    #[test]
    fn a_grown_file_keeps_its_name_and_another_has_another() {
        let first = "1,90001,LAMP,1,2021-03-01T08:00:00,1,,N\n";
        let more = format!("{first}2,90001,LAMP,1,2021-03-01T09:00:00,1,,N\n");
        assert_eq!(catalogue(first).dataset, catalogue(&more).dataset);
        assert_ne!(
            catalogue(first).dataset,
            catalogue("9,90001,LAMP,1,2021-03-01T08:00:00,1,,N\n").dataset
        );
    }

    #[test]
    fn lines_out_of_order_are_counted() {
        let found = catalogue("1,90001,LAMP,1,2021-03-02T08:00:00,1,,N\n2,90001,LAMP,1,2021-03-01T08:00:00,1,,N\n");
        assert_eq!(found.out_of_order, 1);
        assert_eq!(found.first_day.unwrap().to_string(), "2021-03-01");
    }
}
