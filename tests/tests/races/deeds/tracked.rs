//! Units with serial numbers, and lots that have ended.

use super::super::world::World;
use super::{Deed, carry, commands, on, statement, with};
use serde_json::{Value, json};

/// S: s1, s2 and s3 at W1, one of them reserved, s2 by its number; s0 was sold.
pub(super) fn serials() -> Vec<Deed> {
    vec![
        commands("receive a unit", "s", |w| unit("add", w, "W1", "s9")),
        commands("receive it elsewhere", "s", |w| unit("add", w, "W2", "s9")),
        commands("sell a unit", "s", |w| unit("remove", w, "W1", "s1")),
        commands("write a unit off", "s", |w| {
            let fields = json!({"serials": ["s1"], "state": "on_hand", "reason": "broken"});
            json!([with(on("write_off", w.key("S", "W1"), 1), fields)])
        }),
        commands("quarantine a unit", "s", |w| unit("quarantine", w, "W1", "s1")),
        commands(
            "carry a unit away",
            "s",
            |w| json!([{"op": "move", "sku": w.name("S"), "from": w.name("W1"), "to": w.name("W2"), "quantity": 1, "serials": ["s1"]}]),
        ),
        commands("reserve a unit", "s", |w| unit("reserve", w, "W1", "s1")),
        commands(
            "sell whichever unit",
            "s",
            |w| json!([{"op": "confirm", "reservation_id": w.id("any unit")}]),
        ),
        commands("take a unit back", "s", |w| unit("return", w, "W1", "s0")),
        commands("take it back elsewhere", "s", |w| unit("return", w, "W2", "s0")),
    ]
}

fn unit(op: &str, w: &World, place: &str, serial: &str) -> Value {
    json!([with(on(op, w.key("S", place), 1), json!({"serials": [serial]}))])
}

/// X: 10 of lot x1 and 5 of x2 at W1; x2 has ended and nobody has written so, 2 of it are reserved.
pub(super) fn ended_lots() -> Vec<Deed> {
    vec![
        statement("expire lots", "e", |_| "select api.expire_lots()".to_owned()),
        commands("reserve of what lasts", "e", |w| {
            json!([on("reserve", w.key("X", "W1"), 8)])
        }),
        commands("reserve of what ended", "e", |w| of_lot("reserve", w, "x2", 1)),
        commands("remove of what lasts", "e", |w| of_lot("remove", w, "x1", 9)),
        commands("receive of what ended", "e", |w| of_lot("add", w, "x2", 3)),
        commands("write off what ended", "e", |w| {
            json!([with(
                on("write_off", w.key("X", "W1"), 2),
                json!({"lot": "x2", "reason": "too old"})
            )])
        }),
        commands("carry what lasts away", "e", |w| carry("move", w, "X", ("W1", "W2"), 7)),
        commands(
            "cancel what ended",
            "e",
            |w| json!([{"op": "cancel", "reservation_id": w.id("ended")}]),
        ),
        commands(
            "confirm what ended",
            "e",
            |w| json!([{"op": "confirm", "reservation_id": w.id("ended")}]),
        ),
    ]
}

fn of_lot(op: &str, w: &World, lot: &str, quantity: i64) -> Value {
    json!([with(on(op, w.key("X", "W1"), quantity), json!({"lot": lot}))])
}
