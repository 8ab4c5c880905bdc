//! Clocks and months.

use crate::play::{must_find, open};
use anyhow::{Context, Result, ensure};
use onhand_tests::database::Database;
use onhand_tests::invariants;
use onhand_tests::suite::{Body, test};
use std::sync::Arc;
use tokio_postgres::Client;

pub(super) fn all() -> Vec<(String, Body)> {
    vec![test("f30_clocks_and_months", clocks_and_months)]
}

/// The clock, and then a write that answers with a version.
type Write = (&'static str, &'static str);

/// A month has begun for which nobody made a partition; then the clock steps back between two writes.
async fn clocks_and_months(database: Arc<Database>) -> Result<()> {
    let client = open(&database).await?;
    client.batch_execute(include_str!("f30.sql")).await?;
    const ADD: &str = "select faulty.add(1)";
    let answers = play(
        &client,
        &[
            ("select", ADD),
            ("update faulty.clock set instant = '2026-01-31 23:59:59+00'", ADD),
            ("update faulty.clock set instant = instant - interval '1 second'", ADD),
        ],
    )
    .await?;
    must_find(all_written(&answers), "a write failed: 23514")?;
    must_find(versions_grow(&answers), "version 1769903998 after 1769903999")?;

    const OURS: &str = "select version from api.add_stock('A', 'W1', 1)";
    let answers = play(
        &client,
        &[
            (
                "do $$ declare v_name regclass; begin \
                 for v_name in select inhrelid::regclass from pg_inherits where inhparent = 'inventory.stock_movement'::regclass loop \
                     execute format('drop table %s', v_name); \
                 end loop; end $$",
                OURS,
            ),
            ("select", OURS),
            // Seen from a clock that stepped back, what was written lies in the future.
            ("update inventory.stock_level set last_movement_at = clock_timestamp() + interval '1 hour'", OURS),
            ("select", "select version from api.set_stock_policy('A', 'W1', safety_stock => 1)"),
        ],
    )
    .await?;
    all_written(&answers)?;
    versions_grow(&answers)?;
    invariants::assert_hold(&client).await
}

/// The version that each write returned, or its SQLSTATE.
async fn play(client: &Client, writes: &[Write]) -> Result<Vec<Result<i64, String>>> {
    let mut answers = Vec::new();
    for (clock, write) in writes {
        client.batch_execute(clock).await?;
        answers.push(match client.query_one(*write, &[]).await {
            Ok(row) => Ok(row.get(0)),
            Err(error) => Err(error.code().map(|code| code.code().to_owned()).context(error)?),
        });
    }
    Ok(answers)
}

fn all_written(answers: &[Result<i64, String>]) -> Result<()> {
    let failed = answers.iter().find_map(|answer| answer.as_ref().err());
    ensure!(
        failed.is_none(),
        "a write failed: {}",
        failed.map_or("", String::as_str)
    );
    Ok(())
}

fn versions_grow(answers: &[Result<i64, String>]) -> Result<()> {
    let versions: Vec<&i64> = answers.iter().flatten().collect();
    for pair in versions.windows(2) {
        ensure!(pair[1] > pair[0], "version {} after {}", pair[1], pair[0]);
    }
    Ok(())
}
