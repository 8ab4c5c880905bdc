//! Recalls, and what commands say of lots and units.

use super::lines::{lines, text};
use super::lots::{End, Naming};
use super::serials::named_serials;
use super::{Answer, Entry, Key, Model, Refusal};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Expiries are told as half a minute less than whole minutes from the beginning of the history, and some milliseconds, so that the
/// seconds that a history takes never decide, and no two expiries are one.
pub(crate) const HALF_A_MINUTE: i64 = 30_000;

impl Model {
    /// What a command says of lots and units for one item at one place, or wherever it finds it.
    pub(super) fn naming(&self, command: &Value, sku: &str, place: Option<&str>) -> Naming {
        let about =
            |field: &Value, found: Option<&str>| field.is_null() || found.is_none_or(|found| *field == json!(found));
        let named: Vec<&Value> = lines(command)
            .into_iter()
            .filter(|line| about(&line["sku"], Some(sku)) && about(&line["location"], place))
            .collect();
        let expires = named.iter().filter_map(|line| text(&line["lot_expires_at"])).min();
        Naming {
            lot: named.iter().filter_map(|line| text(&line["lot"])).min(),
            expires: expires.map(|told| (told.clone(), self.end_told(&told))),
            moved: None,
            serials: named_serials(&named),
        }
    }

    /// What is told of an expiry, in the time of the history.
    pub(super) fn end_told(&self, told: &str) -> End {
        let told: Timestamp = told.parse().expect("an instant that the history has told");
        let after = told.as_millisecond() - self.begun + HALF_A_MINUTE;
        (self.minute + after.div_euclid(60_000), after.rem_euclid(60_000))
    }

    /// Whether two lines want different lots of one item at one place.
    pub(super) fn mixes_lots(&self, command: &Value) -> bool {
        let mut lots: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
        for line in lines(command) {
            let parts = text(&line["sku"]).filter(|sku| self.items.contains_key(sku));
            for part in parts.into_iter().flat_map(|sku| self.parts(&sku).into_keys()) {
                let key = (part, line["location"].to_string());
                lots.entry(key).or_default().insert(line["lot"].to_string());
            }
        }
        lots.values().any(|lots| lots.len() > 1)
    }

    fn recalled(&self, command: &Value) -> Result<(String, String), Refusal> {
        let sku = text(&command["sku"]).filter(|sku| self.items.contains_key(sku));
        let name = (sku.ok_or(Refusal("IV003"))?, text(&command["lot"]).unwrap_or_default());
        self.lots
            .known
            .contains_key(&name)
            .then_some(name)
            .ok_or(Refusal("IV021"))
    }

    /// The places where something lies of a lot that a command recalls.
    pub(super) fn recall_keys(&self, command: &Value) -> Vec<Key> {
        let Some((sku, code)) = self.recalled(command).ok().filter(|_| command["op"] == "recall") else {
            return Vec::new();
        };
        let levels = self.lots.levels.iter();
        levels
            .filter(|((key, of), level)| key.0 == sku && *of == code && (level.on_hand > 0 || level.damaged > 0))
            .map(|((key, _), _)| key.clone())
            .collect()
    }

    pub(super) fn recall(&mut self, command: &Value) -> Result<Answer, Refusal> {
        let name = self.recalled(command)?;
        self.mark_recalled(&name);
        let mut answer = Answer::default();
        let (mut quantity, mut held) = (0, 0);
        for key in self.recall_keys(command) {
            let level = self.lots.levels[&(key.clone(), name.1.clone())];
            held += level.reserved;
            quantity += level.on_hand - level.reserved;
            if level.on_hand > level.reserved {
                let entry = self.damage_lot(&key, &name.1, "recall")?;
                answer.levels.push(Entry {
                    quantity: None,
                    ..entry
                });
            }
        }
        let fields = [
            ("sku", json!(name.0)),
            ("lot", json!(name.1)),
            ("status", json!("recalled")),
            ("quantity", json!(quantity)),
            ("held", json!(held)),
        ];
        answer.fields = BTreeMap::from(fields);
        Ok(answer)
    }
}
