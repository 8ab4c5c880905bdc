//! Calls of whatever functions there are: names, arguments and types are read from the catalogue of Postgres.

use crate::commands::{batch, line, lines, mutate};
use crate::draw::{Draw, quoted, raw, text_of};
use crate::world::{Known, sensible};
use anyhow::{Result, ensure};
use serde_json::{Map, Value, json};
use tokio_postgres::Client;

/// Acts that are dear, or that change the whole inventory: they come once where others come many times.
const RARE: [&str; 8] = [
    "cancel_count",
    "check_conservation",
    "check_ledger",
    "ensure_movement_partitions",
    "raise_epoch",
    "rebuild_stock_summary",
    "recall_lot",
    "refresh_reports",
];
const USUAL_WEIGHT: usize = 8;
const RARE_WEIGHT: usize = 1;
/// So often is a call one of `apply_commands`, that every write of stock goes through.
const BATCHES: u32 = 30;

/// Functions, each as often as it is to be called.
#[derive(Debug)]
pub(crate) struct Functions {
    all: Vec<Function>,
    weighted: Vec<usize>,
}

#[derive(Debug)]
struct Function {
    name: String,
    /// Who may call it, with the rights that its callers have and not more.
    role: String,
    arguments: Vec<Argument>,
}

#[derive(Debug)]
struct Argument {
    name: String,
    kind: String,
    optional: bool,
}

const QUERY: &str = "
    select p.proname::text, r.rolname::text,
        array(select t.name from unnest(p.proargnames) with ordinality as t (name, position)
            where t.position <= p.pronargs order by t.position),
        array(select format_type(t.kind, null) from unnest(p.proargtypes) with ordinality as t (kind, position) order by t.position),
        (p.pronargs - p.pronargdefaults)::integer
    from pg_proc as p
    cross join lateral (
        select c.name as rolname
        from unnest('{onhand_api,onhand_operator,onhand_admin,onhand_reader}'::text[]) with ordinality as c (name, position)
        where has_function_privilege(c.name, p.oid, 'execute')
        order by c.position
        limit 1
    ) as r
    where p.pronamespace = 'api'::regnamespace
    order by p.proname";

impl Functions {
    pub(crate) async fn read(client: &Client) -> Result<Self> {
        let mut all = Vec::new();
        for row in client.query(QUERY, &[]).await? {
            let (name, role, needed): (String, String, i32) = (row.get(0), row.get(1), row.get(4));
            let (names, kinds): (Vec<String>, Vec<String>) = (row.get(2), row.get(3));
            let needed = usize::try_from(needed)?;
            let arguments = names.into_iter().zip(kinds).enumerate();
            let arguments = arguments
                .map(|(place, (name, kind))| Argument {
                    name,
                    kind,
                    optional: place >= needed,
                })
                .collect();
            all.push(Function { name, role, arguments });
        }
        ensure!(all.len() > 50, "schema api has {} functions", all.len());
        let weight = |function: &Function| {
            if RARE.contains(&function.name.as_str()) {
                RARE_WEIGHT
            } else {
                USUAL_WEIGHT
            }
        };
        let weighted = all
            .iter()
            .enumerate()
            .flat_map(|(place, function)| std::iter::repeat_n(place, weight(function)))
            .collect();
        Ok(Self { all, weighted })
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// A call, as the role that may make it.
    pub(crate) fn call(&self, draw: &mut Draw, known: &Known) -> Call {
        let place = self.weighted[draw.below(self.weighted.len())];
        let batches = draw.percent(BATCHES);
        let function = self
            .all
            .iter()
            .find(|function| batches && function.name == "apply_commands");
        function.unwrap_or(&self.all[place]).call(draw, known)
    }
}

/// One call of a function.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) role: String,
    pub(crate) function: String,
    pub(crate) sql: String,
}

impl Function {
    fn call(&self, draw: &mut Draw, known: &Known) -> Call {
        // Many calls have one thing wrong with them: the first that is found hides the others.
        let wrong = [0, 0, 8, 8, 30][draw.below(5)];
        let hostile = wrong > 0;
        // What belongs together is drawn together: an item, the place, and which units.
        let op = self.name.split('_').next().unwrap_or_default();
        let mut together = line(draw, known, op);
        together.insert("counted".to_owned(), json!(draw.below(300)));
        let alone = draw.percent(85);
        let arguments: Vec<String> = self
            .arguments
            .iter()
            .filter_map(|argument| {
                let given = !argument.optional
                    || draw.percent(if hostile { 25 } else { 8 })
                    || (alone && together.contains_key(&argument.name));
                let value = argument.value(draw, known, self, &mut together, wrong);
                given.then(|| format!("{} => {value}", argument.name))
            })
            .collect();
        Call {
            role: self.role.clone(),
            function: self.name.clone(),
            sql: format!("select * from api.{}({})", self.name, arguments.join(", ")),
        }
    }
}

