//! How far an import has come: kept with the location, in the transaction that brought it there.
//!
//! Idempotency keys are forgotten after a day, and a refusal is not stored at all; so the keys alone would let a run a
//! week later receive the goods once more. The mark is written with what it stands for or not at all.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Under this name the marks stand in the metadata of the location.
const FIELD: &str = "imports";

/// What a short invoice becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OnShort {
    /// Its short lines are cut down to what is there; nothing is left of it only if none of its goods is there
    Partial,
    /// It is refused as a whole
    Reject,
}

/// How far one file has come at one location.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// Events that are applied.
    pub(crate) events: u64,
    /// Their digest.
    pub(crate) chain: String,
    /// Settings that it was begun with: going on with others would tell another story.
    pub(crate) days_of_stock: u16,
    /// See `days_of_stock`.
    pub(crate) on_short: OnShort,
}

impl Mark {
    /// Before the first event.
    pub(crate) fn new(days_of_stock: u16, on_short: OnShort) -> Self {
        Self {
            events: 0,
            chain: String::new(),
            days_of_stock,
            on_short,
        }
    }

    /// The mark of a data set in the metadata of a location.
    pub(crate) fn find(metadata: &Value, dataset: &str) -> Result<Option<Self>> {
        let Some(value) = metadata.get(FIELD).and_then(|marks| marks.get(dataset)) else {
            return Ok(None);
        };
        let mark = Self::deserialize(value).context("the location's note on this import cannot be read")?;
        Ok(Some(mark))
    }

    /// The metadata with this mark in it; everything else in them stays.
    pub(crate) fn store(&self, metadata: &Value, dataset: &str) -> Result<Value> {
        let mut fields = match metadata {
            Value::Object(fields) => fields.clone(),
            _ => Map::new(),
        };
        let mut marks: BTreeMap<String, Value> = match fields.remove(FIELD) {
            Some(marks) => serde_json::from_value(marks).context("the location's notes on imports cannot be read")?,
            None => BTreeMap::new(),
        };
        marks.insert(dataset.to_owned(), serde_json::to_value(self)?);
        fields.insert(FIELD.to_owned(), serde_json::to_value(marks)?);
        Ok(Value::Object(fields))
    }

    /// Refuses to go on with other settings than those it was begun with.
    pub(crate) fn check(&self, days_of_stock: u16, on_short: OnShort) -> Result<()> {
        if self.days_of_stock == days_of_stock && self.on_short == on_short {
            return Ok(());
        }
        bail!(
            "this file was imported here with --days-of-stock {} --on-short {}; use the same settings, or another --location",
            self.days_of_stock,
            match self.on_short {
                OnShort::Partial => "partial",
                OnShort::Reject => "reject",
            }
        )
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[test]
    fn a_mark_is_found_again_and_disturbs_nothing() {
        let mark = Mark {
            events: 7,
            chain: "ab".to_owned(),
            ..Mark::new(14, OnShort::Partial)
        };
        let before = json!({"manager": "Ann", "imports": {"other": {"events": 1}}});
        let after = mark.store(&before, "this").unwrap();
        assert_eq!(Mark::find(&after, "this").unwrap(), Some(mark.clone()));
        assert_eq!(after.get("manager"), before.get("manager"));
        assert_eq!(after.pointer("/imports/other/events"), Some(&json!(1)));
        assert_eq!(Mark::find(&before, "this").unwrap(), None);
        assert_eq!(mark.store(&after, "this").unwrap(), after);
    }

    #[test]
    fn other_settings_are_refused() {
        let mark = Mark::new(14, OnShort::Reject);
        assert!(mark.check(14, OnShort::Reject).is_ok());
        assert!(
            mark.check(7, OnShort::Reject)
                .unwrap_err()
                .to_string()
                .contains("--days-of-stock 14 --on-short reject")
        );
        assert!(mark.check(14, OnShort::Partial).is_err());
    }
}
