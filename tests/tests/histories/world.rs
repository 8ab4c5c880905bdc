//! The items and places of one history, and how its numbers become names and commands.

use crate::model::{Item, Key, Model, Place};
use crate::script::{Command, Line, Op};
use anyhow::Result;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tokio_postgres::Client;
use uuid::Uuid;

/// Name, kind, policy, and components by their number.
type Description = (&'static str, &'static str, Option<&'static str>, &'static [(u8, i64)]);

/// The items of a history.
const ITEMS: [Description; 6] = [
    ("A", "physical", None, &[]),
    ("B", "physical", None, &[]),
    ("C", "physical", Some("backorder"), &[]),
    ("D", "digital", None, &[]),
    ("X", "bundle", None, &[(0, 2), (1, 1)]),
    ("Y", "bundle", None, &[(4, 1), (2, 2)]),
];
/// Its places: name, priority, policy.
const PLACES: [(&str, i32, Option<&str>); 3] = [("W1", 20, None), ("W2", 10, None), ("W3", 30, Some("oversell"))];

/// Names of one history, and what it has made so far.
#[derive(Clone, Debug)]
pub(crate) struct World {
    tag: String,
    /// Reservations in the order in which they became known.
    pub(crate) holds: Vec<Uuid>,
    pub(crate) transfers: Vec<Uuid>,
    /// Requests with an idempotency key, in the order in which they were sent.
    pub(crate) requests: Vec<Value>,
    /// The newest version of each key that an answer has shown.
    pub(crate) versions: BTreeMap<Key, i64>,
    sent: u32,
    /// The session that sends, where there are several. An owner belongs to one of them: two commands that replace what one owner
    /// holds, at the same time, do not see each other.
    pub(crate) session: usize,
}

impl World {
    /// A world of its own in a database that other histories may have used before.
    pub(crate) fn new(tag: String) -> Self {
        Self {
            tag,
            holds: Vec::new(),
            transfers: Vec::new(),
            requests: Vec::new(),
            versions: BTreeMap::new(),
            sent: 0,
            session: 0,
        }
    }

    pub(crate) fn caller(&self) -> &str {
        &self.tag
    }

    pub(crate) fn sku(&self, item: u8) -> String {
        let name = ITEMS.get(usize::from(item)).map_or("NONE", |item| item.0);
        format!("{}-{name}", self.tag)
    }

    pub(crate) fn place(&self, place: u8) -> String {
        let name = PLACES.get(usize::from(place)).map_or("NONE", |place| place.0);
        format!("{}-{name}", self.tag)
    }

    /// Makes the items and places, and a model that knows them.
    pub(crate) async fn make(&self, client: &Client) -> Result<Model> {
        let mut model = Model::default();
        let (mut items, mut places) = (Vec::new(), Vec::new());
        for (number, (_, kind, policy, parts)) in (0_u8..).zip(ITEMS) {
            items.push(json!({"sku": self.sku(number), "name": "of a history", "kind": kind}));
            let parts = parts
                .iter()
                .map(|(part, quantity)| (self.sku(*part), *quantity))
                .collect();
            let archived = false;
            let item = Item {
                kind,
                policy,
                archived,
                parts,
            };
            model.items.insert(self.sku(number), item);
        }
        for (number, (_, priority, policy)) in (0_u8..).zip(PLACES) {
            places.push(json!({"id": self.place(number), "priority": priority}));
            let closed = false;
            model.places.insert(
                self.place(number),
                Place {
                    priority,
                    policy,
                    closed,
                },
            );
        }
        client
            .query("select from api.upsert_items($1)", &[&json!(items)])
            .await?;
        client
            .query("select from api.upsert_locations($1)", &[&json!(places)])
            .await?;
        for (sku, item) in &model.items {
            client
                .execute(
                    "update inventory.item set stock_policy = $2 where sku = $1",
                    &[sku, &item.policy],
                )
                .await?;
            for (part, quantity) in &item.parts {
                let insert = "insert into inventory.bundle_component (bundle_id, component_id, quantity) \
                    select b.id, c.id, $3 from inventory.item as b, inventory.item as c where b.sku = $1 and c.sku = $2";
                client.execute(insert, &[sku, part, quantity]).await?;
            }
        }
        for (id, place) in &model.places {
            client
                .execute(
                    "update inventory.location set stock_policy = $2 where id = $1",
                    &[id, &place.policy],
                )
                .await?;
        }
        model.version_floor = client
            .query_one("select max(version_floor) from inventory.epoch", &[])
            .await?
            .get(0);
        Ok(model)
    }

