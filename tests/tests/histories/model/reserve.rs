//! What a reservation takes: made, in place of another one, and moved to another place.

use super::holds::{minutes, promised};
use super::lines::text;
use super::lots::Naming;
use super::{Answer, Entry, Hold, HoldLine, Key, LIMIT, Model, Refusal, Status};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

impl Model {
    pub(super) fn relocate(&mut self, command: &Value) -> Result<Answer, Refusal> {
        let id = self.open_hold(command)?;
        let to = text(&command["to"]).unwrap_or_default();
        match self.places.get(&to) {
            None => return Err(Refusal("IV004")),
            Some(place) if place.closed => return Err(Refusal("IV011")),
            Some(_) => {}
        }
        let wanted = |field: &str, found: &str| command[field].is_null() || command[field] == json!(found);
        let mut answer = Answer::default();
        for key in self.pending_keys(id) {
            if key.1 == to || !wanted("sku", &key.0) || !wanted("from", &key.1) {
                continue;
            }
            let quantity = self.holds[&id].lines[&key].quantity;
            answer
                .levels
                .extend(self.end_line(id, &key, (Status::Released, 0), ("release", Naming::default()))?);
            self.holds.get_mut(&id).expect("an open reservation").lines.remove(&key);
            answer.levels.extend(self.hold_line(
                (command, Naming::default()),
                id,
                &(key.0.clone(), to.clone()),
                quantity,
            )?);
        }
        if answer.levels.is_empty() {
            return Err(Refusal("IV003"));
        }
        answer.fields.insert("reservation_id", json!(id));
        answer.fields.insert("status", json!("PENDING"));
        Ok(answer)
    }

    pub(super) fn reserve(&mut self, command: &Value, id: Uuid) -> Result<Answer, Refusal> {
        let mut answer = Answer::default();
        // Expected is the version that the client saw, not the one after its old hold was freed.
        self.check_expected(command)?;
        let replaced = self.replace(command, &mut answer)?;
        if self.holds.contains_key(&id) {
            return Err(Refusal("IV014"));
        }
        let turn = self.next_turn();
        let hold = Hold {
            owner: text(&command["owner"]),
            status: Status::Pending,
            deadline: (self.minute + minutes(command), turn),
            lines: BTreeMap::new(),
        };
        self.holds.insert(id, hold);
        for (key, quantity) in self.allocate(command)? {
            // A strategy finds the place for a line that names none.
            let naming = self.naming(command, &key.0, Some(&key.1));
            answer
                .levels
                .extend(self.hold_line((command, naming), id, &key, quantity)?);
        }
        if self.holds[&id].lines.is_empty() {
            return Err(Refusal("IV001"));
        }
        answer.fields.insert("reservation_id", json!(id));
        answer.fields.insert("status", json!("PENDING"));
        if command["replace"] == true {
            answer.fields.insert("replaced", json!(replaced));
        }
        Ok(answer)
    }

    /// Gives back what the owner of a command holds, where it reserves in place of that.
    fn replace(&mut self, command: &Value, answer: &mut Answer) -> Result<Vec<Uuid>, Refusal> {
        if command["replace"] != true {
            return Ok(Vec::new());
        }
        let owned: Vec<Uuid> = self
            .holds
            .iter()
            .filter(|(_, hold)| hold.status == Status::Pending && hold.owner == text(&command["owner"]))
            .filter(|(_, hold)| !self.is_due(hold))
            .map(|(id, _)| *id)
            .collect();
        for id in &owned {
            let freed = self.close(&json!({"op": "cancel", "reservation_id": id}))?;
            answer.levels.extend(freed.levels);
        }
        Ok(owned)
    }

    /// Holds a quantity on one key: all of it, what there is, or what there is and a place in the queue for the rest.
    fn hold_line(
        &mut self,
        (command, naming): (&Value, Naming),
        id: Uuid,
        key: &Key,
        wanted: i64,
    ) -> Result<Option<Entry>, Refusal> {
        let level = self.level(key);
        let free = level.states.available().clamp(0, wanted);
        let (taken, waiting) = if level.endless() || free == wanted {
            (wanted, 0)
        } else if command["partial"] == true {
            (free, 0)
        } else if level.policy == "backorder" {
            (free, wanted - free)
        } else {
            return Err(Refusal("IV001"));
        };
        if taken + waiting == 0 {
            return Ok(None);
        }
        let turn = (waiting > 0).then(|| self.next_turn());
        let hold = self.holds.get_mut(&id).expect("a reservation that gets a line");
        let line = hold.lines.entry(key.clone()).or_insert(HoldLine {
            quantity: 0,
            backordered: 0,
            confirmed: 0,
            status: Status::Pending,
            waiting: None,
        });
        line.quantity += taken + waiting;
        if line.quantity > LIMIT {
            return Err(Refusal("IV012"));
        }
        line.backordered += waiting;
        line.waiting = line.waiting.or(turn);
        let entry = self.change_named(naming, key, "reserve", promised(taken, waiting), (Some(id), None))?;
        Ok(Some(Entry {
            quantity: Some(taken + waiting),
            ..entry
        }))
    }
}
