//! One item of the cache, as a reader gets it.

use std::collections::HashMap;

use uuid::Uuid;

use super::row::{RowError, StockRow, StockStatus};

/// An item over all its locations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedItem {
    /// The item.
    pub item_id: Uuid,
    /// Sum of on hand.
    pub total: i64,
    /// Sum of what is available; a negative balance hides nothing of another location.
    pub available: i64,
    /// Sum of the larger of safety stock and reorder point.
    pub threshold: i64,
    /// Standing over all locations.
    pub status: StockStatus,
    /// At or below the threshold, or out of stock.
    pub low_stock: bool,
    /// Commit time of the newest change in here, milliseconds since 1970; zero if it was only loaded.
    pub at_ms: i64,
    /// Its rows by location, without deleted ones.
    pub rows: Vec<StockRow>,
    /// True if a load brought every row of the item.
    pub complete: bool,
}

impl CachedItem {
    /// True if a hold may have ended by now, so that only Postgres knows what is available.
    pub fn has_due_hold(&self, now_ms: i64) -> bool {
        self.rows.iter().any(|row| row.has_due_hold(now_ms))
    }

    /// The row at a location.
    pub fn at(&self, location: &str) -> Option<&StockRow> {
        self.rows.iter().find(|row| row.location == location)
    }

    /// Reads a hash. An absent hash is nothing; one that cannot be read is an error.
    pub fn parse(item_id: Uuid, fields: &HashMap<String, String>) -> Result<Option<Self>, RowError> {
        if fields.is_empty() {
            return Ok(None);
        }
        let mut rows = Vec::new();
        for (field, text) in fields {
            if let Some(location) = field.strip_prefix("row:") {
                let row = StockRow::parse(location, text)?;
                if !row.is_deleted() {
                    rows.push(row);
                }
            }
        }
        rows.sort_by(|a, b| a.location.cmp(&b.location));
        let status = match fields.get("status") {
            Some(status) => status.parse()?,
            None => StockStatus::OutOfStock,
        };
        Ok(Some(Self {
            item_id,
            total: number(fields, "total")?,
            available: number(fields, "available")?,
            threshold: number(fields, "threshold")?,
            status,
            low_stock: fields.get("low_stock").is_some_and(|flag| flag == "1"),
            at_ms: number(fields, "at")?,
            rows,
            complete: fields.get("complete").is_some_and(|flag| flag == "1"),
        }))
    }
}

fn number(fields: &HashMap<String, String>, field: &'static str) -> Result<i64, RowError> {
    match fields.get(field) {
        Some(text) => text.parse().map_err(|_| RowError::new(field, text)),
        None => Ok(0),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> HashMap<String, String> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn an_empty_hash_is_no_item() {
        assert_eq!(CachedItem::parse(Uuid::nil(), &HashMap::new()), Ok(None));
    }

    #[test]
    fn rows_are_sorted_and_deleted_ones_left_out() {
        let hash = fields(&[
            ("row:W2", "3 5 0 0 0 0 5 0 0 in_stock - 0"),
            ("row:W1", "9 1 1 0 0 0 0 0 0 out_of_stock 77 0"),
            ("row:W3", "4 0 0 0 0 0 0 0 0 deleted - 0"),
            ("total", "6"),
            ("available", "5"),
            ("threshold", "0"),
            ("status", "in_stock"),
            ("low_stock", "0"),
            ("complete", "1"),
        ]);
        let item = CachedItem::parse(Uuid::nil(), &hash).unwrap().unwrap();
        let locations: Vec<&str> = item.rows.iter().map(|row| row.location.as_str()).collect();
        assert_eq!(locations, ["W1", "W2"]);
        assert!(item.complete && item.has_due_hold(77) && !item.has_due_hold(76));
        assert_eq!((item.total, item.available), (6, 5));
    }

    #[test]
    fn a_foreign_value_is_an_error() {
        let hash = fields(&[("total", "many")]);
        assert!(CachedItem::parse(Uuid::nil(), &hash).is_err());
    }
}
