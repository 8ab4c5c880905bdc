//! Schema ids that were waited for in vain: a flood of records that name them must not be a flood of questions too.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// For how long an id counts as missing. A registry that is put right is asked again soon after.
const MEMORY: Duration = Duration::from_secs(60);
/// Ids remembered; garbage can name two thousand million.
const MAX_IDS: usize = 4_096;

/// The ids, and since when each is missing.
#[derive(Debug, Default)]
pub(super) struct Missing {
    since: HashMap<u32, Instant>,
}

impl Missing {
    /// The id is missing from now on. The oldest one makes room.
    pub(super) fn add(&mut self, id: u32, now: Instant) {
        if self.since.len() >= MAX_IDS {
            self.since.retain(|_, since| now.duration_since(*since) < MEMORY);
        }
        if self.since.len() >= MAX_IDS {
            let oldest = self.since.iter().min_by_key(|(_, since)| **since).map(|(id, _)| *id);
            oldest.and_then(|id| self.since.remove(&id));
        }
        self.since.insert(id, now);
    }

    /// Forgets the id if it is missing since longer than `age`. True if it was forgotten.
    pub(super) fn forget(&mut self, id: u32, age: Duration, now: Instant) -> bool {
        let older = self
            .since
            .get(&id)
            .is_some_and(|since| now.duration_since(*since) > age);
        older && self.since.remove(&id).is_some()
    }

    pub(super) fn has(&self, id: u32, now: Instant) -> bool {
        self.since
            .get(&id)
            .is_some_and(|since| now.duration_since(*since) < MEMORY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_missing_for_a_while_only() {
        let (mut missing, now) = (Missing::default(), Instant::now());
        missing.add(7, now);
        assert!(missing.has(7, now) && !missing.has(8, now));
        assert!(missing.has(7, now + MEMORY / 2));
        assert!(!missing.has(7, now + MEMORY));
    }

    #[test]
    fn what_was_written_later_asks_again() {
        let (mut missing, begin) = (Missing::default(), Instant::now());
        missing.add(7, begin);
        let now = begin + Duration::from_secs(9);
        assert!(!missing.forget(7, Duration::from_secs(10), now) && missing.has(7, now));
        assert!(missing.forget(7, Duration::from_secs(8), now) && !missing.has(7, now));
        assert!(!missing.forget(8, Duration::ZERO, now));
    }

    #[test]
    fn a_flood_of_ids_takes_the_place_of_the_oldest() {
        let (mut missing, now) = (Missing::default(), Instant::now());
        let end = u32::try_from(MAX_IDS).unwrap_or_default() + 10;
        for id in 0..end {
            missing.add(id, now + Duration::from_micros(id.into()));
        }
        let later = now + MEMORY / 2;
        assert_eq!(missing.since.len(), MAX_IDS);
        assert!(!missing.has(9, later) && missing.has(10, later) && missing.has(end - 1, later));
    }
}
