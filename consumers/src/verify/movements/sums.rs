//! Digests of movements that both sides can work out: a count and sums.
//!
//! The search engine cannot hash what it holds, but it can count and add. Movements are grouped by their kind too, so that one
//! whose kind was changed is missing in one group. Values that are added and text cancel each other out, or are not seen at all; so
//! some items are read document by document in each pass although nothing differs (`mod.rs`).

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio_postgres::Row;

use super::super::VerifyError;

/// Numbers that are added.
const NUMBERS: [&str; 6] = [
    "version",
    "on_hand_delta",
    "reserved_delta",
    "on_hand",
    "reserved",
    "available",
];
/// Instants that are added, as milliseconds: that is what the engine keeps of them.
const INSTANTS: [&str; 2] = ["occurred_at", "recorded_at"];
/// Texts of which it is counted how many there are.
const TEXTS: [&str; 4] = ["reference", "reservation_id", "correlation_id", "traceparent"];

/// Up to here every integer is a double.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Versions of one location that make a bucket of an item with many movements; also the most documents that are read at once.
pub(super) const RANGE: i64 = 256;

/// An item and a kind of movement.
pub(super) type ItemKey = (String, String);
/// A location, the first version of a bucket, and a kind of movement. A document may have lost any of them.
pub(super) type RangeKey = (Option<String>, Option<i64>, String);

/// What a group of movements adds up to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sums {
    pub(super) count: u64,
    sums: Vec<f64>,
}

impl Sums {
    /// Sums that no double holds exactly may differ by what is lost when they are rounded.
    fn is_same(&self, other: &Self) -> bool {
        let near = |(one, two): (&f64, &f64)| {
            let size = one.abs().max(two.abs());
            let lost = if size < EXACT { 0.0 } else { size * 4.0 * f64::EPSILON };
            (one - two).abs() <= lost
        };
        self.count == other.count && self.sums.len() == other.sums.len() && self.sums.iter().zip(&other.sums).all(near)
    }
}

/// The groups that are not the same on both sides.
pub(super) fn differing<K: Ord + Clone>(one: &BTreeMap<K, Sums>, two: &BTreeMap<K, Sums>) -> BTreeSet<K> {
    let differs = |key: &&K| match (one.get(*key), two.get(*key)) {
        (Some(one), Some(two)) => !one.is_same(two),
        _ => true,
    };
    one.keys().chain(two.keys()).filter(differs).cloned().collect()
}

/// The columns of a statement, count first, for rows that are called `m`.
pub(super) fn columns() -> String {
    let numbers = NUMBERS.iter().map(|name| format!("sum(m.{name})::float8"));
    let instants = INSTANTS
        .iter()
        .map(|name| format!("sum(floor(extract(epoch from m.{name}) * 1000))::float8"));
    let texts = TEXTS.iter().map(|name| format!("count(m.{name})::float8"));
    let all: Vec<String> = numbers.chain(instants).chain(texts).collect();
    format!("count(*), {}", all.join(", "))
}

/// Reads these columns from the one at `first` on.
pub(super) fn of_row(row: &Row, first: usize) -> Result<Sums, VerifyError> {
    let count: i64 = row.try_get(first)?;
    let names = NUMBERS.len() + INSTANTS.len() + TEXTS.len();
    let sums = (1..=names).map(|place| Ok(row.try_get::<_, Option<f64>>(first + place)?.unwrap_or(0.0)));
    Ok(Sums {
        count: u64::try_from(count).unwrap_or(0),
        sums: sums.collect::<Result<_, VerifyError>>()?,
    })
}

/// The same as aggregations.
pub(super) fn aggregations() -> Value {
    let sum = |name: &&str| ((*name).to_owned(), json!({"sum": {"field": name}}));
    let count = |name: &&str| ((*name).to_owned(), json!({"value_count": {"field": name}}));
    let sums = NUMBERS.iter().chain(&INSTANTS).map(sum);
    Value::Object(sums.chain(TEXTS.iter().map(count)).collect())
}

/// A group as the engine answers it.
#[derive(Debug, Deserialize)]
pub(super) struct Bucket {
    pub(super) key: Value,
    doc_count: u64,
    #[serde(flatten)]
    pub(super) more: Map<String, Value>,
}

impl Bucket {
    pub(super) fn sums(&self) -> Sums {
        let value = |name: &&str| -> f64 {
            let value = self.more.get(*name).and_then(|sum| sum.get("value"));
            value.and_then(Value::as_f64).unwrap_or(0.0)
        };
        Sums {
            count: self.doc_count,
            sums: NUMBERS.iter().chain(&INSTANTS).chain(&TEXTS).map(value).collect(),
        }
    }
}

