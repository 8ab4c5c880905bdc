//! What a command names: its lines in units of what lies on the shelf, and the keys that it touches.

use super::{Key, LIMIT, Model, Refusal, Status};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What a command wants of each item, at a location or wherever its strategy finds it.
pub(super) type Demand = BTreeMap<(String, Option<String>), i64>;

/// The lines of a command, or the command itself where it is its only line.
pub(super) fn lines(command: &Value) -> Vec<&Value> {
    match command["lines"].as_array() {
        Some(lines) => lines.iter().collect(),
        None => vec![command],
    }
}

/// What a command wants of each sku at each location, as it is written.
fn named_sums(command: &Value) -> impl Iterator<Item = i64> {
    let mut sums: BTreeMap<(String, String), i64> = BTreeMap::new();
    for line in lines(command) {
        let name = (line["sku"].to_string(), line["location"].to_string());
        *sums.entry(name).or_default() += line["quantity"].as_i64().unwrap_or_default();
    }
    sums.into_values()
}

pub(super) fn count(line: &Value, field: &str) -> i64 {
    line[field].as_i64().unwrap_or_default()
}

pub(super) fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

impl Model {
    /// A command with its quantities in base units. A unit that its item does not have stays where it is.
    pub(super) fn in_base_units(&self, command: &Value) -> Value {
        let mut plain = command.clone();
        self.convert(&mut plain);
        for line in plain["lines"].as_array_mut().into_iter().flatten() {
            self.convert(line);
        }
        plain
    }

    fn convert(&self, line: &mut Value) {
        let factor = text(&line["sku"])
            .and_then(|sku| self.items.get(&sku))
            .and_then(|item| item.units.get(line["unit"].as_str()?))
            .copied();
        if let (Some(factor), Some(fields)) = (factor, line.as_object_mut()) {
            fields.remove("unit");
            for field in ["quantity", "received", "damaged", "lost"] {
                if let Some(told) = fields.get_mut(field) {
                    *told = json!(told.as_i64().unwrap_or_default() * factor);
                }
            }
        }
    }

    /// What one unit of an item consists of on the shelf.
    pub(super) fn parts(&self, sku: &str) -> BTreeMap<String, i64> {
        let mut found = BTreeMap::new();
        let item = &self.items[sku];
        if item.kind != "bundle" {
            found.insert(sku.to_owned(), 1);
            return found;
        }
        for (part, quantity) in &item.parts {
            for (sku, inner) in self.parts(part) {
                *found.entry(sku).or_default() += inner * quantity;
            }
        }
        found
    }

    /// Everything wrong with what one line names.
    fn line_faults(&self, command: &Value, line: &Value) -> Vec<Refusal> {
        let op = command["op"].as_str().unwrap_or_default();
        let enters = ["add", "return", "reserve", "move", "ship", "order"].contains(&op);
        let mut faults = Vec::new();
        match text(&line["sku"]).and_then(|sku| self.items.get(&sku)) {
            None => faults.push(Refusal("IV003")),
            Some(item) => {
                let sku = line["sku"].as_str().unwrap_or_default();
                let parts = self.parts(sku);
                if enters && (item.archived || parts.keys().any(|part| self.items[part].archived)) {
                    faults.push(Refusal("IV010"));
                }
                if item.kind == "bundle" && (op != "reserve" && op != "remove" || item.parts.is_empty()) {
                    faults.push(Refusal("IV016"));
                }
                if line["unit"].is_string() {
                    faults.push(Refusal("IV015"));
                }
            }
        }
        let places = [
            (&line["location"], enters),
            (&command["location"], enters),
            (&command["from"], false),
            (&command["to"], true),
        ];
        for (place, enters) in places {
            match text(place).map(|place| self.places.get(&place)) {
                Some(None) => faults.push(Refusal("IV004")),
                Some(Some(place)) if place.closed && enters => faults.push(Refusal("IV011")),
                _ => {}
            }
        }
        faults
    }

    /// Everything wrong with what a command names; empty if each name leads to something that may be used so.
    pub(super) fn name_faults(&self, command: &Value) -> Vec<Refusal> {
        let mut faults: Vec<Refusal> = lines(command)
            .into_iter()
            .flat_map(|line| self.line_faults(command, line))
            .collect();
        if text(&command["supplier"]).is_some_and(|supplier| supplier != self.supplier) {
            faults.push(Refusal("IV028"));
        }
        if self.mixes_lots(command) {
            faults.push(Refusal("IV023"));
        }
        let known = lines(command)
            .into_iter()
            .all(|line| line["sku"].as_str().is_some_and(|sku| self.items.contains_key(sku)));
        if known && self.demand(command).values().any(|quantity| quantity.abs() > LIMIT)
            || named_sums(command).any(|quantity| quantity.abs() > LIMIT)
        {
            faults.push(Refusal("IV012"));
        }
        faults
    }

    /// The lines of a command whose names are right: bundles taken apart, demand on one key summed.
    pub(super) fn demand(&self, command: &Value) -> Demand {
        let mut demand = Demand::new();
        for line in lines(command) {
            let quantity = line["quantity"].as_i64().unwrap_or_default();
            for (part, inner) in self.parts(line["sku"].as_str().unwrap_or_default()) {
                *demand.entry((part, text(&line["location"]))).or_default() += inner * quantity;
            }
        }
        demand
    }

    /// The keys on which a command frees what is due before it is decided.
    pub(super) fn touched(&self, command: &Value) -> BTreeSet<Key> {
        let mut keys = BTreeSet::new();
        if let Some(hold) = self.named_hold(command) {
            for (sku, place) in hold.1.lines.keys() {
                keys.insert((sku.clone(), place.clone()));
                keys.extend(text(&command["to"]).map(|to| (sku.clone(), to)));
            }
        }
        if let Some(transfer) = self.named_transfer(command) {
            for sku in transfer.1.lines.keys() {
                keys.insert((sku.clone(), transfer.1.from.clone()));
                keys.insert((sku.clone(), transfer.1.to.clone()));
            }
        }
        keys.extend(self.order_keys(command));
        keys.extend(self.count_keys(command));
        keys.extend(self.recall_keys(command));
        for line in lines(command) {
            let Some(sku) = text(&line["sku"]).filter(|sku| self.items.contains_key(sku)) else {
                continue;
            };
            for part in self.parts(&sku).into_keys() {
                for place in [
                    &line["location"],
                    &command["location"],
                    &command["from"],
                    &command["to"],
                ] {
                    keys.extend(text(place).map(|place| (part.clone(), place)));
                }
                if command["strategy"].is_string() {
                    keys.extend(self.levels.keys().filter(|key| key.0 == part).cloned());
                }
            }
        }
        if command["replace"] == true {
            let owned = self
                .holds
                .values()
                .filter(|hold| hold.status == Status::Pending && hold.owner == text(&command["owner"]));
            keys.extend(owned.flat_map(|hold| hold.lines.keys().cloned()));
        }
        keys.retain(|key| self.levels.contains_key(key));
        keys
    }
}