    /// Takes back what a failed history wrote, so that what is broken there does not count against the next one.
    pub(crate) async fn remove(&self, client: &Client) -> Result<()> {
        let tables = ["stock_movement", "stock_level", "reservation_line", "transfer_line"];
        client.batch_execute("set session_replication_role = replica").await?;
        for table in tables {
            let delete = format!(
                "delete from inventory.{table} as t using inventory.item as i where i.id = t.item_id and i.sku like $1"
            );
            client.execute(&delete, &[&format!("{}-%", self.tag)]).await?;
        }
        client
            .batch_execute(
                "delete from inventory.reservation as r where not exists \
                    (select from inventory.reservation_line as l where l.reservation_id = r.id); \
                 delete from inventory.transfer as t where not exists \
                    (select from inventory.transfer_line as l where l.transfer_id = t.id); \
                 set session_replication_role = origin",
            )
            .await?;
        Ok(())
    }

    /// Remembers what the answer to a command shows.
    pub(crate) fn learn(&mut self, command: &Value, answer: &Value) {
        let id = |field: &str| answer[field].as_str().and_then(|id| id.parse::<Uuid>().ok());
        if command["op"] == "reserve" {
            self.holds
                .extend(id("reservation_id").filter(|id| !self.holds.contains(id)));
        }
        if command["op"] == "ship" {
            self.transfers
                .extend(id("transfer_id").filter(|id| !self.transfers.contains(id)));
        }
        for level in answer["levels"].as_array().into_iter().flatten() {
            if let (Some(sku), Some(place), Some(version)) = (
                level["sku"].as_str(),
                level["location"].as_str(),
                level["version"].as_i64(),
            ) {
                let newest = self.versions.entry((sku.to_owned(), place.to_owned())).or_default();
                *newest = version.max(*newest);
            }
        }
    }

    /// A command as it is sent.
    pub(crate) fn render(&mut self, command: &Command) -> Value {
        self.sent += 1;
        let mut body = self.body(&command.op);
        body["reference"] = json!(format!("{} {}", self.tag, self.sent));
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
        }
    }

    fn on_hold(&self, op: &str, hold: u8) -> Value {
        json!({"op": op, "reservation_id": pick(&self.holds, hold)})
    }

    fn line(&self, line: &Line, with_place: bool) -> Value {
        let mut body = json!({"sku": self.sku(line.item), "quantity": line.quantity});
        if with_place {
            body["location"] = json!(self.place(line.place));
        }
        body
    }

    /// One line stands in the command itself, several in an array.
    fn with_lines(&self, mut body: Value, lines: &[Line], with_place: bool) -> Value {
        if let [line] = lines {
            body["sku"] = json!(self.sku(line.item));
            body["quantity"] = json!(line.quantity);
            if with_place {
                body["location"] = json!(self.place(line.place));
            }
        } else {
            body["lines"] = lines.iter().map(|line| self.line(line, with_place)).collect();
        }
        body
    }

    fn receipt(&self, transfer: u8, lines: Option<&[(Line, i64, i64)]>, complete: bool) -> Value {
        let mut body = json!({"op": "receive", "transfer_id": pick(&self.transfers, transfer)});
        if let Some(lines) = lines {
            body["lines"] = lines
                .iter()
                .map(|(line, damaged, lost)| {
                    json!({"sku": self.sku(line.item), "received": line.quantity % 6 + 1, "damaged": damaged, "lost": lost})
                })
                .collect();
        }
        if complete {
            body["complete"] = json!(true);
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
            body["owner"] = json!(format!("{} owner {owner} {}", self.tag, self.session));
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

/// The one that a number stands for, or one that nobody has made.
fn pick(known: &[Uuid], number: u8) -> Uuid {
    let unknown = Uuid::from_u128(0xbad);
    // Of those that are known, the newest are asked for most.
    let back = usize::from(number) % 8;
    match known.len().checked_sub(back + 1) {
        Some(at) => known.get(at).copied().unwrap_or(unknown),
        None if usize::from(number) % 16 == 15 => unknown,
        None => known.last().copied().unwrap_or(unknown),
    }
}
