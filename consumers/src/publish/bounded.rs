//! A table that holds what was used lately and forgets the rest, within a number of bytes.
//!
//! Two generations: what is used moves to the young one; when that has filled its half, it becomes the old one, and what
//! was left in the old one is forgotten. No list to keep in order, and nothing is ever searched for a victim.

use std::collections::HashMap;
use std::hash::Hash;

/// A map entry costs about this much beside its key and value.
const ENTRY_BYTES: usize = 64;

#[derive(Debug)]
struct Entry<V> {
    value: V,
    bytes: usize,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Bounded<K, V> {
    young: HashMap<K, Entry<V>>,
    old: HashMap<K, Entry<V>>,
    young_bytes: usize,
    half: usize,
}

impl<K: Eq + Hash + Clone, V> Bounded<K, V> {
    /// A table of about this many bytes.
    pub(super) fn new(max_bytes: usize) -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            young_bytes: 0,
            half: max_bytes / 2,
        }
    }

    /// The value, if it was not forgotten.
    pub(super) fn get(&mut self, key: &K) -> Option<&V> {
        if !self.young.contains_key(key) {
            let (key, entry) = self.old.remove_entry(key)?;
            self.put(key, entry);
        }
        self.young.get(key).map(|entry| &entry.value)
    }

    /// The value without counting it as used.
    pub(super) fn peek(&self, key: &K) -> Option<&V> {
        self.young
            .get(key)
            .or_else(|| self.old.get(key))
            .map(|entry| &entry.value)
    }

    /// Keeps a value; `bytes` is what key and value hold on the heap and off it.
    pub(super) fn insert(&mut self, key: K, value: V, bytes: usize) {
        self.remove(&key);
        let bytes = bytes.saturating_add(ENTRY_BYTES);
        self.put(key, Entry { value, bytes });
    }

    /// Forgets one.
    pub(super) fn remove(&mut self, key: &K) {
        if let Some(entry) = self.young.remove(key) {
            self.young_bytes = self.young_bytes.saturating_sub(entry.bytes);
        }
        self.old.remove(key);
    }

    /// An entry larger than the whole half is young alone, until the next one comes.
    fn put(&mut self, key: K, entry: Entry<V>) {
        if self.young_bytes.saturating_add(entry.bytes) > self.half {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        self.young_bytes = self.young_bytes.saturating_add(entry.bytes);
        self.young.insert(key, entry);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_used_stays_and_what_is_not_goes() {
        let mut table = Bounded::new(10 * (ENTRY_BYTES + 10));
        table.insert(0, "kept", 10);
        for key in 1..1_000 {
            table.insert(key, "other", 10);
            assert_eq!(table.get(&0), Some(&"kept"), "after {key}");
        }
        assert_eq!(table.peek(&1), None);
        assert_eq!(table.peek(&999), Some(&"other"));
    }

    #[test]
    fn one_that_is_larger_than_the_table_is_held_alone() {
        let mut table = Bounded::new(100);
        table.insert(1, (), 1_000_000);
        assert!(table.get(&1).is_some());
        table.insert(2, (), 1);
        table.insert(3, (), 1);
        assert!(table.get(&1).is_none());
    }

    proptest! {
        #[test]
        fn it_answers_the_last_value_or_nothing_and_keeps_to_its_bytes(
            steps in prop::collection::vec((0_u8..3, 0_u8..20, 1_usize..50), 0..300)
        ) {
            let mut table = Bounded::new(1_000);
            let mut model = HashMap::new();
            for (number, (step, key, bytes)) in steps.into_iter().enumerate() {
                match step {
                    0 => {
                        table.insert(key, number, bytes);
                        model.insert(key, number);
                    }
                    1 => {
                        table.remove(&key);
                        model.remove(&key);
                    }
                    _ => if let Some(found) = table.get(&key) {
                        prop_assert_eq!(Some(found), model.get(&key));
                    }
                }
                let held: usize = table.young.values().chain(table.old.values()).map(|entry| entry.bytes).sum();
                prop_assert!(held <= 1_000);
                let young: usize = table.young.values().map(|entry| entry.bytes).sum();
                prop_assert_eq!(young, table.young_bytes);
                prop_assert!(table.young.keys().all(|key| !table.old.contains_key(key)));
            }
        }
    }
}
