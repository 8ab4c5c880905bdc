//! Purchase orders: placed, received in deliveries, called off.

use super::lines::{count, lines, text};
use super::lots::Naming;
use super::{Answer, Entry, Key, LIMIT, Model, Order, OrderLine, Refusal, States};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

fn incoming(quantity: i64) -> States {
    States {
        incoming: quantity,
        ..States::default()
    }
}

impl OrderLine {
    fn open(&self) -> i64 {
        (self.ordered - self.received - self.damaged - self.cancelled).max(0)
    }
}

impl Model {
    pub(super) fn place_order(&mut self, command: &Value, id: Uuid) -> Result<Answer, Refusal> {
        let mut order = Order {
            place: text(&command["location"]).unwrap_or_default(),
            status: "OPEN",
            lines: BTreeMap::new(),
        };
        let mut answer = Answer::default();
        let goods: BTreeMap<String, i64> = self
            .demand(command)
            .into_iter()
            .map(|((sku, _), quantity)| (sku, quantity))
            .collect();
        for (sku, ordered) in goods {
            let key = (sku.clone(), order.place.clone());
            let entry = self.change(&key, "expect", incoming(ordered), (None, None))?;
            answer.levels.push(Entry {
                quantity: Some(ordered),
                ..entry
            });
            let line = OrderLine {
                ordered,
                ..OrderLine::default()
            };
            order.lines.insert(sku, line);
        }
        Ok(self.after_order(id, order, "OPEN", answer))
    }

    pub(super) fn named_order(&self, command: &Value) -> Option<(Uuid, &Order)> {
        let id = command["purchase_order_id"].as_str()?.parse().ok()?;
        self.orders.get(&id).map(|order| (id, order))
    }

    /// The keys of what a command names of an order, all of it if it names nothing.
    pub(super) fn order_keys(&self, command: &Value) -> Vec<Key> {
        let Some((_, order)) = self.named_order(command) else {
            return Vec::new();
        };
        let names =
            |sku: &String| !command["lines"].is_array() || lines(command).iter().any(|line| line["sku"] == json!(sku));
        let named = order.lines.keys().filter(|sku| names(sku));
        named.map(|sku| (sku.clone(), order.place.clone())).collect()
    }

    fn open_order(&self, command: &Value) -> Result<(Uuid, Order), Refusal> {
        match self.named_order(command) {
            None => Err(Refusal("IV029")),
            Some((_, order)) if order.status != "OPEN" => Err(Refusal("IV030")),
            Some((id, order)) => Ok((id, order.clone())),
        }
    }

    pub(super) fn receive_order(&mut self, command: &Value) -> Result<Answer, Refusal> {
        let (id, mut order) = self.open_order(command)?;
        let mut answer = Answer::default();
        for ((sku, lot), received, damaged) in arrived(command, &order)? {
            let of_lot = |line: &&Value| line["sku"] == json!(sku) && text(&line["lot"]) == lot;
            let told = lines(command)
                .into_iter()
                .filter(of_lot)
                .filter_map(|line| text(&line["lot_expires_at"]))
                .min();
            let naming = Naming {
                lot: lot.clone(),
                expires: told.map(|told| (told.clone(), self.end_told(&told))),
                moved: None,
                serials: None,
            };
            let line = order.lines.get_mut(&sku).expect("a line of an order");
            if (line.received + received).max(line.damaged + damaged) > LIMIT {
                return Err(Refusal("IV012"));
            }
            let deltas = States {
                on_hand: received,
                damaged,
                ..incoming(-line.open().min(received + damaged))
            };
            line.received += received;
            line.damaged += damaged;
            let key = (sku, order.place.clone());
            let entry = self.change_named(naming, &key, "order_receipt", deltas, (None, None))?;
            answer.levels.push(Entry {
                quantity: Some(received + damaged),
                ..entry
            });
        }
        Ok(self.after_order(id, order, "RECEIVED", answer))
    }

    pub(super) fn cancel_order(&mut self, command: &Value) -> Result<Answer, Refusal> {
        let (id, mut order) = self.open_order(command)?;
        let mut answer = Answer::default();
        for (sku, line) in order.lines.iter_mut().filter(|(_, line)| line.open() > 0) {
            let open = line.open();
            let key = (sku.clone(), order.place.clone());
            let entry = self.change(&key, "order_cancel", incoming(-open), (None, None))?;
            answer.levels.push(Entry {
                quantity: Some(open),
                ..entry
            });
            line.cancelled += open;
        }
        Ok(self.after_order(id, order, "CANCELLED", answer))
    }

    fn after_order(&mut self, id: Uuid, mut order: Order, end: &'static str, mut answer: Answer) -> Answer {
        if order.lines.values().all(|line| line.open() == 0) {
            order.status = end;
        }
        answer.fields.insert("status", json!(order.status));
        answer.fields.insert("purchase_order_id", json!(id));
        self.orders.insert(id, order);
        answer
    }
}

/// A sku and perhaps a lot.
type Goods = (String, Option<String>);

/// What a command says has arrived of each item and lot, received and damaged; without lines all that is open, in order.
fn arrived(command: &Value, order: &Order) -> Result<Vec<(Goods, i64, i64)>, Refusal> {
    if !command["lines"].is_array() {
        let open = order.lines.iter().filter(|(_, line)| line.open() > 0);
        return Ok(open.map(|(sku, line)| ((sku.clone(), None), line.open(), 0)).collect());
    }
    // What has no lot comes after what has one.
    let mut sums: BTreeMap<(String, bool, Option<String>), (i64, i64)> = BTreeMap::new();
    for line in lines(command) {
        let sku = text(&line["sku"]).unwrap_or_default();
        if !order.lines.contains_key(&sku) {
            return Err(Refusal("IV003"));
        } else if line["unit"].is_string() {
            return Err(Refusal("IV015"));
        }
        let lot = text(&line["lot"]);
        let sum = sums.entry((sku, lot.is_none(), lot)).or_default();
        sum.0 += count(line, "received");
        sum.1 += count(line, "damaged");
    }
    let arrived = sums.into_iter();
    Ok(arrived
        .map(|((sku, _, lot), (received, damaged))| ((sku, lot), received, damaged))
        .collect())
}
