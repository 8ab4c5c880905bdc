//! Events as commands, and what to ask for next when a command was refused.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use onhand_db::{ErrorCode, Refusal};
use serde_json::{Value, json};
use uuid::Uuid;

use super::feed::{Body, Event};
use super::invoice::Invoice;
use super::levels::Levels;
use super::mark::OnShort;
use super::rules::{self, Kind};

/// Most lines that one command may have.
const MOST_LINES: usize = 1_000;
/// How often one request is cut down. Only another writer at the same rows makes a second time necessary, and within
/// the transaction of a batch the rows stay locked.
const MOST_ROUNDS: u8 = 5;
/// Name space of reservation ids: the same invoice has the same reservation at every run.
const RESERVATIONS: Uuid = Uuid::from_u128(0x6f0c_1e5b_7d0a_4d8e_9a51_0d2c_37f4_b1e6);

/// Under which names commands of one import go.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    /// Where the stock is.
    pub(crate) location: String,
    /// Begin of every idempotency key: data set and location.
    prefix: String,
}

impl Names {
    pub(crate) fn new(dataset: &str, location: &str) -> Self {
        Self {
            location: location.to_owned(),
            prefix: format!("{dataset}:{location}"),
        }
    }

    /// Id of a reservation of this invoice.
    pub(crate) fn reservation(&self, invoice: &str, part: usize) -> Uuid {
        Uuid::new_v5(&RESERVATIONS, format!("{}:{invoice}:{part}", self.prefix).as_bytes())
    }
}

/// What a command is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Task {
    /// Opening stock or a replenishment.
    Receipt,
    /// Goods of a cancellation.
    Return,
    /// The reservation of an invoice.
    Sale {
        /// Chosen id.
        id: Uuid,
        /// Who bought.
        owner: Option<String>,
    },
    /// One line that takes goods out of the books, or puts them in.
    Adjust {
        /// Number of the line.
        line: u64,
        /// Whether goods are found rather than lost.
        found: bool,
    },
}

/// A command to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attempt {
    /// Position of the event in the batch.
    pub(crate) event: usize,
    pub(crate) task: Task,
    /// What the file asks for, by sku, positive.
    pub(crate) wanted: Vec<(String, i64)>,
    /// What this command asks for.
    pub(crate) asked: Vec<(String, i64)>,
    /// Idempotency key of the request that is not cut down.
    key: String,
    reason: Option<String>,
    reference: String,
    at: Timestamp,
    round: u8,
    /// Whether nothing is expected to be there at its turn. A refusal is its last word then: what comes in later in
    /// the same batch belongs to those who ask later.
    hopeless: bool,
}

impl Attempt {
    /// What ties the movements of this request to it, cut down or not.
    pub(crate) fn correlation(&self, names: &Names) -> String {
        format!("{}:{}", names.prefix, self.key)
    }

    /// The command as the database takes it.
    pub(crate) fn command(&self, names: &Names) -> Value {
        let sign = if matches!(self.task, Task::Adjust { found: false, .. }) {
            -1
        } else {
            1
        };
        let lines: Vec<Value> = self
            .asked
            .iter()
            .map(|(sku, units)| json!({"sku": sku, "location": names.location, "quantity": units.saturating_mul(sign)}))
            .collect();
        let cut = if self.asked == self.wanted { "" } else { "/partial" };
        let key = self.correlation(names);
        let again = if self.round > 0 {
            format!("/{}", self.round)
        } else {
            String::new()
        };
        let mut command = json!({
            "op": match self.task {
                Task::Receipt | Task::Return => "add",
                Task::Sale { .. } => "reserve",
                Task::Adjust { .. } => "adjust",
            },
            "lines": lines,
            "idempotency_key": format!("{key}{cut}{again}"),
            "correlation_id": key,
            "reference": self.reference,
            "occurred_at": self.at.to_string(),
        });
        if let Some(reason) = &self.reason {
            set(&mut command, "reason", json!(reason));
        }
        if let Task::Sale { id, owner } = &self.task {
            set(&mut command, "reservation_id", json!(id));
            if let Some(owner) = owner {
                set(&mut command, "owner", json!(owner));
            }
        }
        command
    }

    /// The command that turns the reservation into a sale.
    pub(crate) fn confirmation(&self, names: &Names) -> Option<Value> {
        let Task::Sale { id, .. } = &self.task else { return None };
        let key = self.correlation(names);
        Some(json!({
            "op": "confirm",
            "reservation_id": id,
            "idempotency_key": format!("{key}/confirm"),
            "correlation_id": key,
            "reference": self.reference,
            "occurred_at": self.at.to_string(),
        }))
    }

    /// What to ask for after a refusal; nothing if that is its last word.
    pub(crate) fn again(mut self, refusal: &Refusal, levels: &Levels, on_short: OnShort) -> Vec<Self> {
        self.round = self.round.saturating_add(1);
        if self.round > MOST_ROUNDS {
            return Vec::new();
        }
        let takes = match self.task {
            Task::Sale { .. } => on_short == OnShort::Partial,
            Task::Adjust { found, .. } => !found,
            Task::Receipt | Task::Return => return self.one_by_one(),
        };
        if !takes {
            return Vec::new();
        }
        let before = self.asked.clone();
        if refusal.code == ErrorCode::InsufficientStock {
            if self.hopeless {
                return Vec::new();
            }
            self.cut_down(levels);
        } else {
            // Something about one item, such as that it is archived: the others need not suffer for it.
            let named = refusal.detail.get("sku").and_then(Value::as_str).unwrap_or_default();
            self.asked.retain(|(sku, _)| sku != named);
        }
        if self.asked.is_empty() || self.asked == before {
            Vec::new()
        } else {
            vec![self]
        }
    }

