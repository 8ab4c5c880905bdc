//! Buckets and their digests on the side of the read models.
//!
//! `source.rs` has the same in SQL. Both write a row as a line of text; a read model whose line cannot even be made has a bucket
//! that differs.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
#[cfg(test)]
use onhand_cdc::envelope::StockLevelRow;
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::search::Doc;
use crate::cache::StockRow;

/// One of the sixteen parts of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Slot(i32);

impl Slot {
    /// How many there are.
    pub(super) const COUNT: u8 = 16;

    pub(super) const fn new(slot: i32) -> Self {
        Self(slot)
    }

    /// The slot of an item: its last four bits, which are random in every kind of UUID in use.
    pub(super) fn of(item: Uuid) -> Self {
        let [.., last] = item.into_bytes();
        Self(i32::from(last & 15))
    }

    /// Whether it is this one, of those that are gone through in turn.
    pub(super) fn is_turn(self, turn: u8) -> bool {
        self.0 == i32::from(turn % Self::COUNT)
    }
}

/// Lines of one page of a read model, by bucket.
#[derive(Debug, Default)]
pub(super) struct Lines {
    lines: BTreeMap<Slot, BTreeMap<(Uuid, String), String>>,
    /// Buckets with something that is no line.
    broken: BTreeSet<Slot>,
}

impl Lines {
    fn add(&mut self, item: Uuid, part: &str, line: Option<String>) {
        let slot = Slot::of(item);
        match line {
            Some(line) => {
                let lines = self.lines.entry(slot).or_default();
                lines.insert((item, part.to_owned()), line);
            }
            None => {
                self.broken.insert(slot);
            }
        }
    }

    /// The rows of a hash; `sound` is false if its sums are not what its rows give.
    pub(super) fn add_hash(&mut self, item: Uuid, hash: &HashMap<String, String>, sound: bool) {
        if !sound {
            self.broken.insert(Slot::of(item));
        }
        for (name, text) in hash {
            let Some(location) = name.strip_prefix("row:") else {
                continue;
            };
            match StockRow::parse(location, text) {
                Ok(row) if row.is_deleted() => {}
                Ok(_) => self.add(item, location, Some(format!("{item} {location} {text}"))),
                Err(_) => self.add(item, location, None),
            }
        }
    }

    /// A document of a stock level.
    pub(super) fn add_stock(&mut self, doc: &Doc) {
        if let Some((item, location)) = parts(&doc.id)
            && !doc.is_deleted()
        {
            self.add(item, location, stock_line(item, location, doc));
        }
    }

    /// A document of a summary.
    pub(super) fn add_summary(&mut self, doc: &Doc) {
        if let Ok(item) = doc.id.parse::<Uuid>()
            && !doc.is_deleted()
        {
            self.add(item, "", summary_line(item, doc));
        }
    }

    /// Buckets in which this is not what Postgres has: those that differ, those that only one of the two has, and those that are
    /// broken.
    pub(super) fn differing<'a>(&self, expected: impl Iterator<Item = (Slot, &'a [u8])>) -> BTreeSet<Slot> {
        let expected: BTreeMap<Slot, &[u8]> = expected.collect();
        let mut differing = self.broken.clone();
        for slot in expected.keys().chain(self.lines.keys()) {
            let held = self.lines.get(slot).map(digest);
            if held.as_deref() != expected.get(slot).copied() {
                differing.insert(*slot);
            }
        }
        differing
    }
}

fn digest(lines: &BTreeMap<(Uuid, String), String>) -> Vec<u8> {
    let mut digest = Sha256::new();
    for (position, line) in lines.values().enumerate() {
        if position > 0 {
            digest.update(b"\n");
        }
        digest.update(line.as_bytes());
    }
    digest.finalize().to_vec()
}

/// Item and location of the id of a stock document.
pub(super) fn parts(id: &str) -> Option<(Uuid, &str)> {
    let (item, location) = id.split_once(':')?;
    Some((item.parse().ok()?, location))
}

fn stock_line(item: Uuid, location: &str, doc: &Doc) -> Option<String> {
    const NUMBERS: [&str; 9] = [
        "version",
        "on_hand",
        "reserved",
        "in_transit",
        "backordered",
        "damaged",
        "available",
        "safety_stock",
        "reorder_point",
    ];
    if doc.text("item_id")? != item.to_string() || doc.text("location_id")? != location {
        return None;
    }
    let mut line = format!("{item} {location}");
    doc.append_numbers(&mut line, &NUMBERS)?;
    for text in [
        doc.text("status")?.to_owned(),
        doc.text("policy")?.to_owned(),
        doc.micros("next_hold_at")?,
        doc.micros("last_movement_at")?,
    ] {
        line.push(' ');
        line.push_str(&text);
    }
    Some(line)
}

