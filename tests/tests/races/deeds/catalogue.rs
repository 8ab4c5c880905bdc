//! Bundles and units while their stock is written, items that become something else, and the policies of levels to come.

use super::super::world::World;
use super::{Deed, commands, on, statement, with};
use serde_json::json;

/// K: two of M and one of N, of which 20 and 10 are at W1; one K is reserved. A box is four of M.
pub(super) fn bundles() -> Vec<Deed> {
    vec![
        commands("reserve bundles", "b", |w| json!([on("reserve", w.key("K", "W1"), 3)])),
        commands("sell bundles", "b", |w| json!([on("remove", w.key("K", "W1"), 7)])),
        commands(
            "confirm a bundle",
            "b",
            |w| json!([{"op": "confirm", "reservation_id": w.id("bundle")}]),
        ),
        statement("another bundle", "b", |w| {
            let parts = json!([{"sku": w.name("M"), "quantity": 1}]);
            format!("select from api.set_bundle('{}', '{parts}')", w.name("K"))
        }),
        commands("reserve a part", "b", |w| json!([on("reserve", w.key("M", "W1"), 10)])),
        commands("remove a part", "b", |w| json!([on("remove", w.key("N", "W1"), 8)])),
        statement("archive a part", "b", |w| {
            format!("select from api.upsert_item('{}', status => 'archived')", w.name("N"))
        }),
        commands("reserve boxes", "b", |w| {
            json!([with(on("reserve", w.key("M", "W1"), 2), json!({"unit": "box"}))])
        }),
        commands("remove boxes", "b", |w| {
            json!([with(on("remove", w.key("M", "W1"), 3), json!({"unit": "box"}))])
        }),
        statement("a larger box", "b", |w| {
            box_of(w, &json!([{"unit": "box", "quantity": 5}]).to_string())
        }),
        statement("another base unit", "b", |w| {
            format!(
                "select from api.upsert_item('{}', unit_of_measure => 'crate')",
                w.name("M")
            )
        }),
        statement("the same larger unit", "b", |w| {
            box_of(
                w,
                &json!([{"unit": "box", "quantity": 4}, {"unit": "crate", "quantity": 2}]).to_string(),
            )
        }),
        statement("no box", "b", |w| box_of(w, "[]")),
    ]
}

fn box_of(w: &World, units: &str) -> String {
    format!("select from api.set_item_units('{}', '{units}')", w.name("M"))
}

/// T has an empty level at W1, Z none.
pub(super) fn types() -> Vec<Deed> {
    vec![
        statement("track by lot", "t", |w| {
            let item = |sku: &str| json!({"sku": w.name(sku), "tracking": "lot"});
            format!("select from api.upsert_items('{}')", json!([item("Z"), item("T")]))
        }),
        statement("make a bundle of it", "t", |w| {
            format!("select from api.upsert_item('{}', kind => 'bundle')", w.name("T"))
        }),
        commands("stock on an empty level", "t", |w| {
            json!([on("add", w.key("T", "W1"), 2)])
        }),
        commands("first stock", "t", |w| json!([on("add", w.key("Z", "W1"), 2)])),
        commands("stock of both", "t", |w| {
            json!([on("add", w.key("T", "W1"), 1), on("add", w.key("Z", "W1"), 1)])
        }),
        commands("stock of a lot", "t", |w| {
            json!([with(on("add", w.key("T", "W1"), 2), json!({"lot": "t1"}))])
        }),
        commands("reserve of nothing", "t", |w| {
            json!([on("reserve", w.key("T", "W1"), 1)])
        }),
        statement("settings of an empty level", "t", |w| {
            let (sku, place) = w.key("T", "W1");
            format!("select from api.set_stock_policy('{sku}', '{place}', policy => 'oversell')")
        }),
        commands("order it", "t", |w| {
            let line = json!({"sku": w.name("Z"), "quantity": 3});
            json!([{"op": "order", "supplier": w.name("S"), "location": w.name("W1"), "lines": [line]}])
        }),
    ]
}

/// Nobody has any of O, nor a level of it.
pub(super) fn defaults() -> Vec<Deed> {
    vec![
        statement("oversell by default", "o", |w| {
            format!(
                "select api.set_default_policy(sku => '{}', policy => 'oversell')",
                w.name("O")
            )
        }),
        statement("let wait by default", "o", |w| {
            format!(
                "select api.set_default_policy(location => '{}', policy => 'backorder')",
                w.name("W1")
            )
        }),
        commands("reserve by default", "o", |w| {
            json!([on("reserve", w.key("O", "W1"), 3)])
        }),
        commands("reserve in parts", "o", |w| {
            json!([with(on("reserve", w.key("O", "W1"), 3), json!({"partial": true}))])
        }),
        commands("add by default", "o", |w| json!([on("add", w.key("O", "W1"), 2)])),
        commands("reserve wherever", "o", |w| {
            json!([{"op": "reserve", "sku": w.name("O"), "quantity": 2, "strategy": "priority",
                "locations": [w.name("W1"), w.name("W2")]}])
        }),
        statement("settings of its own", "o", |w| {
            let (sku, place) = w.key("O", "W1");
            format!("select from api.set_stock_policy('{sku}', '{place}', policy => 'deny', safety_stock => 1)")
        }),
    ]
}