    /// Asks for no more than is there.
    fn cut_down(&mut self, levels: &Levels) {
        self.asked = self
            .asked
            .iter()
            .map(|(sku, units)| (sku.clone(), levels.available(sku).min(*units)))
            .filter(|(_, units)| *units > 0)
            .collect();
    }

    /// A command of many lines is all or nothing; the good ones among them go by themselves.
    fn one_by_one(self) -> Vec<Self> {
        if self.asked.len() < 2 {
            return Vec::new();
        }
        let single = |(sku, units): &(String, i64)| Self {
            wanted: vec![(sku.clone(), *units)],
            asked: vec![(sku.clone(), *units)],
            key: format!("{}:{sku}", self.key),
            ..self.clone()
        };
        self.asked.iter().map(single).collect()
    }
}

fn set(command: &mut Value, field: &str, value: Value) {
    if let Some(fields) = command.as_object_mut() {
        fields.insert(field.to_owned(), value);
    }
}

/// The commands of a batch of events, in order. Expected effects are counted into the levels.
pub(crate) fn first_round(events: &[Event], names: &Names, levels: &mut Levels, on_short: OnShort) -> Vec<Attempt> {
    let mut attempts = Vec::new();
    for (position, event) in events.iter().enumerate() {
        match &event.body {
            Body::Receipts(day, receipts) => {
                let at = TimeZone::UTC
                    .to_timestamp(day.to_datetime(jiff::civil::Time::midnight()))
                    .unwrap_or_default();
                for (reason, lines) in [
                    ("opening stock", &receipts.opening),
                    ("replenishment", &receipts.replenishment),
                ] {
                    for (part, lines) in lines.chunks(MOST_LINES).enumerate() {
                        let name = reason.replace(' ', "-");
                        attempts.push(Attempt {
                            event: position,
                            task: Task::Receipt,
                            wanted: lines.to_vec(),
                            asked: lines.to_vec(),
                            key: format!("{name}:{day}:{part}"),
                            reason: Some(reason.to_owned()),
                            reference: format!("{name}-{day}"),
                            at,
                            round: 0,
                            hopeless: false,
                        });
                    }
                }
            }
            Body::Invoice(invoice) => attempts.extend(of_invoice(position, invoice, names)),
        }
    }
    for attempt in &mut attempts {
        shape(attempt, levels, on_short);
    }
    attempts
}

fn of_invoice(event: usize, invoice: &Invoice, names: &Names) -> Vec<Attempt> {
    let key = invoice.key();
    let attempt = |task, lines: Vec<(String, i64)>, key, reason| Attempt {
        event,
        task,
        asked: lines.clone(),
        wanted: lines,
        key,
        reason,
        reference: invoice.number.clone(),
        at: invoice.at,
        round: 0,
        hopeless: false,
    };
    let parts = |kind| {
        let lines: Vec<(String, i64)> = invoice
            .units(kind)
            .into_iter()
            .map(|(sku, units)| (sku.to_owned(), units))
            .collect();
        lines
            .chunks(MOST_LINES)
            .map(<[_]>::to_vec)
            .enumerate()
            .collect::<Vec<_>>()
    };
    let mut attempts = Vec::new();
    for (part, lines) in parts(Kind::Sale) {
        let task = Task::Sale {
            id: names.reservation(&key, part),
            owner: invoice.customer.clone(),
        };
        attempts.push(attempt(task, lines, format!("{key}:{part}"), None));
    }
    for (part, lines) in parts(Kind::Return) {
        attempts.push(attempt(
            Task::Return,
            lines,
            format!("{key}:return-{part}"),
            Some("return".to_owned()),
        ));
    }
    for line in invoice
        .lines
        .iter()
        .filter(|line| matches!(line.kind, Kind::WriteOff | Kind::WriteOn))
    {
        let task = Task::Adjust {
            line: line.number,
            found: line.kind == Kind::WriteOn,
        };
        let lines = vec![(line.sku.clone(), line.quantity.saturating_abs())];
        let reason = rules::reason(line.kind, &line.description);
        attempts.push(attempt(
            task,
            lines,
            format!("{key}:adjust-{}", line.number),
            Some(reason),
        ));
    }
    attempts
}

/// Cuts a request down to what will be there at its turn, and counts in what it does. A request that would come to
/// nothing goes out as it is: that nothing is there is for the database to say.
fn shape(attempt: &mut Attempt, levels: &mut Levels, on_short: OnShort) {
    let takes = match attempt.task {
        Task::Sale { .. } => true,
        Task::Adjust { found, .. } => !found,
        Task::Receipt | Task::Return => false,
    };
    if !takes {
        attempt.asked.iter().for_each(|(sku, units)| levels.expect(sku, *units));
        return;
    }
    let whole = attempt.asked.iter().all(|(sku, units)| levels.available(sku) >= *units);
    let may_cut = on_short == OnShort::Partial || matches!(attempt.task, Task::Adjust { .. });
    if !whole && may_cut {
        attempt.cut_down(levels);
    }
    if attempt.asked.is_empty() {
        attempt.hopeless = true;
        attempt.asked.clone_from(&attempt.wanted);
    } else if whole || may_cut {
        attempt
            .asked
            .iter()
            .for_each(|(sku, units)| levels.expect(sku, units.saturating_neg()));
    }
}

#[cfg(test)]
#[path = "attempt_tests.rs"]
mod tests;
