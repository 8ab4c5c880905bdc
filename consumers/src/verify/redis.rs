//! Redis against Postgres, field by field.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use onhand_cdc::envelope::StockLevelRow;
use redis::{Pipeline, RedisError};
use uuid::Uuid;

use super::report::{Finding, Kind, Place};
use crate::cache::{Repair, StockCache, StockRow, StockStatus};

/// Keys that one step of a scan looks at.
const SCAN_STEP: usize = 1_000;
/// Clocks of two machines may differ by so much.
const CLOCK_TOLERANCE_MS: i64 = 60_000;

/// A hash as it stands.
pub(super) type Hash = HashMap<String, String>;

/// The cache, read past the code that serves it.
pub(super) struct Cache {
    cache: StockCache,
}

impl Cache {
    pub(super) fn new(cache: StockCache) -> Self {
        Self { cache }
    }

    /// Whether it was filled; before that nothing can be said about it.
    pub(super) async fn is_warm(&self) -> Result<bool, crate::cache::CacheError> {
        self.cache.is_warm().await
    }

    /// The hashes of these items, in their order.
    pub(super) async fn hashes(&self, items: &[Uuid]) -> Result<Vec<(Uuid, Hash)>, RedisError> {
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let mut pipeline = Pipeline::with_capacity(items.len());
        for item in items {
            pipeline.cmd("HGETALL").arg(self.cache.keys().item(*item));
        }
        let hashes: Vec<Hash> = pipeline.query_async(&mut self.cache.connection()).await?;
        Ok(items.iter().copied().zip(hashes).collect())
    }

    /// One step through all keys: where the next one begins (0 at the end), items that have a hash, and keys that name no item.
    pub(super) async fn scan(&self, cursor: u64) -> Result<(u64, Vec<Uuid>, Vec<String>), RedisError> {
        let keys = self.cache.keys();
        let (next, found): (u64, Vec<String>) = redis::cmd("SCAN")
            .arg(cursor)
            .arg("MATCH")
            .arg(keys.pattern())
            .arg("COUNT")
            .arg(SCAN_STEP)
            .query_async(&mut self.cache.connection())
            .await?;
        let (mut items, mut strange) = (Vec::new(), Vec::new());
        for key in found {
            match keys.item_of(&key) {
                Some(item) if keys.item(item) == key => items.push(item),
                _ => strange.push(key),
            }
        }
        Ok((next, items, strange))
    }

    /// Those of the keys that are still there.
    pub(super) async fn existing(&self, keys: &[&str]) -> Result<Vec<bool>, RedisError> {
        let mut pipeline = Pipeline::with_capacity(keys.len());
        for key in keys {
            pipeline.cmd("EXISTS").arg(key);
        }
        pipeline.query_async(&mut self.cache.connection()).await
    }

    /// Removes keys that no consumer could have written.
    pub(super) async fn remove(&self, keys: &[&str]) -> Result<(), RedisError> {
        let mut pipeline = Pipeline::with_capacity(keys.len());
        for key in keys {
            pipeline.cmd("UNLINK").arg(key).ignore();
        }
        pipeline.query_async(&mut self.cache.connection()).await
    }

    /// Puts hashes right; see [`StockCache::repair`].
    pub(super) async fn repair(&self, repairs: &[Repair]) -> Result<(), crate::cache::CacheError> {
        self.cache.repair(repairs).await
    }
}

/// A key that is no item's.
pub(super) fn strange(key: &str) -> Finding {
    Finding {
        place: Place::Hash,
        item: None,
        id: key.to_owned(),
        kind: Kind::Extra,
        wanted: 0,
        held: 0,
        expected: String::new(),
        found: "a key that names no item".to_owned(),
    }
}

/// What the sums of an item are.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Sums {
    total: i64,
    available: i64,
    threshold: i64,
    limitless: i64,
    warehouses: HashMap<String, i64>,
}

