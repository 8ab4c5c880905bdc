//! Whether an answer of the inventory, and the ledger rows that came with it, are the right ones.

use super::compare::compare;
use super::lots::Naming;
use super::{Answer, Key, Model, Refusal, Status, is_count_act, is_on_count};
use crate::ledger::{Ledger, Movement};
use crate::send::SESSION;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::{Display, Formatter};
use uuid::Uuid;

/// What became of a command.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    Applied(Value),
    Replayed(Value),
    Refused { code: String, detail: Value },
}

impl Display for Outcome {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Applied(answer) => write!(f, "applied {answer}"),
            Self::Replayed(answer) => write!(f, "replayed {answer}"),
            Self::Refused { code, detail } => write!(f, "{code} {detail}"),
        }
    }
}

/// Operations that name no sku of their own: a reservation or a transfer says what they are about.
pub(super) const ON_PAPERS: [&str; 15] = [
    "confirm",
    "cancel",
    "expire",
    "extend",
    "relocate",
    "receive",
    "cancel_transfer",
    "receive_order",
    "cancel_order",
    "open_count",
    "count_line",
    "approve_count",
    "cancel_count",
    "count",
    "recall",
];

impl Model {
    /// Call it before the commands of each batch.
    pub(crate) fn begin_batch(&mut self, transaction: Option<i64>) {
        self.transaction = transaction;
        self.freed_from.clear();
        self.due_at_start = self
            .holds
            .iter()
            .filter(|(_, hold)| hold.status == Status::Pending && self.is_due(hold))
            .map(|(id, _)| *id)
            .collect();
    }

    /// Writes off what the ledger says ran out on a key by itself: that may happen at any time after the deadline, not before.
    pub(crate) fn absorb(&mut self, key: &Key, ledger: &mut Ledger) -> Result<(), String> {
        let mut ended = BTreeSet::new();
        let next = |ledger: &Ledger| {
            ledger
                .next(key)
                .filter(|(movement, _)| movement.kind == "expire")
                .cloned()
        };
        while let Some((movement, transaction)) = next(ledger) {
            let due = self.due_on(key);
            let Some((_, id)) = due.into_iter().find(|(_, id)| Some(*id) == movement.hold) else {
                return Err(format!("{movement:?} at {key:?} frees what is not due"));
            };
            let version = self.level(key).version;
            // What another transaction wrote off before is a change that this one has not seen.
            if self.transaction.is_none_or(|own| own == transaction) {
                self.freed_from.entry(key.clone()).or_insert(version);
            }
            self.foretold(ledger, |model| {
                model
                    .end_line(id, key, (Status::Expired, 0), ("expire", Naming::default()))
                    .map(|_| ())
            })?;
            ended.insert(id);
        }
        let lot_ended = |(movement, _): &&(Movement, i64)| ["lot_expiry", "recall"].contains(&movement.kind.as_str());
        let writes_off = !self.due_lots(key).is_empty() && ledger.next(key).filter(lot_ended).is_some();
        if !ended.is_empty() || writes_off {
            let version = self.level(key).version;
            let transaction = ledger.next(key).map(|(_, transaction)| *transaction);
            if writes_off && self.transaction.is_none_or(|own| Some(own) == transaction) {
                self.freed_from.entry(key.clone()).or_insert(version);
            }
            self.close_empty(&ended);
            self.foretold(ledger, |model| model.fill(key).map(|_| ()))?;
        }
        Ok(())
    }

    /// Does something and takes the ledger rows that it leads to.
    fn foretold(
        &mut self,
        ledger: &mut Ledger,
        deed: impl FnOnce(&mut Self) -> Result<(), Refusal>,
    ) -> Result<(), String> {
        self.effects.clear();
        deed(self).map_err(|refusal| format!("the model refuses with {}", refusal.0))?;
        ledger.take(&self.effects)
    }

