//! Sends commands: many in one call, or one by the function that is made for it.

use crate::model::{Outcome, is_count_act};
use anyhow::{Result, bail, ensure};
use onhand_tests::commands::function_of;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use tokio_postgres::Client;

/// Whose the idempotency keys of a command are that was sent by its function: the session's.
pub(crate) const SESSION: &str = "session";

/// Names and types of the arguments of each public function.
#[derive(Clone, Debug, Default)]
pub(crate) struct Functions(BTreeMap<String, BTreeMap<String, String>>);

/// The acts on a count are no commands: the function has the name.
fn function_for(op: &str) -> Option<&str> {
    match op {
        "open_count" | "count_line" | "approve_count" | "cancel_count" => Some(op),
        // Its rows are one for each place, with fields of their own: it is sent as a command.
        "recall" => None,
        _ => function_of(op),
    }
}

impl Functions {
    pub(crate) async fn read(client: &Client) -> Result<Self> {
        let rows = client
            .query(
                "select p.proname::text, a.name, format_type(a.type, null) from pg_proc as p \
                 cross join lateral unnest(p.proargnames[1 : p.pronargs], p.proargtypes::oid[]) as a (name, type) \
                 where p.pronamespace = 'api'::regnamespace",
                &[],
            )
            .await?;
        let mut functions = Self::default();
        for row in rows {
            let arguments = functions.0.entry(row.get(0)).or_default();
            arguments.insert(row.get(1), row.get(2));
        }
        Ok(functions)
    }

    /// The statement that does what a command says; none if no single function does.
    pub(crate) fn statement(&self, command: &Value) -> Option<String> {
        let op = command["op"].as_str()?;
        let name = function_for(op)?;
        let known = self.0.get(name)?;
        let mut arguments = Vec::new();
        for (field, value) in command.as_object()?.iter().filter(|(field, _)| *field != "op") {
            let argument = match field.as_str() {
                "quantity" if op == "adjust" => "delta",
                "from" => "from_location",
                "to" => "to_location",
                "expires_in_seconds" => "expires_in",
                other => other,
            };
            let kind = known.get(argument)?;
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Array(entries) if kind == "text[]" => {
                    let quoted: Vec<String> = entries.iter().map(Value::to_string).collect();
                    format!("{{{}}}", quoted.join(","))
                }
                Value::Number(seconds) if kind == "interval" => format!("{seconds} seconds"),
                other => other.to_string(),
            };
            arguments.push(format!("{argument} => '{}'::{kind}", text.replace('\'', "''")));
        }
        Some(format!(
            "select coalesce(jsonb_agg(to_jsonb(r)), '[]') from api.{name}({}) as r",
            arguments.join(", ")
        ))
    }
}

/// Sends commands in one call.
pub(crate) async fn batch(client: &Client, caller: &str, commands: &[Value]) -> Result<Vec<Outcome>> {
    let rows = client
        .query(
            "select outcome, code, detail, answer from api.apply_commands($1, $2) order by ordinal",
            &[&Value::from(commands), &caller],
        )
        .await?;
    ensure!(
        rows.len() == commands.len(),
        "{} answers to {} commands",
        rows.len(),
        commands.len()
    );
    let mut outcomes = Vec::new();
    for row in rows {
        let outcome: String = row.get(0);
        outcomes.push(match outcome.as_str() {
            "applied" => Outcome::Applied(row.get(3)),
            "replayed" => Outcome::Replayed(row.get(3)),
            "refused" => Outcome::Refused {
                code: row.get(1),
                detail: row.get::<_, Option<Value>>(2).unwrap_or_default(),
            },
            other => bail!("an outcome {other}"),
        });
    }
    Ok(outcomes)
}

/// Runs a statement inside a transaction, which goes on whatever comes of it.
pub(crate) async fn call_within(client: &Client, body: &Value, statement: &str) -> Result<Outcome> {
    client.batch_execute("savepoint before").await?;
    let outcome = call(client, body, statement).await;
    if !matches!(outcome, Ok(Outcome::Applied(_) | Outcome::Replayed(_))) {
        client.batch_execute("rollback to savepoint before").await?;
    }
    outcome
}

/// Runs a statement for a single command. Its rows become an answer like that of a batch; what it raises is a refusal.
pub(crate) async fn call(client: &Client, body: &Value, statement: &str) -> Result<Outcome> {
    let error = match client.query_one(statement, &[]).await {
        Ok(row) if is_count_act(body) => return Ok(act_of(row.get::<_, Value>(0)[0].clone())),
        Ok(row) => return Ok(answer_of(row.get(0))),
        Err(error) => error,
    };
    let Some(raised) = error.as_db_error() else {
        return Err(error.into());
    };
    let code = raised.code().code().to_owned();
    if !code.starts_with("IV") {
        bail!("{code} {} for {statement}", raised.message());
    }
    let detail = raised
        .detail()
        .map(serde_json::from_str)
        .transpose()?
        .unwrap_or_default();
    Ok(Outcome::Refused { code, detail })
}

/// An act on a count is answered with one row.
fn act_of(mut row: Value) -> Outcome {
    let replayed = row.as_object_mut().and_then(|row| row.remove("replayed"));
    if replayed == Some(json!(true)) {
        Outcome::Replayed(row)
    } else {
        Outcome::Applied(row)
    }
}

fn answer_of(rows: Value) -> Outcome {
    let mut answer = Map::new();
    let first = rows[0].clone();
    let on_paper = ["reservation_id", "transfer_id", "purchase_order_id", "count_id"]
        .into_iter()
        .find(|field| first[*field].is_string());
    let mut levels = rows.as_array().cloned().unwrap_or_default();
    for level in levels.iter_mut().filter_map(Value::as_object_mut) {
        level.remove("replayed");
        if let Some(paper) = on_paper {
            // There it is the status of the reservation or transfer.
            answer.insert(paper.to_owned(), level.remove(paper).unwrap_or_default());
            answer.insert("status".to_owned(), level.remove("status").unwrap_or_default());
            // Without a backorder it reads 0, whatever others on the level wait for.
            level.remove("backordered");
        }
    }
    // A count that found no difference has a row without a level.
    levels.retain(|level| !level["sku"].is_null());
    answer.insert("levels".to_owned(), json!(levels));
    if first["replayed"] == true {
        Outcome::Replayed(Value::Object(answer))
    } else {
        Outcome::Applied(Value::Object(answer))
    }
}