impl Sums {
    fn of<'a>(rows: impl Iterator<Item = &'a StockRow>) -> Self {
        let mut sums = Self::default();
        for row in rows.filter(|row| !row.is_deleted()) {
            sums.total = sums.total.saturating_add(row.on_hand);
            sums.available = sums.available.saturating_add(row.available.max(0));
            sums.threshold = sums.threshold.saturating_add(row.safety_stock.max(row.reorder_point));
            sums.limitless = sums.limitless.saturating_add(i64::from(row.is_limitless()));
            sums.warehouses.insert(row.location.clone(), row.available);
        }
        sums
    }

    fn fields(&self) -> [(&'static str, String); 6] {
        let status = StockStatus::of_item(self.available, self.threshold, self.limitless > 0);
        let low = if status == StockStatus::InStock { "0" } else { "1" };
        [
            ("total", self.total.to_string()),
            ("available", self.available.to_string()),
            ("threshold", self.threshold.to_string()),
            ("limitless", self.limitless.to_string()),
            ("status", status.to_string()),
            ("low_stock", low.to_owned()),
        ]
    }
}

/// The rows that a hash has, by location, and the locations whose text is none.
fn rows_of(hash: &Hash) -> (HashMap<&str, (StockRow, &str)>, BTreeSet<&str>) {
    let (mut rows, mut broken) = (HashMap::new(), BTreeSet::new());
    for (name, text) in hash {
        let Some(location) = name.strip_prefix("row:") else {
            continue;
        };
        match StockRow::parse(location, text) {
            Ok(row) => {
                rows.insert(location, (row, text.as_str()));
            }
            Err(_) => {
                broken.insert(location);
            }
        }
    }
    (rows, broken)
}

/// Whether the sums of a hash are what its own rows give. A hash is read at one instant, so this holds at every moment, whatever
/// is on its way.
pub(super) fn is_sound(item: Uuid, hash: &Hash, now: Timestamp) -> bool {
    let (rows, broken) = rows_of(hash);
    if hash.is_empty() {
        return true;
    }
    let sums = Sums::of(rows.values().map(|(row, _)| row));
    broken.is_empty() && unsound(item, hash, &[&sums], now).is_empty()
}

/// Fields that are none of these sums.
fn unsound(item: Uuid, hash: &Hash, sums: &[&Sums], now: Timestamp) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add = |name: &str, expected: String, held: Option<&String>| {
        let kind = match held {
            None => Kind::Missing,
            Some(_) if expected.is_empty() => Kind::Extra,
            Some(_) => Kind::Changed,
        };
        findings.push(finding(
            item,
            name,
            kind,
            (0, 0),
            (&expected, held.map_or("", String::as_str)),
        ));
    };
    let Some(first) = sums.first() else {
        return Vec::new();
    };
    for (name, expected) in first.fields() {
        let held = hash.get(name);
        // The field is made when it is first needed.
        let shown = held.map(String::as_str).or((name == "limitless").then_some("0"));
        let fits = sums.iter().any(|sums| {
            sums.fields()
                .iter()
                .any(|(other, text)| *other == name && shown == Some(text))
        });
        if !fits {
            add(name, expected, held);
        }
    }
    let locations: BTreeSet<&str> = sums
        .iter()
        .flat_map(|sums| sums.warehouses.keys().map(String::as_str))
        .collect();
    for location in &locations {
        let name = format!("warehouse:{location}");
        let held = hash.get(&name);
        let fits = sums
            .iter()
            .any(|sums| sums.warehouses.get(*location).map(i64::to_string).as_ref() == held);
        if !fits {
            let expected = first.warehouses.get(*location).map(i64::to_string);
            add(&name, expected.unwrap_or_default(), held);
        }
    }
    for name in hash.keys() {
        if name
            .strip_prefix("warehouse:")
            .is_some_and(|location| !locations.contains(location))
        {
            add(name, String::new(), hash.get(name));
        }
    }
    let latest = now.as_millisecond().saturating_add(CLOCK_TOLERANCE_MS);
    if let Some(at) = hash.get("at")
        && !at.parse::<i64>().is_ok_and(|at| (0..=latest).contains(&at))
    {
        add("at", "an instant that has come".to_owned(), Some(at));
    }
    findings
}

