//! Stock counts: opened, counted line by line against what the ledger says of that moment, approved, posted or dropped.

use super::lines::text;
use super::lots::{Naming, lot_key};
use super::{Answer, Count, Counted, Entry, Key, LIMIT, Model, Refusal, States};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Acts on a count that are no commands: each has a function and idempotency keys of its own.
const ACTS: [&str; 4] = ["open_count", "count_line", "approve_count", "cancel_count"];

/// Whether something is done to a count by a function that is made for it alone.
pub(crate) fn is_count_act(command: &Value) -> bool {
    command["op"].as_str().is_some_and(|op| ACTS.contains(&op))
}

/// Whether a command, or such an act, is about a count.
pub(crate) fn is_on_count(command: &Value) -> bool {
    is_count_act(command) || command["op"] == "count"
}

impl Model {
    fn named_count(&self, command: &Value) -> Option<(Uuid, &Count)> {
        let id = command["count_id"].as_str()?.parse().ok()?;
        self.counts.get(&id).map(|count| (id, count))
    }

    fn count_in(&self, command: &Value, states: &[&str]) -> Result<Uuid, Refusal> {
        match self.named_count(command) {
            None => Err(Refusal("IV031")),
            Some((_, count)) if !states.contains(&count.status) => Err(Refusal("IV032")),
            Some((id, _)) => Ok(id),
        }
    }

    /// The keys of what was counted.
    pub(super) fn count_keys(&self, command: &Value) -> Vec<Key> {
        let Some((_, count)) = self.named_count(command).filter(|_| command["op"] == "count") else {
            return Vec::new();
        };
        let counted = count.lines.iter().filter(|(_, line)| line.is_some());
        counted
            .map(|((sku, _), _)| (sku.clone(), count.place.clone()))
            .collect()
    }

    /// Everything wrong with what a count is opened with.
    pub(super) fn count_faults(&self, command: &Value) -> Vec<Refusal> {
        let mut faults = Vec::new();
        if command["op"] != "open_count" {
            return faults;
        }
        if text(&command["location"]).is_none_or(|place| !self.places.contains_key(&place)) {
            faults.push(Refusal("IV004"));
        }
        for sku in command["skus"].as_array().into_iter().flatten() {
            faults.extend(self.uncountable(sku));
        }
        faults
    }

    fn uncountable(&self, sku: &Value) -> Option<Refusal> {
        match text(sku).and_then(|sku| self.items.get(&sku)) {
            None => Some(Refusal("IV003")),
            Some(item) => (item.kind == "bundle").then_some(Refusal("IV016")),
        }
    }

    pub(super) fn count(&mut self, command: &Value, id: Uuid) -> Result<Answer, Refusal> {
        match command["op"].as_str() {
            Some("open_count") => self.open_count(command, id),
            Some("count_line") => self.count_line(command),
            Some("approve_count") => {
                let id = self.count_in(command, &["OPEN"])?;
                if self.counts[&id].lines.values().all(Option::is_none) {
                    return Err(Refusal("IV032"));
                }
                Ok(self.close_count(id, "APPROVED"))
            }
            Some("cancel_count") => {
                let id = self.count_in(command, &["OPEN", "APPROVED"])?;
                Ok(self.close_count(id, "CANCELLED"))
            }
            _ => self.post_count(command),
        }
    }

    fn open_count(&mut self, command: &Value, id: Uuid) -> Result<Answer, Refusal> {
        if let Some(fault) = self.count_faults(command).into_iter().next() {
            return Err(fault);
        }
        let place = text(&command["location"]).unwrap_or_default();
        let skus = command["skus"].as_array().into_iter().flatten().filter_map(text);
        let lines = skus
            .flat_map(|sku| self.lines_to_count(sku, &place))
            .map(|name| (name, None));
        let count = Count {
            status: "OPEN",
            lines: lines.collect(),
            place,
        };
        self.counts.insert(id, count);
        Ok(self.close_count(id, "OPEN"))
    }

    /// One line for an item, or one for each lot that lies there.
    fn lines_to_count(&self, sku: String, place: &str) -> Vec<(String, String)> {
        if !self.items[&sku].by_lot {
            return vec![(sku, String::new())];
        }
        let key = (sku.clone(), place.to_owned());
        let there = self
            .lots
            .levels
            .iter()
            .filter(|((of, _), level)| *of == key && level.on_hand != 0);
        there.map(|((_, code), _)| (sku.clone(), code.clone())).collect()
    }

    fn close_count(&mut self, id: Uuid, status: &'static str) -> Answer {
        self.counts.get_mut(&id).expect("a count").status = status;
        self.count_answer(id)
    }

