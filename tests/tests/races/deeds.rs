//! What the pairs are made of: operations on the stock of a small world (see [`super::world`]).

mod catalogue;
mod counts;
mod levels;
mod tracked;

use super::world::World;
use anyhow::Result;
use serde_json::{Value, json};
use tokio_postgres::Client;

/// Gave way to another session, and is to be asked for once more.
pub(super) const AGAIN: &str = "40001";

/// One operation.
#[derive(Clone)]
pub(super) struct Deed {
    pub(super) name: &'static str,
    /// What it works on, a letter for each part of the world (see [`all`]): deeds that share nothing cannot meet.
    pub(super) on: &'static str,
    what: What,
}

#[derive(Clone)]
enum What {
    Commands(fn(&World) -> Value),
    Statement(fn(&World) -> String),
}

fn commands(name: &'static str, on: &'static str, commands: fn(&World) -> Value) -> Deed {
    let what = What::Commands(commands);
    Deed { name, on, what }
}

fn statement(name: &'static str, on: &'static str, statement: fn(&World) -> String) -> Deed {
    let what = What::Statement(statement);
    Deed { name, on, what }
}

impl Deed {
    /// Whether both can work on one row.
    pub(super) fn meets(&self, other: &Self) -> bool {
        self.on.chars().any(|on| other.on.contains(on))
    }

    /// Outcomes of the commands, or what a statement answers or raises.
    pub(super) async fn run(&self, client: &Client, world: &World) -> Result<Vec<String>> {
        let (sql, caller) = match &self.what {
            What::Commands(commands) => (
                "select coalesce(code, outcome) from api.apply_commands($1::text::jsonb, $2) order by ordinal"
                    .to_owned(),
                Some((commands(world).to_string(), world.tag().to_owned())),
            ),
            What::Statement(statement) => (statement(world), None),
        };
        let answer = match &caller {
            Some((commands, caller)) => client.query(&sql, &[commands, caller]).await,
            None => client.query(&sql, &[]).await,
        };
        match answer {
            Ok(rows) if caller.is_some() => Ok(rows.iter().map(|row| row.get(0)).collect()),
            Ok(_) => Ok(vec!["done".to_owned()]),
            Err(error) => match error.code() {
                // A session that meets an error in its transaction goes on after it, as it would in one of its own.
                Some(code) if code.code().starts_with("IV") || code.code() == AGAIN => Ok(vec![code.code().to_owned()]),
                _ => Err(error.into()),
            },
        }
    }
}

/// A command on one key.
fn on(op: &str, key: (String, String), quantity: i64) -> Value {
    json!({"op": op, "sku": key.0, "location": key.1, "quantity": quantity})
}

fn with(mut command: Value, fields: Value) -> Value {
    if let (Some(command), Value::Object(fields)) = (command.as_object_mut(), fields) {
        command.extend(fields);
    }
    command
}

fn carry(op: &str, w: &World, sku: &str, (from, to): (&str, &str), quantity: i64) -> Value {
    json!([{"op": op, "sku": w.name(sku), "from": w.name(from), "to": w.name(to), "quantity": quantity}])
}

/// All operations, by what they work on: p = the plain items P and Q, c = C whose stock is waited for, l = L with lots, d = P of which
/// some is damaged, r = the order of P, s = S with serial numbers, e = X of which a lot has ended, b = the bundle K and its parts, n = what is
/// counted, t = T and Z that may become something else, o = O that has no level yet.
pub(super) fn all() -> Vec<Deed> {
    [
        plain(),
        reservations(),
        papers(),
        queue(),
        lots(),
        settings(),
        levels::states(),
        levels::strategies(),
        levels::orders(),
        tracked::serials(),
        tracked::ended_lots(),
        catalogue::bundles(),
        catalogue::types(),
        catalogue::defaults(),
        counts::counts(),
    ]
    .concat()
}

fn plain() -> Vec<Deed> {
    vec![
        commands("add", "pd", |w| json!([on("add", w.key("P", "W1"), 4)])),
        commands("remove", "pd", |w| json!([on("remove", w.key("P", "W1"), 6)])),
        commands("first receipt", "pd", |w| json!([on("add", w.key("P", "W3"), 4)])),
        commands("move out", "p", |w| carry("move", w, "P", ("W1", "W2"), 6)),
        commands("move back", "pd", |w| carry("move", w, "P", ("W2", "W1"), 5)),
        commands("quarantine", "pd", |w| json!([on("quarantine", w.key("P", "W1"), 5)])),
        commands("batch forwards", "p", |w| {
            json!([on("remove", w.key("P", "W1"), 4), on("add", w.key("Q", "W1"), 2)])
        }),
        commands("batch backwards", "p", |w| {
            json!([on("reserve", w.key("Q", "W1"), 6), on("reserve", w.key("P", "W1"), 6)])
        }),
        commands("keyed add", "p", |w| {
            json!([with(on("add", w.key("P", "W1"), 1), json!({"idempotency_key": "k"}))])
        }),
        commands("another request under the key", "p", |w| {
            json!([with(on("add", w.key("Q", "W2"), 1), json!({"idempotency_key": "k"}))])
        }),
        commands("compare and set", "p", |w| {
            json!([with(on("add", w.key("Q", "W1"), 1), json!({"expected_version": 2}))])
        }),
    ]
}