fn summary_line(item: Uuid, doc: &Doc) -> Option<String> {
    const NUMBERS: [&str; 11] = [
        "version",
        "on_hand",
        "reserved",
        "available",
        "in_transit",
        "backordered",
        "damaged",
        "incoming",
        "oversold",
        "threshold",
        "location_count",
    ];
    if doc.text("item_id")? != item.to_string() {
        return None;
    }
    let mut line = item.to_string();
    doc.append_numbers(&mut line, &NUMBERS)?;
    for text in [
        doc.micros("updated_at")?,
        doc.text("status")?.to_owned(),
        doc.text("sku")?.to_owned(),
    ] {
        line.push(' ');
        line.push_str(&text);
    }
    Some(line)
}

impl Doc {
    fn text(&self, field: &str) -> Option<&str> {
        self.source.get(field)?.as_str()
    }

    /// An instant in microseconds, `-` where there is none.
    fn micros(&self, field: &str) -> Option<String> {
        match self.source.get(field) {
            None | Some(Value::Null) => Some("-".to_owned()),
            Some(value) => {
                let at: Timestamp = value.as_str()?.parse().ok()?;
                Some(at.as_microsecond().to_string())
            }
        }
    }

    /// The version of the document has to be the one in it.
    fn append_numbers(&self, line: &mut String, fields: &[&str]) -> Option<()> {
        if self.source.get("version")?.as_i64()? != self.version {
            return None;
        }
        for field in fields {
            line.push(' ');
            line.push_str(&self.source.get(*field)?.as_i64()?.to_string());
        }
        Some(())
    }
}

/// The line of a row, for tests of the two sides against each other.
#[cfg(test)]
pub(super) fn level_line(row: &StockLevelRow) -> String {
    let micros = |at: Option<Timestamp>| at.map_or_else(|| "-".to_owned(), |at| at.as_microsecond().to_string());
    format!(
        "{} {} {} {} {} {} {} {} {} {} {} {} {} {} {}",
        row.item_id,
        row.location_id,
        row.version,
        row.on_hand,
        row.reserved,
        row.in_transit,
        row.backordered,
        row.damaged,
        row.available,
        row.safety_stock,
        row.reorder_point,
        row.status,
        row.policy,
        micros(row.next_hold_at),
        micros(row.last_movement_at),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::super::search::stock_fields;
    use super::super::source::tests::level;
    use super::*;

    fn doc(row: &StockLevelRow) -> Doc {
        Doc {
            id: format!("{}:{}", row.item_id, row.location_id),
            version: row.version.get(),
            source: stock_fields(row),
            place: None,
        }
    }

    #[test]
    fn a_document_and_its_row_have_the_same_line() {
        let mut row = level("W1", 5, 2);
        assert_eq!(stock_line(row.item_id, "W1", &doc(&row)).unwrap(), level_line(&row));
        row.next_hold_at = Some("2026-11-21T15:00:00.123456Z".parse().unwrap());
        assert_eq!(stock_line(row.item_id, "W1", &doc(&row)).unwrap(), level_line(&row));
    }

    #[test]
    fn a_bucket_differs_if_one_value_does_or_only_one_side_has_it() {
        let rows = [level("W1", 5, 2), level("W2", 1, 0)];
        let expected = {
            let text = rows.iter().map(level_line).collect::<Vec<_>>().join("\n");
            Sha256::digest(text.as_bytes()).to_vec()
        };
        let slot = Slot::of(Uuid::nil());
        let look = |docs: &[Doc]| {
            let mut lines = Lines::default();
            docs.iter().for_each(|doc| lines.add_stock(doc));
            lines.differing([(slot, expected.as_slice())].into_iter()).len()
        };
        // The order in which they come does not matter.
        let docs = [doc(&rows[1]), doc(&rows[0])];
        assert_eq!(look(&docs), 0);
        assert_eq!(look(&docs[..1]), 1);
        assert_eq!(look(&[]), 1);
        for (field, value) in [
            ("on_hand", json!(6)),
            ("policy", json!("oversell")),
            ("version", json!(8)),
            ("status", json!(1)),
        ] {
            let mut wrong = docs.clone();
            wrong[0].source[field] = value;
            assert_eq!(look(&wrong), 1, "{field}");
        }
        let mut extra = docs.to_vec();
        extra.push(doc(&level("W3", 1, 0)));
        assert_eq!(look(&extra), 1);
        extra[2].source = json!({"deleted": true, "version": 7});
        assert_eq!(look(&extra), 0, "what is remembered as deleted is nothing");
    }

    #[test]
    fn every_slot_has_its_turn() {
        let item = Uuid::from_u128(0x1f);
        let turns = (0..Slot::COUNT).filter(|turn| Slot::of(item).is_turn(*turn));
        assert_eq!(turns.collect::<Vec<_>>(), [15]);
        assert!(Slot::of(item).is_turn(31));
    }

    #[test]
    fn a_hash_whose_sums_are_wrong_is_a_bucket_that_differs() {
        let mut lines = Lines::default();
        lines.add_hash(Uuid::nil(), &HashMap::new(), true);
        assert!(lines.differing(std::iter::empty()).is_empty());
        lines.add_hash(Uuid::nil(), &HashMap::new(), false);
        assert_eq!(lines.differing(std::iter::empty()).len(), 1);
    }
}