fn finding(
    item: Uuid,
    field: &str,
    kind: Kind,
    (wanted, held): (i64, i64),
    (expected, found): (&str, &str),
) -> Finding {
    Finding {
        place: Place::Hash,
        item: Some(item),
        id: format!("{item} {field}"),
        kind,
        wanted,
        held,
        expected: expected.to_owned(),
        found: found.to_owned(),
    }
}

/// Every field that is derived from stock, against the rows of Postgres.
pub(super) fn check(item: Uuid, levels: &[StockLevelRow], hash: &Hash, now: Timestamp) -> Vec<Finding> {
    if hash.is_empty() {
        let newest = levels.iter().map(|level| level.version.get()).max();
        let missing = newest.map(|version| {
            let expected = format!("{} rows", levels.len());
            finding(item, "hash", Kind::Missing, (version, 0), (&expected, ""))
        });
        return missing.into_iter().collect();
    }
    let (rows, broken) = rows_of(hash);
    let mut findings = Vec::new();
    let mut expected_rows = Vec::new();
    for level in levels {
        let location = level.location_id.as_str();
        let Ok(expected) = StockRow::from_level(level) else {
            continue;
        };
        findings.extend(check_row(
            item,
            &expected,
            rows.get(location).map(|(row, text)| (row, *text)),
            hash,
        ));
        expected_rows.push(expected);
    }
    let known: BTreeSet<&str> = levels.iter().map(|level| level.location_id.as_str()).collect();
    for (location, (row, text)) in &rows {
        if !known.contains(location) && !row.is_deleted() {
            let held = row.version.get();
            findings.push(finding(
                item,
                &format!("row:{location}"),
                Kind::Extra,
                (0, held),
                ("", text),
            ));
        }
    }
    for location in broken.difference(&known) {
        let name = format!("row:{location}");
        let text = hash.get(&name).map_or("", String::as_str);
        findings.push(finding(item, &name, Kind::Extra, (0, 0), ("", text)));
    }
    // A row that differs is one difference, whether the sums follow it or not.
    let own = Sums::of(rows.values().map(|(row, _)| row));
    let right = Sums::of(expected_rows.iter());
    let differ = findings.is_empty().then_some(&own);
    let sums: Vec<&Sums> = differ.map_or_else(|| vec![&right, &own], |own| vec![own]);
    findings.extend(unsound(item, hash, &sums, now));
    findings
}