    fn count_answer(&self, id: Uuid) -> Answer {
        let count = &self.counts[&id];
        let counted: Vec<&Counted> = count.lines.values().flatten().collect();
        let variances = || counted.iter().map(|line| line.posted.unwrap_or(line.variance()));
        let fields = [
            ("count_id", json!(id)),
            ("status", json!(count.status)),
            ("lines", json!(count.lines.len())),
            ("counted_lines", json!(counted.len())),
            (
                "variance_lines",
                json!(variances().filter(|variance| *variance != 0).count()),
            ),
            ("variance", json!(variances().sum::<i64>())),
        ];
        Answer {
            levels: Vec::new(),
            fields: BTreeMap::from(fields),
        }
    }

    fn count_line(&mut self, command: &Value) -> Result<Answer, Refusal> {
        let id = self.count_in(command, &["OPEN"])?;
        if let Some(fault) = self.uncountable(&command["sku"]) {
            return Err(fault);
        }
        let sku = text(&command["sku"]).unwrap_or_default();
        let lot = text(&command["lot"]);
        let mut key = (sku.clone(), self.counts[&id].place.clone());
        let quantity = command["counted"].as_i64().unwrap_or_default();
        if quantity > LIMIT {
            return Err(Refusal("IV012"));
        }
        if lot.is_some() != self.items[&sku].by_lot {
            return Err(Refusal("IV023"));
        }
        if let Some(code) = &lot {
            if !self.lots.known.contains_key(&(sku.clone(), code.clone())) {
                return Err(Refusal("IV021"));
            }
            key = lot_key(&key, code);
        }
        let instant = text(&command["counted_at"]);
        let counted = Counted {
            counted: quantity,
            position: instant
                .as_deref()
                .map_or(self.facts.now(), |at| self.facts.position(at)),
            expected: self.on_hand_at(&key, instant.as_deref()),
            instant,
            posted: None,
        };
        let fields = [
            ("count_id", json!(id)),
            ("sku", json!(sku)),
            ("expected", json!(counted.expected)),
            ("counted", json!(counted.counted)),
            ("variance", json!(counted.variance())),
        ];
        let count = self.counts.get_mut(&id).expect("an open count");
        count.lines.insert((sku, lot.unwrap_or_default()), Some(counted));
        Ok(Answer {
            levels: Vec::new(),
            fields: BTreeMap::from(fields),
        })
    }

    fn on_hand_at(&self, key: &Key, instant: Option<&str>) -> i64 {
        let position = instant.map_or(self.facts.now(), |at| self.facts.position(at));
        self.facts.known_of(key, position).unwrap_or_default().on_hand
    }

    /// What is missing or too much by what is known now of the counting moments, all of it or nothing.
    fn post_count(&mut self, command: &Value) -> Result<Answer, Refusal> {
        let id = self.count_in(command, &["APPROVED"])?;
        let mut count = self.counts[&id].clone();
        let mut answer = Answer::default();
        for ((sku, lot), line) in &mut count.lines {
            let Some(line) = line else { continue };
            let key = (sku.clone(), count.place.clone());
            let lot = Some(lot.clone()).filter(|lot| !lot.is_empty());
            let counted = lot.as_ref().map_or(key.clone(), |lot| lot_key(&key, lot));
            let then = self.facts.known_of(&counted, line.position).unwrap_or_default();
            let missing = line.counted - then.on_hand;
            line.posted = Some(missing);
            if missing == 0 {
                continue;
            }
            self.facts.tell_of(line.position, line.instant.clone());
            let deltas = States {
                on_hand: missing,
                ..States::default()
            };
            let naming = Naming {
                lot,
                ..Naming::default()
            };
            let entry = self.change_named(naming, &key, "count", deltas, (None, None))?;
            answer.levels.push(Entry {
                quantity: None,
                ..entry
            });
        }
        self.facts.tell(None);
        count.status = "POSTED";
        self.counts.insert(id, count);
        answer.fields.insert("count_id", json!(id));
        answer.fields.insert("status", json!("POSTED"));
        Ok(answer)
    }

    /// Takes over when the server says that a line was counted that was counted just now.
    pub(super) fn learn_counted(&mut self, command: &Value, answer: &Value) {
        let id = command["count_id"].as_str().and_then(|id| id.parse::<Uuid>().ok());
        let count = id.and_then(|id| self.counts.get_mut(&id));
        let line = count.and_then(|count| {
            let name = (
                text(&command["sku"]).unwrap_or_default(),
                text(&command["lot"]).unwrap_or_default(),
            );
            count.lines.get_mut(&name)
        });
        if let Some(Some(line)) = line.filter(|_| command["op"] == "count_line") {
            line.instant = text(&answer["counted_at"]);
        }
    }
}

impl Counted {
    pub(crate) fn variance(&self) -> i64 {
        self.counted - self.expected
    }
}
