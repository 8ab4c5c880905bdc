//! Reservations: made, confirmed whole or in part, given back, extended, moved, run out, and waiting for stock.

use super::lines::{lines, text};
use super::lots::Naming;
use super::{Answer, Entry, Hold, HoldLine, Key, LIMIT, Model, Refusal, States, Status};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

fn promised(reserved: i64, backordered: i64) -> States {
    States {
        reserved,
        backordered,
        ..States::default()
    }
}

/// Deadlines are sent as half a minute less than whole minutes, so that the seconds that a history takes never decide.
pub(crate) fn minutes(command: &Value) -> i64 {
    command["expires_in_seconds"]
        .as_i64()
        .map_or(15, |seconds| (seconds + 30) / 60)
}

impl Model {
    pub(super) fn named_hold(&self, command: &Value) -> Option<(Uuid, &Hold)> {
        if command["op"] == "reserve" {
            return None;
        }
        let id = command["reservation_id"].as_str()?.parse().ok()?;
        self.holds.get(&id).map(|hold| (id, hold))
    }

    pub(crate) fn is_due(&self, hold: &Hold) -> bool {
        hold.deadline.0 <= self.minute
    }

    /// The reservation that a command names, if it can take the command.
    fn open_hold(&self, command: &Value) -> Result<Uuid, Refusal> {
        let (id, hold) = self.named_hold(command).ok_or(Refusal("IV005"))?;
        let due = self.is_due(hold);
        match hold.status {
            Status::Expired => Err(Refusal("IV002")),
            Status::Pending if command["op"] == "expire" => due.then_some(id).ok_or(Refusal("IV009")),
            Status::Pending if due => Err(Refusal("IV002")),
            Status::Pending => Ok(id),
            Status::Committed | Status::Released => Err(Refusal("IV009")),
        }
    }

    pub(super) fn pending_keys(&self, id: Uuid) -> Vec<Key> {
        self.holds[&id]
            .lines
            .iter()
            .filter(|(_, line)| line.status == Status::Pending)
            .map(|(key, _)| key.clone())
            .collect()
    }

    /// Ends one line: what is confirmed leaves the shelf, the rest of what it held is free again.
    pub(super) fn end_line(
        &mut self,
        id: Uuid,
        key: &Key,
        (status, confirmed): (Status, i64),
        (kind, naming): (&'static str, Naming),
    ) -> Result<Vec<Entry>, Refusal> {
        let hold = self.holds.get_mut(&id).expect("a reservation whose line is ended");
        let line = hold.lines.get_mut(key).expect("a line that is ended");
        let (rest, waiting) = (line.quantity - line.backordered - confirmed, line.backordered);
        line.status = status;
        line.confirmed = confirmed;
        line.backordered = 0;
        let mut entries = Vec::new();
        if confirmed > 0 {
            let sold = States {
                on_hand: -confirmed,
                ..promised(-confirmed, 0)
            };
            entries.push(Entry {
                quantity: Some(confirmed),
                ..self.change_named(naming.clone(), key, "commit", sold, (Some(id), None))?
            });
        }
        if rest > 0 || waiting > 0 {
            entries.push(self.change_named(naming, key, kind, promised(-rest, -waiting), (Some(id), None))?);
        }
        Ok(entries)
    }

    pub(super) fn close(&mut self, command: &Value) -> Result<Answer, Refusal> {
        let id = self.open_hold(command)?;
        let (status, kind) = match command["op"].as_str() {
            Some("confirm") => (Status::Committed, "release"),
            Some("cancel") => (Status::Released, "release"),
            _ => (Status::Expired, "expire"),
        };
        let mut answer = Answer::default();
        if status == Status::Committed && command["lines"].is_array() {
            let named = |line: &&Value| {
                let key = (text(&line["sku"]), text(&line["location"]));
                self.pending_keys(id)
                    .iter()
                    .any(|(sku, place)| key == (Some(sku.clone()), Some(place.clone())))
            };
            if !lines(command).iter().all(named) {
                return Err(Refusal("IV003"));
            }
            if lines(command).iter().any(|line| line["unit"].is_string()) {
                return Err(Refusal("IV015"));
            }
        }
        for key in self.pending_keys(id) {
            let part = if status == Status::Committed {
                self.confirmed_part(command, id, &key)?
            } else {
                0
            };
            let naming = self.naming(command, &key.0, Some(&key.1));
            answer
                .levels
                .extend(self.end_line(id, &key, (status, part), (kind, naming))?);
        }
        self.holds.get_mut(&id).expect("an open reservation").status = status;
        answer.fields.insert("reservation_id", json!(id));
        answer.fields.insert("status", json!(status.name()));
        Ok(answer)
    }

    fn confirmed_part(&self, command: &Value, id: Uuid, key: &Key) -> Result<i64, Refusal> {
        let line = &self.holds[&id].lines[key];
        let wanted = if command["lines"].is_array() {
            lines(command)
                .into_iter()
                .filter(|line| line["sku"] == json!(key.0) && line["location"] == json!(key.1))
                .map(|line| line["quantity"].as_i64().unwrap_or_default())
                .sum()
        } else {
            line.quantity
        };
        if wanted > line.quantity {
            Err(Refusal("IV001"))
        } else if wanted > line.quantity - line.backordered {
            Err(Refusal("IV020"))
        } else {
            Ok(wanted)
        }
    }

    pub(super) fn extend(&mut self, command: &Value) -> Result<Answer, Refusal> {
        let id = self.open_hold(command)?;
        let turn = self.next_turn();
        let deadline = (self.minute + minutes(command), turn);
        self.holds.get_mut(&id).expect("an open reservation").deadline = deadline;
        let mut answer = Answer::default();
        for key in self.pending_keys(id) {
            let entry = self.change(&key, "extend", States::default(), (Some(id), None))?;
            answer.levels.push(entry);
        }
        answer.fields.insert("reservation_id", json!(id));
        answer.fields.insert("status", json!("PENDING"));
        Ok(answer)
    }

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
