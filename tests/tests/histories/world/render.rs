//! How the numbers of a history become commands.

use super::{World, pick};
use crate::model::{HALF_A_MINUTE, is_on_count};
use crate::script::{BY_LOT, Command, Line, Op};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

impl World {
    /// A command as it is sent.
    pub(crate) fn render(&mut self, command: &Command) -> Value {
        self.sent += 1;
        let mut body = self.body(&command.op);
        // The acts on a count have none.
        if !["count_line", "approve_count", "cancel_count"].contains(&body["op"].as_str().unwrap_or_default()) {
            body["reference"] = json!(format!("{} {}", self.tag, self.sent));
        }
        if let Some(back) = command.late.filter(|_| !is_on_count(&body)) {
            body["occurred_at"] = json!(self.moment(back));
        }
        if let Some(key) = command.key {
            body["idempotency_key"] = json!(format!("{} key {key}", self.tag));
        }
        let single = body["lines"].is_null() && body["location"].is_string();
        let compares = ["add", "remove", "adjust", "reserve"].contains(&body["op"].as_str().unwrap_or_default());
        if let Some(back) = command.expected.filter(|_| single && compares) {
            let key = (
                body["sku"].as_str().unwrap_or_default().to_owned(),
                body["location"].as_str().unwrap_or_default().to_owned(),
            );
            let version = self.versions.get(&key).copied().unwrap_or_default();
            body["expected_version"] = json!((version - i64::from(back)).max(0));
        }
        if command.key.is_some() {
            self.requests.push(body.clone());
        }
        body
    }

    /// The moment so many before the last.
    pub(super) fn moment(&self, back: u8) -> &str {
        let back = usize::from(back) % self.moments.len().max(1);
        &self.moments[self.moments.len() - 1 - back]
    }

    fn body(&self, op: &Op) -> Value {
        match op {
            Op::Change { op, lines, state } => {
                let mut body = self.with_lines(json!({"op": op}), lines, true);
                if ["adjust", "write_off"].contains(op) {
                    body["reason"] = json!("a history");
                }
                if let Some(state) = state {
                    body["state"] = json!(state);
                }
                if *op == "add" {
                    self.tell_expiries(&mut body, lines);
                }
                body
            }
            Op::Carry { op, from, to, lines } => {
                let body = json!({"op": op, "from": self.place(*from), "to": self.place(*to)});
                self.with_lines(body, lines, false)
            }
            Op::Receive {
                transfer,
                lines,
                complete,
            } => self.receipt(*transfer, lines.as_deref(), *complete),
            Op::CancelTransfer { transfer } => {
                json!({"op": "cancel_transfer", "transfer_id": pick(&self.transfers, *transfer)})
            }
            Op::Reserve { .. } => self.reserve(op),
            Op::Recall { lot } => json!({"op": "recall", "sku": self.sku(BY_LOT), "lot": format!("L{lot}")}),
            Op::Order { .. } | Op::ReceiveOrder { .. } | Op::CancelOrder { .. } => self.order(op),
            Op::OpenCount { .. }
            | Op::CountLine { .. }
            | Op::ApproveCount { .. }
            | Op::CancelCount { .. }
            | Op::PostCount { .. } => self.count(op),
            _ => self.hold(op),
        }
    }

    fn tell_expiries(&self, body: &mut Value, lines: &[Line]) {
        match (lines, body.get_mut("lines").and_then(Value::as_array_mut)) {
            (lines, Some(bodies)) => {
                for (line, body) in lines.iter().zip(bodies) {
                    self.tell_expiry(body, line);
                }
            }
            ([line], None) => self.tell_expiry(body, line),
            _ => {}
        }
    }

    pub(super) fn tell_expiry(&self, body: &mut Value, line: &Line) {
        if let Some(minutes) = line.lot.as_ref().and_then(|lot| lot.minutes) {
            let after = minutes * 60_000 - HALF_A_MINUTE + i64::from(self.sent);
            let at = Timestamp::from_millisecond(self.begun + after).expect("an instant near now");
            // Always as many digits, so that the order of the texts is that of the instants.
            body["lot_expires_at"] = json!(format!("{at:.3}"));
        }
    }

    fn hold(&self, op: &Op) -> Value {
        match op {
            Op::Confirm { hold, part } => {
                let mut body = self.on_hold("confirm", *hold);
                if let Some(lines) = part {
                    body["lines"] = lines.iter().map(|line| self.line(line, true)).collect();
                }
                body
            }
            Op::Cancel { hold } => self.on_hold("cancel", *hold),
            Op::Expire { hold } => self.on_hold("expire", *hold),
            Op::Extend { hold, minutes } => {
                let mut body = self.on_hold("extend", *hold);
                body["expires_in_seconds"] = json!(minutes * 60 - 30);
                body
            }
            Op::Relocate { hold, to, from, item } => {
                let mut body = self.on_hold("relocate", *hold);
                body["to"] = json!(self.place(*to));
                if let Some(from) = from {
                    body["from"] = json!(self.place(*from));
                }
                if let Some(item) = item {
                    body["sku"] = json!(self.sku(*item));
                }
                body
            }
            _ => Value::Null,
        }
    }

    fn on_hold(&self, op: &str, hold: u8) -> Value {
        json!({"op": op, "reservation_id": pick(&self.holds, hold)})
    }

    pub(super) fn line(&self, line: &Line, with_place: bool) -> Value {
        let mut body = json!({"sku": self.sku(line.item), "quantity": line.quantity});
        if with_place {
            body["location"] = json!(self.place(line.place));
        }
        if let Some(unit) = line.unit {
            body["unit"] = json!(unit);
        }
        if let Some(lot) = &line.lot {
            body["lot"] = json!(format!("L{}", lot.code));
        }
        if !line.serials.is_empty() {
            let serials = line.serials.iter().map(|unit| json!(format!("U{unit:02}")));
            body["serials"] = serials.collect();
        }
        body
    }

    /// One line stands in the command itself, several in an array.
    fn with_lines(&self, mut body: Value, lines: &[Line], with_place: bool) -> Value {
        if let [line] = lines {
            for (field, value) in self.line(line, with_place).as_object().into_iter().flatten() {
                body[field] = value.clone();
            }
        } else {
            body["lines"] = lines.iter().map(|line| self.line(line, with_place)).collect();
        }
        body
    }

    fn reserve(&self, op: &Op) -> Value {
        let Op::Reserve {
            lines,
            minutes,
            id,
            owner,
            partial,
            replace,
            strategy,
        } = op
        else {
            return Value::Null;
        };
        let mut body = self.with_lines(json!({"op": "reserve"}), lines, strategy.is_none());
        body["expires_in_seconds"] = json!(minutes * 60 - 30);
        if let Some(id) = id {
            body["reservation_id"] = json!(Uuid::new_v5(
                &Uuid::NAMESPACE_OID,
                format!("{} {id}", self.tag).as_bytes()
            ));
        }
        if let Some(owner) = owner {
            body["owner"] = json!(format!("{} owner {owner}", self.tag));
        }
        for (field, wanted) in [("partial", partial), ("replace", replace)] {
            if *wanted {
                body[field] = json!(true);
            }
        }
        if let Some((strategy, places)) = strategy {
            body["strategy"] = json!(strategy);
            // Always given: without them places of other histories in this database would do, too.
            let places = if *strategy == "nearest" {
                places.as_slice()
            } else {
                &[0, 1, 2]
            };
            body["locations"] = places.iter().map(|place| json!(self.place(*place))).collect();
        }
        body
    }
}