fn check_row(item: Uuid, expected: &StockRow, held: Option<(&StockRow, &str)>, hash: &Hash) -> Option<Finding> {
    let name = format!("row:{}", expected.location);
    let (text, wanted) = (expected.format(), expected.version.get());
    let (kind, version, found) = match held {
        Some((_, held)) if held == text => return None,
        Some((row, held)) => {
            let kind = match row.version.cmp(&expected.version) {
                std::cmp::Ordering::Less => Kind::Stale,
                std::cmp::Ordering::Equal => Kind::Changed,
                std::cmp::Ordering::Greater => Kind::Ahead,
            };
            (kind, row.version.get(), held)
        }
        None => match hash.get(&name) {
            // A text that is no row has no version: it is nothing that an event could have written.
            Some(held) => (Kind::Changed, 0, held.as_str()),
            None => (Kind::Missing, 0, ""),
        },
    };
    Some(finding(item, &name, kind, (wanted, version), (&text, found)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::source::tests::level;
    use super::*;

    fn levels() -> Vec<StockLevelRow> {
        vec![level("W1", 5, 2), level("W2", 1, 0)]
    }

    /// What the cache holds for [`levels`], written down by hand.
    fn hash() -> Hash {
        [
            ("row:W1", "7 5 2 0 0 0 3 0 4 low_stock - 1000"),
            ("row:W2", "7 1 0 0 0 0 1 0 4 low_stock - 1000"),
            ("warehouse:W1", "3"),
            ("warehouse:W2", "1"),
            ("total", "6"),
            ("available", "4"),
            ("threshold", "8"),
            ("status", "low_stock"),
            ("low_stock", "1"),
            ("complete", "1"),
            ("at", "99"),
        ]
        .map(|(name, text)| (name.to_owned(), text.to_owned()))
        .into()
    }

    fn kinds(levels: &[StockLevelRow], hash: &Hash) -> Vec<Kind> {
        check(Uuid::nil(), levels, hash, Timestamp::now())
            .into_iter()
            .map(|finding| finding.kind)
            .collect()
    }

    #[test]
    fn an_equal_hash_has_no_difference() {
        assert!(kinds(&levels(), &hash()).is_empty());
        assert!(is_sound(Uuid::nil(), &hash(), Timestamp::now()));
    }

    #[test]
    fn an_item_without_stock_needs_no_hash_and_may_have_an_empty_one() {
        assert!(kinds(&[], &Hash::new()).is_empty());
        let mut empty: Hash = ["total", "available", "threshold"]
            .map(|name| (name.to_owned(), "0".to_owned()))
            .into();
        empty.insert("status".to_owned(), "out_of_stock".to_owned());
        empty.insert("low_stock".to_owned(), "1".to_owned());
        assert!(kinds(&[], &empty).is_empty());
        assert!(!kinds(&[], &hash()).is_empty());
        assert_eq!(kinds(&levels(), &Hash::new()), [Kind::Missing]);
    }

    #[test]
    fn each_field_that_is_wrong_or_missing_is_one_difference() {
        for name in hash().into_keys().filter(|name| name != "complete" && name != "at") {
            let mut wrong = hash();
            wrong.insert(name.clone(), "7 9 2 0 0 0 7 0 4 in_stock - 1000".to_owned());
            assert_eq!(kinds(&levels(), &wrong), [Kind::Changed], "{name}");
            wrong.remove(&name);
            assert_eq!(kinds(&levels(), &wrong), [Kind::Missing], "{name}");
        }
        let mut late = hash();
        late.insert("at".to_owned(), i64::MAX.to_string());
        assert_eq!(kinds(&levels(), &late), [Kind::Changed]);
    }

    #[test]
    fn a_row_is_told_by_its_version() {
        for (text, kind) in [
            ("6 5 2 0 0 0 3 0 4 low_stock - 1000", Kind::Stale),
            ("9 5 2 0 0 0 3 0 4 low_stock - 1000", Kind::Ahead),
            ("7 5 1 0 0 0 4 0 4 low_stock - 1000", Kind::Changed),
            ("7 0 0 0 0 0 0 0 0 deleted - 0", Kind::Changed),
            ("nonsense", Kind::Changed),
        ] {
            let mut wrong = hash();
            wrong.insert("row:W1".to_owned(), text.to_owned());
            assert_eq!(kinds(&levels(), &wrong), [kind], "{text}");
        }
    }

    #[test]
    fn a_location_too_many_is_found_unless_it_was_deleted() {
        let mut more = hash();
        more.insert("row:W9".to_owned(), "3 0 0 0 0 0 0 0 0 deleted - 0".to_owned());
        assert!(kinds(&levels(), &more).is_empty());
        more.insert("row:W9".to_owned(), "3 0 0 0 0 0 0 0 0 out_of_stock - 0".to_owned());
        more.insert("warehouse:W9".to_owned(), "0".to_owned());
        assert_eq!(kinds(&levels(), &more), [Kind::Extra]);
        let mut alone = hash();
        alone.insert("warehouse:W9".to_owned(), "0".to_owned());
        assert_eq!(kinds(&levels(), &alone), [Kind::Extra]);
    }
}
