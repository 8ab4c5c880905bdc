//! Redis against Postgres, field by field.

use std::collections::{HashMap, HashSet};

use redis::Pipeline;
use redis::aio::ConnectionManager;
use uuid::Uuid;

use super::page::ItemLevels;
use super::report::Differences;
use crate::cache::{Keys, RowError, StockCache, StockRow, StockStatus};

/// Keys that one step of a scan looks at.
const SCAN_STEP: usize = 1_000;

/// The cache, read past the code that serves it.
pub(super) struct Cache {
    connection: ConnectionManager,
    keys: Keys,
}

impl Cache {
    pub(super) fn new(cache: &StockCache) -> Self {
        Self {
            connection: cache.connection(),
            keys: cache.keys().clone(),
        }
    }

    /// Compares the hashes of these items.
    pub(super) async fn compare(&self, items: &[ItemLevels]) -> Result<Differences, redis::RedisError> {
        if items.is_empty() {
            return Ok(Differences::default());
        }
        let mut pipeline = Pipeline::with_capacity(items.len());
        for item in items {
            pipeline.cmd("HGETALL").arg(self.keys.item(item.id));
        }
        let mut connection = self.connection.clone();
        let hashes: Vec<HashMap<String, String>> = pipeline.query_async(&mut connection).await?;
        let mut differences = Differences::default();
        let nothing = HashMap::new();
        for (position, item) in items.iter().enumerate() {
            let hash = hashes.get(position).unwrap_or(&nothing);
            match compare_item(item, hash) {
                Ok(found) => differences.merge(found),
                Err(error) => differences.add(item.id.to_string(), "", error.to_string()),
            }
        }
        Ok(differences)
    }

    /// Items that Redis knows and Postgres does not.
    pub(super) async fn strangers(&self, known: &HashSet<Uuid>) -> Result<Differences, redis::RedisError> {
        let mut differences = Differences::default();
        let mut connection = self.connection.clone();
        let mut cursor = 0_u64;
        loop {
            let (next, keys): (u64, Vec<String>) = redis::cmd("SCAN")
                .arg(cursor)
                .arg("MATCH")
                .arg(self.keys.pattern())
                .arg("COUNT")
                .arg(SCAN_STEP)
                .query_async(&mut connection)
                .await?;
            for key in keys {
                if self.keys.item_of(&key).is_none_or(|item| !known.contains(&item)) {
                    differences.add(key, "", "a hash");
                }
            }
            if next == 0 {
                return Ok(differences);
            }
            cursor = next;
        }
    }
}

/// Every field that is derived from stock, worked out anew from the rows of Postgres.
fn compare_item(item: &ItemLevels, hash: &HashMap<String, String>) -> Result<Differences, RowError> {
    let mut differences = Differences::default();
    if item.levels.is_empty() && hash.is_empty() {
        return Ok(differences);
    }
    let field = |name: &str| hash.get(name).map(String::as_str);
    let (mut total, mut available, mut threshold, mut limitless) = (0_i64, 0_i64, 0_i64, 0_i64);
    for level in &item.levels {
        let location = &level.location_id;
        total = total.saturating_add(level.on_hand);
        available = available.saturating_add(level.available.max(0));
        threshold = threshold.saturating_add(level.safety_stock.max(level.reorder_point));
        let row = StockRow::from_level(level)?;
        limitless = limitless.saturating_add(i64::from(row.is_limitless()));
        for (name, expected) in [
            (format!("row:{location}"), row.format()),
            (format!("warehouse:{location}"), level.available.to_string()),
        ] {
            differences.expect(|| format!("{} {name}", item.id), &expected, field(&name));
        }
    }
    let status = StockStatus::of_item(available, threshold, limitless > 0);
    let low = if status == StockStatus::InStock { "0" } else { "1" };
    for (name, expected) in [
        ("total", total.to_string()),
        ("available", available.to_string()),
        ("threshold", threshold.to_string()),
        ("status", status.to_string()),
        ("low_stock", low.to_owned()),
    ] {
        differences.expect(|| format!("{} {name}", item.id), &expected, field(name));
    }
    // The field is made when it is first needed.
    differences.expect(
        || format!("{} limitless", item.id),
        &limitless.to_string(),
        field("limitless").or(Some("0")),
    );
    unexpected_rows(item, hash, &mut differences)?;
    Ok(differences)
}

/// Locations that Redis has and Postgres has not; a row that is remembered as deleted is none.
fn unexpected_rows(
    item: &ItemLevels,
    hash: &HashMap<String, String>,
    differences: &mut Differences,
) -> Result<(), RowError> {
    let known: HashSet<&str> = item.levels.iter().map(|level| level.location_id.as_str()).collect();
    for (name, text) in hash {
        let deleted = |location| StockRow::parse(location, text).map(|row| row.is_deleted());
        let stranger = match (name.strip_prefix("row:"), name.strip_prefix("warehouse:")) {
            (Some(location), _) => !known.contains(location) && !deleted(location)?,
            (None, Some(location)) => !known.contains(location),
            (None, None) => false,
        };
        if stranger {
            differences.add(format!("{} {name}", item.id), "", text);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::page::tests::level;
    use super::*;

    fn item() -> ItemLevels {
        ItemLevels {
            id: Uuid::nil(),
            levels: vec![level("W1", 5, 2), level("W2", 1, 0)],
        }
    }

    /// What the cache holds for [`item`], written down by hand.
    fn hash() -> HashMap<String, String> {
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

    #[test]
    fn an_equal_hash_has_no_difference() {
        assert_eq!(compare_item(&item(), &hash()).unwrap(), Differences::default());
    }

    #[test]
    fn an_item_without_stock_needs_no_hash_and_may_have_an_empty_one() {
        let none = ItemLevels {
            id: Uuid::nil(),
            levels: Vec::new(),
        };
        assert!(compare_item(&none, &HashMap::new()).unwrap().is_empty());
        let mut empty: HashMap<String, String> = ["total", "available", "threshold"]
            .map(|name| (name.to_owned(), "0".to_owned()))
            .into();
        empty.insert("status".to_owned(), "out_of_stock".to_owned());
        empty.insert("low_stock".to_owned(), "1".to_owned());
        assert!(compare_item(&none, &empty).unwrap().is_empty());
        assert!(!compare_item(&none, &hash()).unwrap().is_empty());
        assert!(!compare_item(&item(), &HashMap::new()).unwrap().is_empty());
    }

    #[test]
    fn each_field_that_is_wrong_or_missing_is_found() {
        for name in hash().into_keys().filter(|name| name != "complete" && name != "at") {
            let mut wrong = hash();
            wrong.insert(name.clone(), "7 9 2 0 0 0 7 0 4 in_stock - 1000".to_owned());
            assert_eq!(compare_item(&item(), &wrong).unwrap().count, 1, "{name}");
            wrong.remove(&name);
            assert_eq!(compare_item(&item(), &wrong).unwrap().count, 1, "{name}");
        }
    }

    #[test]
    fn a_location_too_many_is_found_unless_it_was_deleted() {
        let mut more = hash();
        more.insert("row:W9".to_owned(), "3 0 0 0 0 0 0 0 0 deleted - 0".to_owned());
        assert!(compare_item(&item(), &more).unwrap().is_empty());
        more.insert("row:W9".to_owned(), "3 0 0 0 0 0 0 0 0 out_of_stock - 0".to_owned());
        more.insert("warehouse:W9".to_owned(), "0".to_owned());
        assert_eq!(compare_item(&item(), &more).unwrap().count, 2);
    }
}
