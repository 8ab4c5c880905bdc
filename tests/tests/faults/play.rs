//! Plays one scenario on two shops, step by step, so that what overlaps does so every time.

use anyhow::{Context, Result};
use onhand_tests::database::Database;
pub(crate) use onhand_tests::suite::must_find;
use onhand_tests::{invariants, inventory};
use std::time::Duration;
use tokio_postgres::Client;

/// What the checks ask of Onhand.
const OURS: &str = include_str!("ours.sql");

/// How a shop does what a scenario asks for. One session runs `before`, then another one `other`, to its end or until it waits for
/// the first; then the first goes on with `after`. Steps that are empty do nothing.
#[derive(Debug, Default)]
pub(crate) struct Shop {
    pub(crate) prepare: &'static str,
    pub(crate) before: &'static str,
    pub(crate) other: &'static str,
    pub(crate) after: &'static str,
    /// One row of numbers: what the check of the scenario is about.
    pub(crate) found: &'static str,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Played {
    /// Of the first and of the other session: `applied`, or a SQLSTATE.
    pub(crate) outcomes: [String; 2],
    /// Whether the other session had to wait for the first.
    pub(crate) waited: bool,
    pub(crate) found: Vec<i64>,
}

/// Plays a scenario on the faulty copy, where `check` must find `fault`, and on Onhand, where it must find nothing. Returns what came
/// of it on Onhand.
pub(crate) async fn both(
    database: &Database,
    faulty: &Shop,
    fault: &str,
    ours: &Shop,
    check: fn(&Played) -> Result<()>,
) -> Result<Played> {
    let played = play(database, faulty).await.context("the faulty copy")?;
    must_find(check(&played), fault)?;
    let played = play(database, ours).await.context("Onhand")?;
    check(&played)?;
    invariants::assert_hold(&database.client().await?).await?;
    Ok(played)
}

/// Items, locations and the views of the checks.
pub(crate) async fn open(database: &Database) -> Result<Client> {
    let client = database.client().await?;
    inventory::make_catalogue(&client).await?;
    client.batch_execute(OURS).await?;
    Ok(client)
}

/// Runs statements and says what came of them: `applied`, or the SQLSTATE of the one that failed, after which all are undone.
pub(crate) async fn run(client: &Client, statements: &str) -> Result<String> {
    let Err(error) = client.batch_execute(statements).await else {
        return Ok("applied".to_owned());
    };
    let code = error.code().map(|code| code.code().to_owned()).context(error)?;
    client.batch_execute("rollback").await?;
    Ok(code)
}

async fn play(database: &Database, shop: &Shop) -> Result<Played> {
    let first = database.client().await?;
    let second = database.client().await?;
    let watcher = database.client().await?;
    let pid = inventory::pid(&second).await?;
    first.batch_execute(shop.prepare).await?;
    first.batch_execute(shop.before).await?;
    let other = shop.other;
    let running = tokio::spawn(async move { run(&second, other).await });
    let mut waited = false;
    while !waited && !running.is_finished() {
        waited = inventory::is_blocked(&watcher, pid).await?;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let outcomes = [run(&first, shop.after).await?, running.await??];
    let row = first.query_one(shop.found, &[]).await?;
    let found = (0..row.len()).map(|column| row.get(column)).collect();
    Ok(Played {
        outcomes,
        waited,
        found,
    })
}