fn reservations() -> Vec<Deed> {
    vec![
        commands("reserve", "pd", |w| json!([on("reserve", w.key("P", "W1"), 6)])),
        commands("reserve both", "p", |w| {
            let line = |sku| json!({"sku": w.name(sku), "location": w.name("W1"), "quantity": 4});
            json!([{"op": "reserve", "lines": [line("Q"), line("P")], "reservation_id": w.id("new")}])
        }),
        commands("reserve what there is", "p", |w| {
            json!([with(on("reserve", w.key("P", "W1"), 50), json!({"partial": true}))])
        }),
        commands("replace", "p", |w| {
            let fields = json!({"owner": w.name("owner"), "replace": true, "reservation_id": w.id("replacing")});
            json!([with(on("reserve", w.key("P", "W1"), 8), fields)])
        }),
        commands(
            "confirm",
            "p",
            |w| json!([{"op": "confirm", "reservation_id": w.id("held")}]),
        ),
        commands("confirm in part", "p", |w| {
            let line = json!({"sku": w.name("P"), "location": w.name("W1"), "quantity": 1});
            json!([{"op": "confirm", "reservation_id": w.id("held"), "lines": [line]}])
        }),
        commands(
            "cancel",
            "p",
            |w| json!([{"op": "cancel", "reservation_id": w.id("held")}]),
        ),
        commands(
            "extend",
            "p",
            |w| json!([{"op": "extend", "reservation_id": w.id("held"), "expires_in_seconds": 7200}]),
        ),
        commands(
            "relocate",
            "p",
            |w| json!([{"op": "relocate", "reservation_id": w.id("held"), "sku": w.name("P"), "to": w.name("W2")}]),
        ),
        commands(
            "expire",
            "p",
            |w| json!([{"op": "expire", "reservation_id": w.id("due")}]),
        ),
        commands(
            "confirm too late",
            "p",
            |w| json!([{"op": "confirm", "reservation_id": w.id("due")}]),
        ),
        commands(
            "extend too late",
            "p",
            |w| json!([{"op": "extend", "reservation_id": w.id("due"), "expires_in_seconds": 7200}]),
        ),
    ]
}

fn papers() -> Vec<Deed> {
    vec![
        commands("ship", "p", |w| carry("ship", w, "P", ("W1", "W2"), 6)),
        commands(
            "receive",
            "p",
            |w| json!([{"op": "receive", "transfer_id": w.transfer}]),
        ),
        commands(
            "call back",
            "p",
            |w| json!([{"op": "cancel_transfer", "transfer_id": w.transfer}]),
        ),
        commands("receive the order", "pr", |w| {
            let line = json!({"sku": w.name("P"), "received": 3});
            json!([{"op": "receive_order", "purchase_order_id": w.order, "lines": [line]}])
        }),
        commands(
            "cancel the order",
            "pr",
            |w| json!([{"op": "cancel_order", "purchase_order_id": w.order}]),
        ),
        statement("post the count", "p", |w| {
            format!("select from api.post_count('{}')", w.count)
        }),
    ]
}

/// Stock that is waited for, and what it does to those who wait.
fn queue() -> Vec<Deed> {
    vec![
        commands("add what is waited for", "c", |w| {
            json!([on("add", w.key("C", "W1"), 3)])
        }),
        commands("wait too", "c", |w| {
            json!([with(
                on("reserve", w.key("C", "W1"), 2),
                json!({"reservation_id": w.id("second")})
            )])
        }),
        commands(
            "stop waiting",
            "c",
            |w| json!([{"op": "cancel", "reservation_id": w.id("waiting")}]),
        ),
        commands(
            "confirm what waits",
            "c",
            |w| json!([{"op": "confirm", "reservation_id": w.id("waiting")}]),
        ),
        commands("bring what is waited for", "c", |w| {
            carry("move", w, "C", ("W2", "W1"), 2)
        }),
        commands(
            "wait elsewhere",
            "c",
            |w| json!([{"op": "relocate", "reservation_id": w.id("waiting"), "to": w.name("W2")}]),
        ),
    ]
}

fn lots() -> Vec<Deed> {
    vec![
        commands(
            "recall",
            "l",
            |w| json!([{"op": "recall", "sku": w.name("L"), "lot": "l1", "reason": "by its maker"}]),
        ),
        commands("reserve of lots", "l", |w| json!([on("reserve", w.key("L", "W1"), 8)])),
        commands("remove of a lot", "l", |w| {
            json!([with(on("remove", w.key("L", "W1"), 5), json!({"lot": "l1"}))])
        }),
        commands("receive a lot", "l", |w| {
            json!([with(on("add", w.key("L", "W1"), 5), json!({"lot": "l2"}))])
        }),
        commands("carry lots away", "l", |w| carry("move", w, "L", ("W1", "W2"), 6)),
    ]
}

fn settings() -> Vec<Deed> {
    vec![
        statement("allow to oversell", "p", |w| {
            let (sku, place) = w.key("P", "W1");
            format!("select from api.set_stock_policy('{sku}', '{place}', policy => 'oversell')")
        }),
        statement("forbid to oversell", "pd", |w| {
            let (sku, place) = w.key("P", "W1");
            format!("select from api.set_stock_policy('{sku}', '{place}', policy => 'deny', safety_stock => 3)")
        }),
        statement("sweep", "pc", |_| "select api.expire_reservations()".to_owned()),
        statement("fold", "pcl", |_| "select from api.fold_stock_summary()".to_owned()),
        statement("archive", "pd", |w| {
            format!("select from api.upsert_item('{}', status => 'archived')", w.name("P"))
        }),
        statement("close a place", "pd", |w| {
            format!(
                "select from api.upsert_location('{}', status => 'closed')",
                w.name("W2")
            )
        }),
    ]
}
