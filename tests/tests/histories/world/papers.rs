//! How what a history says of transfers, orders and counts becomes commands.

use super::{World, pick};
use crate::script::{BY_LOT, Line, Op};
use serde_json::{Value, json};

impl World {
    pub(super) fn order(&self, op: &Op) -> Value {
        match op {
            Op::Order {
                known_supplier,
                place,
                lines,
            } => {
                // Which lots will come is not known yet.
                let bare = |line: &Line| Line {
                    lot: None,
                    ..line.clone()
                };
                let lines: Vec<Value> = lines.iter().map(|line| self.line(&bare(line), false)).collect();
                json!({"op": "order", "supplier": self.supplier(*known_supplier), "location": self.place(*place), "lines": lines})
            }
            Op::ReceiveOrder { order, lines } => {
                let mut body = json!({"op": "receive_order", "purchase_order_id": pick(&self.orders, *order)});
                if let Some(lines) = lines {
                    body["lines"] = lines
                        .iter()
                        .map(|(line, damaged)| {
                            let mut body = self.arrival(line, *damaged);
                            self.tell_expiry(&mut body, line);
                            body
                        })
                        .collect();
                }
                body
            }
            Op::CancelOrder { order } => {
                json!({"op": "cancel_order", "purchase_order_id": pick(&self.orders, *order)})
            }
            _ => Value::Null,
        }
    }

    /// A line of what arrived, in its unit.
    fn arrival(&self, line: &Line, damaged: i64) -> Value {
        let mut body = self.line(line, false);
        body["received"] = json!(line.quantity % 9 + 1);
        body["damaged"] = json!(damaged);
        if let Some(fields) = body.as_object_mut() {
            fields.remove("quantity");
        }
        body
    }

    pub(super) fn count(&self, op: &Op) -> Value {
        match op {
            Op::OpenCount { place, items } => {
                let skus: Vec<String> = items.iter().map(|item| self.sku(*item)).collect();
                json!({"op": "open_count", "location": self.place(*place), "skus": skus})
            }
            Op::CountLine {
                count,
                item,
                counted,
                ago,
                lot,
            } => {
                let count = pick(&self.counts, *count);
                let mut body =
                    json!({"op": "count_line", "count_id": count, "sku": self.sku(*item), "counted": counted});
                if *item == BY_LOT {
                    body["lot"] = json!(format!("L{lot}"));
                }
                if let Some(back) = ago {
                    body["counted_at"] = json!(self.moment(*back));
                }
                body
            }
            Op::ApproveCount { count } => json!({"op": "approve_count", "count_id": pick(&self.counts, *count)}),
            Op::CancelCount { count } => json!({"op": "cancel_count", "count_id": pick(&self.counts, *count)}),
            Op::PostCount { count } => json!({"op": "count", "count_id": pick(&self.counts, *count)}),
            _ => Value::Null,
        }
    }

    pub(super) fn receipt(&self, transfer: u8, lines: Option<&[(Line, i64, i64)]>, complete: bool) -> Value {
        let mut body = json!({"op": "receive", "transfer_id": pick(&self.transfers, transfer)});
        if let Some(lines) = lines {
            body["lines"] = lines
                .iter()
                .map(|(line, damaged, lost)| {
                    let mut body = self.arrival(line, *damaged);
                    body["received"] = if line.serials.is_empty() {
                        json!(line.quantity % 6 + 1)
                    } else {
                        // What is named for all three.
                        json!((line.quantity - damaged - lost).max(0))
                    };
                    body["lost"] = json!(lost);
                    body
                })
                .collect();
        }
        if complete {
            body["complete"] = json!(true);
        }
        body
    }
}
