//! Which events of a batch carry the newest version of a state: of the others only their events are published.

use std::collections::HashMap;

use onhand_cdc::{Change, RowVersion};
use uuid::Uuid;

use super::warm::{LevelId, level_of, movement_of};
use crate::runtime::Event;

/// Where in a batch the newest version of each state is.
#[derive(Debug, Default)]
pub(super) struct Newest {
    states: HashMap<LevelId, (RowVersion, usize)>,
    summaries: HashMap<Uuid, (RowVersion, usize)>,
}

impl Newest {
    pub(super) fn of(batch: &[&Event]) -> Self {
        let mut newest = Self::default();
        for (index, event) in batch.iter().enumerate() {
            if let Some(movement) = movement_of(&event.change) {
                keep(&mut newest.states, level_of(movement), (movement.version, index));
            }
            if let Change::StockSummary(envelope) = &event.change
                && let Some(row) = &envelope.after
            {
                keep(&mut newest.summaries, row.item_id, (row.version, index));
            }
        }
        newest
    }

    /// Is the event at this place the newest state of the level?
    pub(super) fn is_state(&self, level: &LevelId, index: usize) -> bool {
        self.states.get(level).is_some_and(|(_, newest)| *newest == index)
    }

    /// Is the event at this place the newest summary of the item?
    pub(super) fn is_summary(&self, item: Uuid, index: usize) -> bool {
        self.summaries.get(&item).is_some_and(|(_, newest)| *newest == index)
    }
}

fn keep<K: Eq + std::hash::Hash>(map: &mut HashMap<K, (RowVersion, usize)>, key: K, offered: (RowVersion, usize)) {
    let held = map.entry(key).or_insert(offered);
    if offered.0 > held.0 {
        *held = offered;
    }
}