impl Argument {
    fn value(
        &self,
        draw: &mut Draw,
        known: &Known,
        function: &Function,
        together: &mut Map<String, Value>,
        wrong: u32,
    ) -> String {
        let hostile = wrong > 0;
        if draw.percent(wrong) && !(self.kind == "jsonb" && draw.percent(80)) {
            // A decade of empty partitions makes everything slow and finds nothing.
            if self.name != "months_ahead" {
                return draw.sql(&self.kind);
            }
        }
        let value = match (self.name.as_str(), self.kind.as_str()) {
            (_, "jsonb") => document(draw, known, function, &self.name, hostile),
            ("quantity", _) if function.name == "set_item_supplier" => json!(12),
            ("delta", _) => together.remove("quantity").unwrap_or(Value::Null),
            ("from_location" | "to_location", _) => sensible(draw, known, &self.name),
            (name, _) => together
                .remove(name)
                .unwrap_or_else(|| status(draw, known, &function.name, name)),
        };
        literal(&value, &self.kind)
    }
}

/// A value that makes sense for an argument, of which the meaning may hang on the function.
fn status(draw: &mut Draw, known: &Known, function: &str, name: &str) -> Value {
    match (function, name) {
        ("upsert_item", "status") => json!(draw.pick(&["active", "active", "archived"])),
        ("upsert_location", "status") => json!(draw.pick(&["open", "closed"])),
        (_, "status") => json!(draw.pick(&[
            "active",
            "inactive",
            "OPEN",
            "APPROVED",
            "in_stock",
            "in_stock",
            "CANCELLED"
        ])),
        ("upsert_item", "sku") => json!(draw.pick(&["N3", "N4", "fuzz-1", "fuzz-2", "D1", "B1", "S2"])),
        ("get_supplier" | "upsert_supplier", "code") => json!(draw.pick(&["ACME", "GLOBEX", "fuzz"])),
        ("set_bundle" | "get_bundle", "sku") => json!(draw.pick(&["B1", "B2"])),
        ("get_audit_entries" | "get_alert_history", "before") => json!(draw.below(1_000)),
        ("get_item" | "list_purchase_orders" | "list_counts" | "get_webhook_deliveries", "id" | "before") => {
            json!(crate::draw::uuid(draw.number()))
        }
        ("open_count", "skus") => json!(["N1"]),
        ("count_line", "sku") => json!("N1"),
        ("refresh_reports", "report") => json!(draw.pick(&["report_abc", "abc", "report_stock_value"])),
        ("suggest_safety_stock", "service_level") => raw("0.95"),
        _ => sensible(draw, known, name),
    }
}

/// A JSON argument.
fn document(draw: &mut Draw, known: &Known, function: &Function, name: &str, hostile: bool) -> Value {
    let changed = hostile && draw.percent(70);
    let mut value = match (function.name.as_str(), name) {
        ("apply_commands", _) => return batch(draw, known, hostile),
        (_, "items") => {
            let sku = draw.pick(&["N3", "N4", "fuzz-1", "fuzz-2", "fuzz-3", "B1", "L2"]);
            let mut entry = json!({"sku": sku, "name": "fuzz", "tags": ["a", "b"], "metadata": {"a": 1}});
            for field in [
                "description",
                "kind",
                "parent_sku",
                "category",
                "unit_of_measure",
                "tracking",
                "dimensions",
            ] {
                if draw.percent(15) {
                    entry[field] = sensible(draw, known, field);
                }
            }
            json!([entry, {"sku": "N6", "description": "fuzz"}])
        }
        (_, "locations") => {
            json!([{"id": draw.pick(&["W4", "C1", "fuzz-1", "fuzz-2"]), "name": "fuzz", "type": "store",
            "priority": sensible(draw, known, "priority"), "address": {"a": 1}, "metadata": {}}])
        }
        (_, "components") => json!([{"sku": draw.pick(&["N1", "N2", "L1", "B1", "D1"]), "quantity": 1 + draw.below(4)},
            {"sku": "N5", "quantity": 1}]),
        (_, "units") => json!([{"unit": "CASE", "quantity": 12}, {"unit": "PALLET", "quantity": 480}]),
        ("place_purchase_order", _) => lines(draw, known, "order"),
        ("receive_purchase_order", _) => lines(draw, known, "receive_order"),
        ("receive_transfer", _) => lines(draw, known, "receive"),
        ("confirm_reservation" | "reserve_stock", _) => lines(draw, known, "reserve"),
        ("ship_stock", _) => lines(draw, known, "order"),
        (_, "dimensions" | "metadata" | "address" | "contact") => json!({"a": {"b": [1, null, "c"]}}),
        _ => draw.json(4),
    };
    if changed {
        mutate(draw, known, &mut value);
    }
    value
}

/// A JSON value as an SQL expression of the type.
fn literal(value: &Value, kind: &str) -> String {
    match (value, kind) {
        (Value::Null, _) => format!("null::{kind}"),
        (_, "jsonb") => format!("{}::jsonb", quoted(&text_of(value))),
        (Value::Array(entries), _) => {
            let entries: Vec<String> = entries.iter().map(|entry| literal(entry, "text")).collect();
            format!("array[{}]::{kind}", entries.join(", "))
        }
        (Value::String(_), _) => format!("{}::{kind}", quoted(text_of(value).trim_matches('"'))),
        _ => format!("'{value}'::{kind}"),
    }
}
