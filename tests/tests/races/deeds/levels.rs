//! What happens to the states of a level, where reservations find stock by themselves, and deliveries of an order.

use super::super::world::World;
use super::{Deed, commands, on, with};
use serde_json::{Value, json};

/// From on hand to damaged, back, and off the books.
pub(super) fn states() -> Vec<Deed> {
    vec![
        commands("return", "d", |w| json!([on("return", w.key("P", "W1"), 3)])),
        commands("return what is broken", "d", |w| {
            json!([with(on("return", w.key("P", "W1"), 2), json!({"state": "damaged"}))])
        }),
        commands("restore", "d", |w| json!([on("restore", w.key("P", "W1"), 2)])),
        commands("write off", "d", |w| {
            json!([with(on("write_off", w.key("P", "W1"), 2), json!({"reason": "broken"}))])
        }),
        commands("write off from the shelf", "d", |w| {
            let fields = json!({"state": "on_hand", "reason": "lost"});
            json!([with(on("write_off", w.key("P", "W1"), 3), fields)])
        }),
    ]
}

/// Five can be had at each of W1 and W2, none at W3.
pub(super) fn strategies() -> Vec<Deed> {
    vec![
        commands("reserve by priority", "d", |w| reserve(w, "priority", 8)),
        commands("reserve nearest", "d", |w| reserve(w, "nearest", 7)),
        commands("reserve in one place", "d", |w| reserve(w, "fewest_splits", 5)),
    ]
}

fn reserve(w: &World, strategy: &str, quantity: i64) -> Value {
    json!([{"op": "reserve", "sku": w.name("P"), "quantity": quantity, "strategy": strategy,
        "locations": [w.name("W2"), w.name("W1"), w.name("W3")]}])
}

/// Five of P are on order.
pub(super) fn orders() -> Vec<Deed> {
    vec![
        commands(
            "receive all that is open",
            "r",
            |w| json!([{"op": "receive_order", "purchase_order_id": w.order}]),
        ),
        commands("receive more than was ordered", "r", |w| {
            let line = json!({"sku": w.name("P"), "received": 6, "damaged": 1});
            json!([{"op": "receive_order", "purchase_order_id": w.order, "lines": [line]}])
        }),
    ]
}
