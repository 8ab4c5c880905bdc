//! Real concurrency: many sessions on one Postgres, then the invariants. Each test has a database of its own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test says by panicking what is not as it must be"
)]

mod catalogue;
mod histories;
mod holds;
mod retries;
mod stock;
mod waits;

use anyhow::{Context, Result, ensure};
use futures_util::FutureExt;
use futures_util::future::try_join_all;
use onhand_tests::database::Database;
use onhand_tests::invariants;
use onhand_tests::suite::{self, Body};
use serde_json::{Value, json};
use std::future::Future;
use std::process::ExitCode;
use std::sync::Arc;
use tokio_postgres::Client;

fn main() -> ExitCode {
    let all = [
        stock::all(),
        holds::all(),
        retries::all(),
        waits::all(),
        catalogue::all(),
        histories::all(),
    ];
    suite::run(Ok(all.into_iter().flatten().collect()))
}

/// Makes a named test of an async function.
fn test<F, R>(name: &str, body: F) -> (String, Body)
where
    F: FnOnce(Arc<Database>) -> R + Send + 'static,
    R: Future<Output = Result<()>> + Send + 'static,
{
    (name.to_owned(), Box::new(move |database| body(database).boxed()))
}

/// Items A to E and locations W1 to W3.
async fn make_catalogue(client: &Client) -> Result<()> {
    let items: Vec<Value> = ["A", "B", "C", "D", "E"]
        .iter()
        .map(|sku| json!({"sku": sku, "name": sku}))
        .collect();
    let locations: Vec<Value> = ["W1", "W2", "W3"].iter().map(|id| json!({"id": id})).collect();
    client
        .query("select from api.upsert_items($1)", &[&Value::from(items)])
        .await?;
    client
        .query("select from api.upsert_locations($1)", &[&Value::from(locations)])
        .await?;
    Ok(())
}

/// What became of each command: `applied`, `replayed` or the SQLSTATE of the refusal; and its answer.
async fn apply(client: &Client, commands: Value) -> Result<Vec<(String, Option<Value>)>> {
    let rows = client
        .query(
            "select coalesce(code, outcome), answer from api.apply_commands($1, 'races') order by ordinal",
            &[&commands],
        )
        .await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// The outcome of a single command.
async fn apply_one(client: &Client, command: Value) -> Result<String> {
    let outcomes = apply(client, json!([command])).await?;
    Ok(outcomes.into_iter().next().context("a command without an outcome")?.0)
}

/// Runs `count` clients at once, each with a session of its own and its number, and returns what they returned.
async fn clients<F, R, T>(database: &Database, count: usize, body: F) -> Result<Vec<T>>
where
    F: Fn(Client, usize) -> R,
    R: Future<Output = Result<T>> + Send + 'static,
    T: Send + 'static,
{
    let mut tasks = Vec::new();
    // All sessions are open before the first of them begins.
    let sessions = try_join_all((0..count).map(|_| database.api_client())).await?;
    for (number, session) in sessions.into_iter().enumerate() {
        tasks.push(tokio::spawn(body(session, number)));
    }
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await??);
    }
    Ok(results)
}

/// How often one outcome occurs.
fn count(outcomes: &[String], wanted: &str) -> usize {
    outcomes.iter().filter(|outcome| *outcome == wanted).count()
}

/// on_hand, reserved and version of a key.
async fn level(client: &Client, sku: &str, location: &str) -> Result<(i64, i64, i64)> {
    let row = client
        .query_one(
            "select s.on_hand, s.reserved, s.version from inventory.stock_level as s \
             join inventory.item as i on i.id = s.item_id where i.sku = $1 and s.location_id = $2",
            &[&sku, &location],
        )
        .await?;
    Ok((row.get(0), row.get(1), row.get(2)))
}

/// What must hold at the end of every race.
async fn assert_sound(client: &Client) -> Result<()> {
    invariants::assert_hold(client).await
}

/// Fails if Postgres had to end a deadlock in this database. Sessions report with a delay, the newest when they close.
async fn assert_no_deadlock(database: &Database) -> Result<()> {
    let client = database.client().await?;
    let deadlocks: i64 = client
        .query_one(
            "select deadlocks from pg_stat_database where datname = current_database()",
            &[],
        )
        .await?
        .get(0);
    ensure!(deadlocks == 0, "{deadlocks} deadlocks");
    Ok(())
}
