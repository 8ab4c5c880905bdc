//! What tests ask of the inventory: commands and their outcomes, levels, several sessions at once, and who waits for whom.

use crate::database::Database;
use anyhow::{Context, Result, bail, ensure};
use futures_util::future::try_join_all;
use serde_json::{Value, json};
use std::future::Future;
use std::time::Duration;
use tokio_postgres::Client;

/// Items A to E and locations W1 to W3.
///
/// # Errors
/// If the database refuses.
pub async fn make_catalogue(client: &Client) -> Result<()> {
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
///
/// # Errors
/// If the call as a whole fails.
pub async fn apply(client: &Client, commands: Value) -> Result<Vec<(String, Option<Value>)>> {
    let rows = client
        .query(
            "select coalesce(code, outcome), answer from api.apply_commands($1, 'tests') order by ordinal",
            &[&commands],
        )
        .await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// The outcome of a single command.
///
/// # Errors
/// If the call fails.
pub async fn apply_one(client: &Client, command: Value) -> Result<String> {
    let outcomes = apply(client, json!([command])).await?;
    Ok(outcomes.into_iter().next().context("a command without an outcome")?.0)
}

/// Runs `count` clients at once, each with a session of its own and its number, and returns what they returned.
///
/// # Errors
/// If a session cannot be had, and the first error of a client.
pub async fn clients<F, R, T>(database: &Database, count: usize, body: F) -> Result<Vec<T>>
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
#[must_use]
pub fn count(outcomes: &[String], wanted: &str) -> usize {
    outcomes.iter().filter(|outcome| *outcome == wanted).count()
}

/// `on_hand`, `reserved` and `version` of a key.
///
/// # Errors
/// If it has no row.
pub async fn level(client: &Client, sku: &str, location: &str) -> Result<(i64, i64, i64)> {
    let row = client
        .query_one(
            "select s.on_hand, s.reserved, s.version from inventory.stock_level as s \
             join inventory.item as i on i.id = s.item_id where i.sku = $1 and s.location_id = $2",
            &[&sku, &location],
        )
        .await?;
    Ok((row.get(0), row.get(1), row.get(2)))
}

/// Fails if Postgres had to end a deadlock in this database. Sessions report with a delay, the newest when they close.
///
/// # Errors
/// If there was one.
pub async fn assert_no_deadlock(database: &Database) -> Result<()> {
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

/// The process that serves a session.
///
/// # Errors
/// If the session is gone.
pub async fn pid(client: &Client) -> Result<i32> {
    Ok(client.query_one("select pg_backend_pid()", &[]).await?.get(0))
}

/// Whether a session waits for a lock that another one holds.
///
/// # Errors
/// If the watching session is gone.
pub async fn is_blocked(watcher: &Client, pid: i32) -> Result<bool> {
    let waits = waits(watcher, &[pid]).await?;
    Ok(waits.iter().any(|(_, others)| !others.is_empty()))
}

/// The number of the transaction that a session is in.
///
/// # Errors
/// If the session is gone.
pub async fn transaction(client: &Client) -> Result<i64> {
    let row = client
        .query_one("select pg_current_xact_id()::text::bigint", &[])
        .await
        .context("pg_current_xact_id")?;
    Ok(row.get(0))
}

/// For which sessions each of these waits.
///
/// # Errors
/// If the watching session is gone.
pub async fn waits(watcher: &Client, pids: &[i32]) -> Result<Vec<(i32, Vec<i32>)>> {
    let rows = watcher
        .query("select p, pg_blocking_pids(p) from unnest($1::int4[]) as p", &[&pids])
        .await
        .context("pg_blocking_pids")?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// Returns once a session waits for another one.
///
/// # Errors
/// If it does not within ten seconds.
pub async fn wait_until_blocked(watcher: &Client, pid: i32) -> Result<()> {
    for _ in 0..2_000 {
        if is_blocked(watcher, pid).await? {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    bail!("the session never waited for the other one")
}
