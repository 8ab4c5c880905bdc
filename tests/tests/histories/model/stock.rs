//! Commands on single places and on transfers.

use super::lines::{count, lines, text};
use super::{Answer, Entry, Key, Model, Refusal, States, Transfer, TransferLine};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

fn on_hand(quantity: i64) -> States {
    States {
        on_hand: quantity,
        ..States::default()
    }
}

fn damaged(quantity: i64) -> States {
    States {
        damaged: quantity,
        ..States::default()
    }
}

fn in_transit(quantity: i64) -> States {
    States {
        in_transit: quantity,
        ..States::default()
    }
}

/// The type of the ledger row and the change that a command on single places makes for a quantity.
fn change_of(command: &Value, quantity: i64) -> (&'static str, States) {
    let in_damaged = command["state"] == "damaged";
    match command["op"].as_str().unwrap_or_default() {
        "add" => ("receipt", on_hand(quantity)),
        "remove" => ("removal", on_hand(-quantity)),
        "adjust" => ("adjustment", on_hand(quantity)),
        "return" if in_damaged => ("return", damaged(quantity)),
        "return" => ("return", on_hand(quantity)),
        "quarantine" => ("quarantine", on_hand(-quantity).plus(damaged(quantity))),
        "restore" => ("restore", on_hand(quantity).plus(damaged(-quantity))),
        // What is written off is damaged goods unless the command says that it was on the shelf.
        "write_off" if command["state"] == "on_hand" => ("write_off", on_hand(-quantity)),
        _ => ("write_off", damaged(-quantity)),
    }
}

impl Model {
    pub(super) fn single_places(&mut self, command: &Value) -> Result<Answer, Refusal> {
        let mut answer = Answer::default();
        self.check_expected(command)?;
        for ((sku, place), quantity) in self.demand(command) {
            let key = (sku, place.unwrap_or_default());
            let (kind, deltas) = change_of(command, quantity);
            let naming = self.naming(command, &key.0, Some(&key.1));
            let entry = self.change_named(naming, &key, kind, deltas, (None, None))?;
            answer.levels.push(Entry {
                quantity: Some(quantity),
                ..entry
            });
        }
        Ok(answer)
    }

    pub(super) fn move_stock(&mut self, command: &Value) -> Result<Answer, Refusal> {
        let mut answer = Answer::default();
        for ((sku, _), quantity) in self.demand(command) {
            let mut naming = self.naming(command, &sku, None);
            let ends = [
                (&command["from"], "transfer_out", -quantity),
                (&command["to"], "transfer_in", quantity),
            ];
            for (place, kind, delta) in ends {
                let key = (sku.clone(), text(place).unwrap_or_default());
                let entry = self.change_named(naming.clone(), &key, kind, on_hand(delta), (None, None))?;
                naming.moved = Some(self.lots.taken.clone());
                answer.levels.push(Entry {
                    quantity: Some(quantity),
                    ..entry
                });
            }
        }
        Ok(answer)
    }

