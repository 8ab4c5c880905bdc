//! What a command that is refused may be refused with.

use super::Model;
use super::verdict::ON_PAPERS;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

impl Model {
    /// Every code that a faulty command may be refused with: which of several faults is named first is nobody's concern.
    pub(super) fn possible_refusals(&self, command: &Value) -> BTreeSet<&'static str> {
        let mut codes: BTreeSet<&'static str> = BTreeSet::new();
        if !ON_PAPERS.contains(&command["op"].as_str().unwrap_or_default()) {
            codes.extend(self.name_faults(command).into_iter().map(|fault| fault.0));
        }
        let chosen = command["reservation_id"].as_str().and_then(|id| id.parse().ok());
        if command["op"] == "reserve" && chosen.is_some_and(|id| self.holds.contains_key(&id)) {
            codes.insert("IV014");
        }
        codes.extend(self.move_faults(command));
        codes.extend(self.count_faults(command).into_iter().map(|fault| fault.0));
        for line in summed(command) {
            let mut alone = command.clone();
            alone["lines"] = json!([line]);
            if let Err(refusal) = self.clone().decide(&alone, Uuid::nil()) {
                codes.insert(refusal.0);
            }
        }
        codes
    }

    /// The numbers in the refusal of a command on one key.
    pub(super) fn check_detail(&self, command: &Value, code: &str, detail: &Value) -> Result<(), String> {
        let (Some(sku), Some(place)) = (command["sku"].as_str(), command["location"].as_str()) else {
            return Ok(());
        };
        if code != "IV001"
            || command["replace"] == true
            || self.items.get(sku).is_none_or(|item| item.kind == "bundle")
            || self.items[sku].is_tracked()
            || detail["state"] == "damaged"
        {
            return Ok(());
        }
        let key = (sku.to_owned(), place.to_owned());
        let mut freed = self.clone();
        freed
            .free_due(&key)
            .map_err(|refusal| format!("the model refuses with {}", refusal.0))?;
        let available = freed.level(&key).states.available();
        if detail["available"] == json!(available) {
            return Ok(());
        }
        Err(format!("{available} are available, the refusal says {detail}"))
    }
}

/// The lines of a command, those that name the same sku and location as one.
fn summed(command: &Value) -> Vec<Value> {
    let mut sums: Vec<Value> = Vec::new();
    for line in command["lines"].as_array().into_iter().flatten() {
        let same = |sum: &&mut Value| sum["sku"] == line["sku"] && sum["location"] == line["location"];
        match sums.iter_mut().find(same) {
            Some(sum) => {
                let more = line["quantity"].as_i64().unwrap_or_default();
                sum["quantity"] = json!(sum["quantity"].as_i64().unwrap_or_default() + more);
            }
            None => sums.push(line.clone()),
        }
    }
    sums
}
