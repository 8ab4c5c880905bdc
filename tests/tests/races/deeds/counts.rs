//! Stock counts: one that is open, one that is approved.

use super::super::world::World;
use super::{Deed, commands, on, statement};
use serde_json::json;

/// 10 of U and 5 of V are at W1; the open count found 9 of U, the approved one 9 of U and 6 of V.
pub(super) fn counts() -> Vec<Deed> {
    vec![
        statement("count again", "n", |w| count_line(w, "open", "U", 8)),
        statement("count what turned up", "n", |w| count_line(w, "open", "V", 4)),
        statement("count too late", "n", |w| count_line(w, "approved", "V", 4)),
        statement("approve what is open", "n", |w| of_count(w, "approve", "open")),
        statement("drop what is open", "n", |w| of_count(w, "cancel", "open")),
        statement("post what is open", "n", |w| of_count(w, "post", "open")),
        statement("drop what is approved", "n", |w| of_count(w, "cancel", "approved")),
        statement("post what is approved", "n", |w| of_count(w, "post", "approved")),
        commands("remove what is counted", "n", |w| {
            json!([on("remove", w.key("U", "W1"), 3)])
        }),
        commands("reserve what is counted", "n", |w| {
            json!([on("reserve", w.key("V", "W1"), 5), on("reserve", w.key("U", "W1"), 10)])
        }),
    ]
}

fn id(w: &World, reference: &str) -> String {
    let reference = w.name(reference);
    format!("(select c.id from inventory.stock_count as c where c.reference = '{reference}')")
}

fn of_count(w: &World, act: &str, reference: &str) -> String {
    format!("select from api.{act}_count({})", id(w, reference))
}

fn count_line(w: &World, reference: &str, sku: &str, counted: i64) -> String {
    let (id, sku) = (id(w, reference), w.name(sku));
    format!("select from api.count_line({id}, '{sku}', {counted})")
}
