//! Reservations: made, confirmed whole or in part, given back, extended.

use super::lines::{lines, text};
use super::lots::Naming;
use super::{Answer, Entry, Hold, Key, Model, Refusal, States, Status};
use serde_json::{Value, json};
use uuid::Uuid;

pub(super) fn promised(reserved: i64, backordered: i64) -> States {
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
    pub(super) fn open_hold(&self, command: &Value) -> Result<Uuid, Refusal> {
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
}
