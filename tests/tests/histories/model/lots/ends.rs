//! Lots that have expired or were recalled: what is free of them is not for sale any more.

use super::{End, Lot, Naming, RECALL};
use crate::model::{Entry, Key, Model, Refusal, States};

impl Model {
    pub(in crate::model) fn has_ended(&self, lot: &Lot) -> bool {
        lot.end().is_some_and(|end| end.0 <= self.minute)
    }

    /// Lots of which something is free on a key though they have ended, in the order of their ends.
    pub(in crate::model) fn due_lots(&self, key: &Key) -> Vec<String> {
        if !self.items[&key.0].by_lot {
            return Vec::new();
        }
        let of_key = self
            .lots
            .levels
            .iter()
            .filter(|((of, _), level)| of == key && level.on_hand > level.reserved);
        let mut due: Vec<(Option<End>, String)> = of_key
            .map(|((_, code), _)| (&self.lots.known[&(key.0.clone(), code.clone())], code))
            .filter(|(lot, _)| self.has_ended(lot))
            .map(|(lot, code)| (lot.end(), code.clone()))
            .collect();
        due.sort();
        due.into_iter().map(|(_, code)| code).collect()
    }

    /// Takes from sale what is free of lots that have ended; returns whether there was any.
    pub(in crate::model) fn expire_lots(&mut self, key: &Key) -> Result<bool, Refusal> {
        let due = self.due_lots(key);
        let told = self.facts.pause();
        for code in &due {
            let recalled = self.lots.known[&(key.0.clone(), code.clone())].is_recalled();
            self.damage_lot(key, code, if recalled { "recall" } else { "lot_expiry" })?;
        }
        self.facts.resume(told);
        Ok(!due.is_empty())
    }

    /// Takes what is free of a lot at one place from sale.
    pub(in crate::model) fn damage_lot(&mut self, key: &Key, code: &str, kind: &'static str) -> Result<Entry, Refusal> {
        let level = self.lots.levels[&(key.clone(), code.to_owned())];
        let free = (level.on_hand - level.reserved).min(self.level(key).states.available());
        let deltas = States {
            on_hand: -free,
            damaged: free,
            ..States::default()
        };
        let naming = Naming {
            lot: Some(code.to_owned()),
            ..Naming::default()
        };
        self.change_named(naming, key, kind, deltas, (None, None))
    }

    /// Marks a lot as not for sale from now on.
    pub(in crate::model) fn mark_recalled(&mut self, name: &(String, String)) {
        let turn = i64::try_from(self.next_turn()).unwrap_or(i64::MAX);
        let now = (self.minute, RECALL + turn);
        if let Some(lot) = self.lots.known.get_mut(name) {
            lot.recalled = lot.recalled.or(Some(now));
        }
    }
}
