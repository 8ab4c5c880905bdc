//! Judging a batch so that one level that cannot be judged disturbs no other.
//!
//! A batch is one transaction as long as all goes well. If one of its levels makes it fail, halving finds it; the events of a
//! level stay together and in their order.

use std::collections::{BTreeSet, VecDeque};

use uuid::Uuid;

use super::store::{LevelEvent, MAX_LEVELS, Manner, Store, Trouble};
use crate::runtime::SinkError;

/// Transactions that may fail before the rest waits: when everything fails, halving would go on for long and find nothing.
const MAX_FAILURES: usize = 32;

/// What became of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It was newer than what its level had been judged by.
    Fresh,
    /// It was not.
    Stale,
    /// Its level cannot be judged now.
    Later(String),
    /// Its level can never be judged by it.
    Refused(String),
}

/// Judges these events and says what became of each, and whether an alert opened or resolved.
pub(super) async fn judge(store: &Store, events: &[LevelEvent]) -> Result<(Vec<Verdict>, bool), SinkError> {
    let mut verdicts = vec![Verdict::Later("not judged".to_owned()); events.len()];
    let (mut turned, mut failures) = (false, 0);
    let mut left = VecDeque::from([Part::all(events)]);
    while let Some(part) = left.pop_front() {
        if part.levels() > MAX_LEVELS {
            part.halve(&mut left);
            continue;
        }
        let manner = if failures == 0 { Manner::Told } else { Manner::Hurried };
        match store.judge(&part.events(), manner).await {
            Ok(judgement) => {
                turned |= judgement.turned;
                let outcome = |fresh| if fresh { Verdict::Fresh } else { Verdict::Stale };
                part.note(&mut verdicts, judgement.fresh.into_iter().map(outcome));
            }
            Err(Trouble::Database(reason)) => return Err(SinkError::Transient(reason)),
            Err(trouble) => {
                failures += 1;
                match trouble {
                    _ if part.levels() > 1 && failures < MAX_FAILURES => part.halve(&mut left),
                    Trouble::Refused(reason) if part.levels() == 1 => {
                        part.note(&mut verdicts, std::iter::repeat(Verdict::Refused(reason)));
                    }
                    trouble => part.note(&mut verdicts, std::iter::repeat(Verdict::Later(trouble.reason()))),
                }
            }
        }
    }
    Ok((verdicts, turned))
}

/// Events of some levels, in their order, each with its place in the batch.
struct Part<'e>(Vec<(usize, &'e LevelEvent)>);

impl<'e> Part<'e> {
    fn all(events: &'e [LevelEvent]) -> Self {
        Self(events.iter().enumerate().collect())
    }

    fn events(&self) -> Vec<&'e LevelEvent> {
        self.0.iter().map(|(_, event)| *event).collect()
    }

    fn keys(&self) -> BTreeSet<(Uuid, &'e str)> {
        self.0.iter().map(|(_, event)| key_of(event)).collect()
    }

    fn levels(&self) -> usize {
        self.keys().len()
    }

    /// Puts each half of the levels before what is still to do. There must be two levels at least.
    fn halve(self, left: &mut VecDeque<Self>) {
        let keys = self.keys();
        let middle = keys.iter().nth(keys.len() / 2).copied();
        let (before, behind) = self.0.into_iter().partition(|(_, event)| Some(key_of(event)) < middle);
        left.push_front(Self(behind));
        left.push_front(Self(before));
    }

    fn note(&self, verdicts: &mut [Verdict], noted: impl Iterator<Item = Verdict>) {
        for ((index, _), verdict) in self.0.iter().zip(noted) {
            if let Some(place) = verdicts.get_mut(*index) {
                *place = verdict;
            }
        }
    }
}

fn key_of(event: &LevelEvent) -> (Uuid, &str) {
    (event.item_id, &event.location)
}

#[cfg(test)]
mod tests {
    use super::super::model::Figures;
    use super::*;

    fn event(item: u128, version: i64) -> LevelEvent {
        LevelEvent {
            item_id: Uuid::from_u128(item),
            location: "W1".to_owned(),
            figures: Figures {
                version,
                on_hand: 0,
                available: 0,
                safety_stock: 0,
                reorder_point: 0,
                unlimited: false,
                deleted: false,
            },
            at: None,
        }
    }

    #[test]
    fn halves_keep_the_events_of_a_level_together_and_lose_none() {
        let events: Vec<LevelEvent> = (0..60).map(|n| event(u128::from(n % 7_u32), n.into())).collect();
        let mut left = VecDeque::from([Part::all(&events)]);
        let mut seen = Vec::new();
        while let Some(part) = left.pop_front() {
            if part.levels() > 1 {
                part.halve(&mut left);
                continue;
            }
            let places: Vec<usize> = part.0.iter().map(|(place, _)| *place).collect();
            assert!(places.is_sorted(), "{places:?}");
            seen.push(places);
        }
        assert_eq!(seen.len(), 7);
        let mut all = seen.concat();
        all.sort_unstable();
        assert_eq!(all, (0..60).collect::<Vec<_>>());
    }
}