    /// What is wrong at either end of a move: goods may leave where they may not arrive, so each end is judged by itself.
    pub(super) fn move_faults(&self, command: &Value) -> Vec<&'static str> {
        let known = |name: &str| self.items.contains_key(name);
        if command["op"] != "move"
            || !lines(command)
                .iter()
                .all(|line| line["sku"].as_str().is_some_and(known))
        {
            return Vec::new();
        }
        let mut faults = Vec::new();
        for ((sku, _), quantity) in self.demand(command) {
            for (place, delta) in [(&command["from"], -quantity), (&command["to"], quantity)] {
                let Some(place) = text(place).filter(|place| self.places.contains_key(place)) else {
                    continue;
                };
                let mut alone = self.clone();
                if let Err(refusal) = alone.change(&(sku.clone(), place), "move", on_hand(delta), (None, None)) {
                    faults.push(refusal.0);
                }
            }
        }
        faults
    }

    pub(super) fn ship(&mut self, command: &Value, id: Uuid) -> Result<Answer, Refusal> {
        let (from, to) = (
            text(&command["from"]).unwrap_or_default(),
            text(&command["to"]).unwrap_or_default(),
        );
        let mut answer = Answer::default();
        let mut sent = BTreeMap::new();
        for ((sku, _), quantity) in self.demand(command) {
            let papers = (None, Some(id));
            let naming = self.naming(command, &sku, None);
            let left = self.change_named(naming, &(sku.clone(), from.clone()), "ship", on_hand(-quantity), papers)?;
            let way = self.change(&(sku.clone(), to.clone()), "dispatch", in_transit(quantity), papers)?;
            answer.levels.extend([left, way]);
            let line = TransferLine {
                shipped: quantity,
                ..TransferLine::default()
            };
            sent.insert(sku, line);
        }
        let status = "IN_TRANSIT";
        let lines = sent;
        self.transfers.insert(
            id,
            Transfer {
                from,
                to,
                status,
                lines,
            },
        );
        answer.fields.insert("status", json!(status));
        Ok(answer)
    }

    pub(super) fn named_transfer(&self, command: &Value) -> Option<(Uuid, &Transfer)> {
        let id = command["transfer_id"].as_str()?.parse().ok()?;
        self.transfers.get(&id).map(|transfer| (id, transfer))
    }

    fn open_transfer(&self, command: &Value) -> Result<(Uuid, Transfer), Refusal> {
        match self.named_transfer(command) {
            None => Err(Refusal("IV018")),
            Some((_, transfer)) if transfer.status != "IN_TRANSIT" => Err(Refusal("IV019")),
            Some((id, transfer)) => Ok((id, transfer.clone())),
        }
    }

    pub(super) fn receive(&mut self, command: &Value) -> Result<Answer, Refusal> {
        let (id, mut transfer) = self.open_transfer(command)?;
        let named = if command["lines"].is_array() {
            lines(command)
        } else {
            Vec::new()
        };
        if named
            .iter()
            .any(|line| !transfer.lines.contains_key(line["sku"].as_str().unwrap_or_default()))
        {
            return Err(Refusal("IV003"));
        }
        if command["lines"].is_array() && self.mixes_lots(command) {
            return Err(Refusal("IV023"));
        }
        if named.iter().any(|line| line["unit"].is_string()) {
            return Err(Refusal("IV015"));
        }
        let mut answer = Answer::default();
        for (sku, line) in &mut transfer.lines {
            let sum = |field| {
                named
                    .iter()
                    .filter(|named| named["sku"] == json!(sku))
                    .map(|named| count(named, field))
                    .sum::<i64>()
            };
            let (received, broken, mut lost) = if command["lines"].is_array() {
                (sum("received"), sum("damaged"), sum("lost"))
            } else {
                (line.open(), 0, 0)
            };
            if received + broken + lost > line.open() {
                return Err(Refusal("IV001"));
            }
            if command["complete"] == true {
                lost = line.open() - received - broken;
            }
            let key = (sku.clone(), transfer.to.clone());
            let naming = self.naming(command, sku, None);
            let papers = (None, Some(id));
            let arrived = in_transit(-received - broken)
                .plus(on_hand(received))
                .plus(damaged(broken));
            if received + broken > 0 {
                answer
                    .levels
                    .push(self.change_named(naming.clone(), &key, "receive", arrived, papers)?);
            }
            if lost > 0 {
                answer
                    .levels
                    .push(self.change_named(naming, &key, "transfer_loss", in_transit(-lost), papers)?);
            }
            line.received += received;
            line.damaged += broken;
            line.lost += lost;
        }
        Ok(self.after_transfer(id, transfer, "RECEIVED", answer))
    }

    pub(super) fn cancel_transfer(&mut self, command: &Value) -> Result<Answer, Refusal> {
        let (id, mut transfer) = self.open_transfer(command)?;
        let mut answer = Answer::default();
        for (sku, line) in transfer.lines.iter_mut().filter(|(_, line)| line.open() > 0) {
            let open = line.open();
            let ends: [(Key, States); 2] = [
                ((sku.clone(), transfer.to.clone()), in_transit(-open)),
                ((sku.clone(), transfer.from.clone()), on_hand(open)),
            ];
            for (key, deltas) in ends {
                answer
                    .levels
                    .push(self.change(&key, "transfer_cancel", deltas, (None, Some(id)))?);
            }
            line.returned += open;
        }
        Ok(self.after_transfer(id, transfer, "CANCELLED", answer))
    }

    fn after_transfer(&mut self, id: Uuid, mut transfer: Transfer, end: &'static str, mut answer: Answer) -> Answer {
        if transfer.lines.values().all(|line| line.open() == 0) {
            transfer.status = end;
        }
        answer.fields.insert("status", json!(transfer.status));
        answer.fields.insert("transfer_id", json!(id));
        self.transfers.insert(id, transfer);
        answer
    }
}