/// The groups of an answer that is grouped by item and kind.
pub(super) fn by_item(buckets: &[Bucket]) -> Result<BTreeMap<ItemKey, Sums>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Kinds {
        buckets: Vec<Bucket>,
    }
    let mut groups = BTreeMap::new();
    for bucket in buckets {
        let kinds: Kinds = serde_json::from_value(bucket.more.get("kind").cloned().unwrap_or(Value::Null))?;
        for kind in kinds.buckets {
            groups.insert((text(&bucket.key), text(&kind.key)), kind.sums());
        }
    }
    Ok(groups)
}

/// The key of a bucket of a part of an item.
pub(super) fn range_key(bucket: &Bucket) -> RangeKey {
    let field = |name: &str| bucket.key.get(name).filter(|value| !value.is_null());
    // A histogram has doubles for keys.
    let first = field("first").and_then(Value::as_f64);
    (
        field("location").map(text),
        first.and_then(|first| format!("{first:.0}").parse().ok()),
        field("kind").map(text).unwrap_or_default(),
    )
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn sums(count: u64, first: f64) -> Sums {
        let mut sums = vec![0.0; NUMBERS.len() + INSTANTS.len() + TEXTS.len()];
        *sums.first_mut().unwrap() = first;
        Sums { count, sums }
    }

    #[test]
    fn sums_of_integers_are_compared_exactly_as_long_as_they_are_exact() {
        assert!(sums(2, 7.0).is_same(&sums(2, 7.0)));
        assert!(!sums(2, 7.0).is_same(&sums(3, 7.0)));
        assert!(!sums(2, 7.0).is_same(&sums(2, 8.0)));
        assert!(!sums(2, EXACT - 1.0).is_same(&sums(2, EXACT - 2.0)));
        // Beyond, one rounding is no difference, and more than that is one.
        assert!(sums(2, EXACT * 4.0).is_same(&sums(2, EXACT * 4.0 + 8.0)));
        assert!(!sums(2, EXACT * 4.0).is_same(&sums(2, EXACT * 4.0 + 1_000.0)));
    }

    #[test]
    fn a_group_that_only_one_side_has_differs() {
        let one = BTreeMap::from([("a", sums(1, 1.0)), ("b", sums(1, 1.0)), ("c", sums(1, 1.0))]);
        let two = BTreeMap::from([("b", sums(1, 1.0)), ("c", sums(1, 2.0)), ("d", sums(1, 1.0))]);
        assert_eq!(differing(&one, &two), BTreeSet::from(["a", "c", "d"]));
        assert!(differing(&one, &one.clone()).is_empty());
    }

    #[test]
    fn both_sides_add_up_the_same_values_in_the_same_order() {
        let names: Vec<&&str> = NUMBERS.iter().chain(&INSTANTS).chain(&TEXTS).collect();
        let (columns, aggregations) = (columns(), aggregations());
        let columns: Vec<&str> = columns.split(", ").skip(1).collect();
        assert_eq!(columns.len(), names.len());
        assert_eq!(aggregations.as_object().unwrap().len(), names.len());
        for (column, name) in columns.iter().zip(names) {
            assert!(column.contains(&format!("(m.{name})")) || column.contains(&format!("from m.{name})")));
            assert!(aggregations.get(name).is_some(), "{name}");
        }
    }

    #[test]
    fn an_answer_is_read_as_it_comes() {
        let answer = json!([{"key": "i1", "doc_count": 3, "kind": {"buckets": [
            {"key": "receipt", "doc_count": 2, "version": {"value": 3.0}, "traceparent": {"value": 1}},
            {"key": "", "doc_count": 1, "version": {"value": null}},
        ]}}]);
        let groups = by_item(&serde_json::from_value::<Vec<Bucket>>(answer).unwrap()).unwrap();
        let receipts = groups.get(&("i1".to_owned(), "receipt".to_owned())).unwrap();
        assert_eq!((receipts.count, receipts.sums.first()), (2, Some(&3.0)));
        assert_eq!(receipts.sums.last(), Some(&1.0));
        assert!(
            groups
                .get(&("i1".to_owned(), String::new()))
                .unwrap()
                .is_same(&sums(1, 0.0))
        );

        let bucket = json!({"key": {"location": "W1", "first": 512.0, "kind": "reserve"}, "doc_count": 1});
        let key = range_key(&serde_json::from_value(bucket).unwrap());
        assert_eq!(key, (Some("W1".to_owned()), Some(512), "reserve".to_owned()));
        let bucket = json!({"key": {"location": null, "first": null, "kind": null}, "doc_count": 1});
        let key = range_key(&serde_json::from_value(bucket).unwrap());
        assert_eq!(key, (None, None, String::new()));
    }
}
