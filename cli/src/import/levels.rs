//! What is available, as the database said last.

use std::collections::HashMap;

/// Units available at the location, by sku.
///
/// The importer shapes its requests by it, so that a short invoice gets what is there at its turn, whatever the size of
/// a batch. The database decides all the same: a number that is out of date leads to a refusal and a fresh look.
#[derive(Debug, Clone, Default)]
pub(crate) struct Levels {
    available: HashMap<String, i64>,
}

impl Levels {
    /// What the database says.
    pub(crate) fn set(&mut self, sku: &str, available: i64) {
        match self.available.get_mut(sku) {
            Some(units) => *units = available,
            None => {
                self.available.insert(sku.to_owned(), available);
            }
        }
    }

    /// Units that can be had, never negative.
    pub(crate) fn available(&self, sku: &str) -> i64 {
        self.available.get(sku).copied().unwrap_or(0).max(0)
    }

    /// Counts in what a command will do, until the database says it.
    pub(crate) fn expect(&mut self, sku: &str, delta: i64) {
        let units = self.available.get(sku).copied().unwrap_or(0).saturating_add(delta);
        self.set(sku, units);
    }
}
