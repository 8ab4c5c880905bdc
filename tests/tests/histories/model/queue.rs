//! What runs out, and who waits for it.

use super::holds::promised;
use super::lots::Naming;
use super::{Key, Model, Refusal, Status};
use std::collections::BTreeSet;
use uuid::Uuid;

impl Model {
    /// Gives what has become available on a key to those who wait there, in their order; under a policy that is never short all get all.
    /// Returns whether anybody got something.
    pub(super) fn fill(&mut self, key: &Key) -> Result<bool, Refusal> {
        let mut queue: Vec<(u64, Uuid, i64)> = self
            .holds
            .iter()
            .filter(|(_, hold)| !self.is_due(hold))
            .filter_map(|(id, hold)| hold.lines.get(key).map(|line| (*id, line)))
            .filter(|(_, line)| line.status == Status::Pending && line.backordered > 0)
            .map(|(id, line)| (line.waiting.unwrap_or_default(), id, line.backordered))
            .collect();
        queue.sort_unstable();
        let mut given_any = self.expire_lots(key)?;
        for (_, id, waiting) in queue {
            let level = self.level(key);
            let given = if level.endless() && !self.items[&key.0].is_tracked() {
                waiting
            } else {
                level.states.available().min(waiting)
            };
            if given <= 0 {
                break;
            }
            let hold = self.holds.get_mut(&id).expect("a reservation that waits");
            hold.lines.get_mut(key).expect("a line that waits").backordered -= given;
            self.change(key, "allocate", promised(given, -given), (Some(id), None))?;
            given_any = true;
        }
        Ok(given_any)
    }

    /// Frees what is due on a key, and gives it to those who wait.
    pub(super) fn free_due(&mut self, key: &Key) -> Result<(), Refusal> {
        let due = self.due_on(key);
        if due.is_empty() && self.due_lots(key).is_empty() {
            return Ok(());
        }
        let version = self.level(key).version;
        self.freed_from.entry(key.clone()).or_insert(version);
        for (_, id) in &due {
            self.end_line(*id, key, (Status::Expired, 0), ("expire", Naming::default()))?;
        }
        self.close_empty(&due.into_iter().map(|(_, id)| id).collect());
        self.fill(key)?;
        Ok(())
    }

    /// Reservations that are due on a key and still hold something there, in the order in which they ended.
    pub(super) fn due_on(&self, key: &Key) -> BTreeSet<((i64, u64), Uuid)> {
        self.holds
            .iter()
            .filter(|(_, hold)| self.is_due(hold))
            .filter(|(_, hold)| hold.lines.get(key).is_some_and(|line| line.status == Status::Pending))
            .map(|(id, hold)| (hold.deadline, *id))
            .collect()
    }

    pub(super) fn close_empty(&mut self, ids: &BTreeSet<Uuid>) {
        for id in ids {
            let hold = self.holds.get_mut(id).expect("a reservation that ran out");
            if hold.lines.values().all(|line| line.status != Status::Pending) {
                hold.status = Status::Expired;
            }
        }
    }
}