    /// Writes off what is due on a key though no ledger row says so yet, as a decision does that is taken back afterwards.
    pub(super) fn decide(&mut self, command: &Value, id: Uuid) -> Result<Answer, Refusal> {
        self.effects.clear();
        let op = command["op"].as_str().unwrap_or_default();
        if !ON_PAPERS.contains(&op)
            && let Some(fault) = self.name_faults(command).into_iter().next()
        {
            return Err(fault);
        }
        for key in self.touched(command) {
            self.free_due(&key)?;
        }
        self.facts.tell(command["occurred_at"].as_str());
        let mut answer = match op {
            "add" | "remove" | "adjust" | "return" | "quarantine" | "restore" | "write_off" => {
                self.single_places(command)
            }
            "move" => self.move_stock(command),
            "ship" => self.ship(command, id),
            "receive" => self.receive(command),
            "cancel_transfer" => self.cancel_transfer(command),
            "reserve" => self.reserve(command, id),
            "order" => self.place_order(command, id),
            "receive_order" => self.receive_order(command),
            "cancel_order" => self.cancel_order(command),
            "recall" => self.recall(command),
            _ if is_on_count(command) => self.count(command, id),
            "extend" => self.extend(command),
            "relocate" => self.relocate(command),
            "expire" => self.expired(command).map_or_else(|| self.close(command), Ok),
            _ => self.close(command),
        }?;
        let changed: BTreeSet<Key> = self.effects.iter().map(|(key, _)| key.clone()).collect();
        for key in changed {
            if self.fill(&key)?
                && let Some(entry) = answer.levels.iter_mut().rev().find(|entry| entry.key == key)
            {
                entry.level = self.levels[&key].clone();
            }
        }
        self.facts.tell(None);
        Ok(answer)
    }

    /// The answer to `expire` for a reservation that ran out in this very batch: what was asked for has been done.
    fn expired(&self, command: &Value) -> Option<Answer> {
        let (id, hold) = self.named_hold(command)?;
        let done = hold.status == Status::Expired && self.due_at_start.contains(&id);
        done.then(|| Answer {
            levels: Vec::new(),
            fields: [("reservation_id", json!(id)), ("status", json!("EXPIRED"))].into(),
        })
    }

    /// Compares an outcome with what the rules say, and follows it.
    pub(crate) fn judge(
        &mut self,
        caller: &str,
        command: &Value,
        outcome: &Outcome,
        ledger: &mut Ledger,
    ) -> Result<(), String> {
        // By its function, whoever sends it: the keys are those of the session.
        let caller = if is_count_act(command) { SESSION } else { caller };
        let key = command["idempotency_key"]
            .as_str()
            .map(|key| (caller.to_owned(), key.to_owned()));
        if let Some((request, answer)) = key.as_ref().and_then(|key| self.answers.get(key)) {
            return match outcome {
                Outcome::Replayed(found) if request == command && found == answer => Ok(()),
                Outcome::Refused { code, .. } if request != command && code == "IV007" => Ok(()),
                _ => Err(format!("{request} was answered with {answer}; now: {outcome}")),
            };
        }
        let (request, command) = (command, &self.in_base_units(command));
        for key in self.touched(command) {
            self.absorb(&key, ledger)?;
        }
        let mut next = self.clone();
        match (next.decide(command, made_id(command, outcome)), outcome) {
            (Ok(answer), Outcome::Applied(found)) => {
                compare(&answer, found, (command, caller == SESSION))?;
                ledger.take(&next.effects)?;
                next.serials.date(&ledger.recorded);
                next.learn_counted(command, found);
                if let Some(key) = key {
                    next.answers.insert(key, (request.clone(), found.clone()));
                }
                *self = next;
                self.forget_freed();
                Ok(())
            }
            (Ok(_), Outcome::Refused { code, .. }) if code == "IV002" && command["op"] == "expire" => Ok(()),
            (Err(refusal), Outcome::Refused { code, detail }) => {
                let possible = self.possible_refusals(command);
                if code != refusal.0 && !possible.contains(code.as_str()) {
                    return Err(format!("refused with {code} {detail}, not {}", refusal.0));
                }
                self.check_detail(command, code, detail)
            }
            (verdict, _) => Err(format!("should be {}", describe(&verdict))),
        }
    }

    /// Versions from before due holds were freed are stale on the keys that a command has changed since.
    fn forget_freed(&mut self) {
        for (key, _) in std::mem::take(&mut self.effects) {
            self.freed_from.remove(&key);
        }
    }
}

/// The id that the inventory gave to what a command made.
fn made_id(command: &Value, outcome: &Outcome) -> Uuid {
    let made = match outcome {
        Outcome::Applied(answer) if command["op"] == "ship" => &answer["transfer_id"],
        Outcome::Applied(answer) if command["op"] == "order" => &answer["purchase_order_id"],
        Outcome::Applied(answer) if command["op"] == "open_count" => &answer["count_id"],
        Outcome::Applied(answer) if command["reservation_id"].is_null() => &answer["reservation_id"],
        _ => &command["reservation_id"],
    };
    made.as_str()
        .and_then(|id| id.parse().ok())
        .unwrap_or_else(Uuid::now_v7)
}

fn describe(verdict: &Result<Answer, Refusal>) -> String {
    match verdict {
        Ok(answer) => format!("accepted: {answer:?}"),
        Err(refusal) => format!("refused with {}", refusal.0),
    }
}
