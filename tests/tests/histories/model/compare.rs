//! Compares an answer with the one that the model gives.

use super::{Answer, Entry, Level, States, is_count_act};
use serde_json::{Value, json};

/// Whether an answer says what it must. The function for a single operation shows what a reservation holds, not what was freed for it.
pub(super) fn compare(answer: &Answer, found: &Value, (command, by_function): (&Value, bool)) -> Result<(), String> {
    for (name, value) in &answer.fields {
        let shown = !by_function || *name != "replaced";
        if shown && &found[*name] != value {
            return Err(format!("{name} should be {value} in {found}"));
        }
    }
    if command["op"] == "expire" {
        // Who wrote it off, this command or the batch before it began, is nobody's concern.
        return Ok(());
    }
    if is_count_act(command) {
        return Ok(());
    }
    let holds = command["op"] == "reserve" || command["op"] == "relocate";
    let right: Vec<&Entry> = answer
        .levels
        .iter()
        .filter(|entry| !(by_function && holds && entry.kind == "release"))
        .collect();
    let levels = found["levels"]
        .as_array()
        .ok_or_else(|| format!("no levels in {found}"))?;
    if levels.len() != right.len() {
        return Err(format!("{found} should have the levels {right:?}"));
    }
    for entry in right {
        let same = |level: &&Value| {
            level["sku"] == json!(entry.key.0)
                && level["location"] == json!(entry.key.1)
                && level["version"] == json!(entry.level.version)
        };
        let Some(level) = levels.iter().find(same) else {
            return Err(format!("{entry:?} is missing in {found}"));
        };
        compare_level(entry, level)?;
    }
    Ok(())
}

fn compare_level(entry: &Entry, found: &Value) -> Result<(), String> {
    let Entry { quantity, level, .. } = entry;
    let Level { states, .. } = level;
    let States { on_hand, reserved, .. } = *states;
    let numbers = [
        ("on_hand", on_hand),
        ("reserved", reserved),
        ("available", states.available()),
        ("in_transit", states.in_transit),
        ("backordered", states.backordered),
        ("damaged", states.damaged),
        ("incoming", states.incoming),
    ];
    let always = ["on_hand", "reserved", "available"];
    for (name, value) in numbers {
        // The other states are shown where the operation can change them.
        if found[name] != json!(value) && (always.contains(&name) || !found[name].is_null()) {
            return Err(format!("{name} should be {value} in {found}"));
        }
    }
    if !found["status"].is_null() && found["status"] != json!(level.status()) {
        return Err(format!("status should be {} in {found}", level.status()));
    }
    match quantity {
        Some(quantity)
            if !found["quantity"].is_null() && found["quantity"].as_i64().map(i64::abs) != Some(quantity.abs()) =>
        {
            Err(format!("quantity should be {quantity} in {found}"))
        }
        _ => Ok(()),
    }
}
