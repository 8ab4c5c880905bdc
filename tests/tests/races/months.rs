//! Months of the ledger that are closed and retired while somebody writes.

use super::{apply_one, assert_no_deadlock, clients, level, make_catalogue, test};
use anyhow::{Result, ensure};
use onhand_tests::database::Database;
use onhand_tests::suite::Body;
use onhand_tests::{invariants, inventory};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio_postgres::Client;

pub(super) fn all() -> Vec<(String, Body)> {
    vec![
        test(
            "a_month_is_closed_with_what_is_being_written_in_it",
            closed_beside_a_write,
        ),
        test(
            "late_facts_are_written_beside_the_retiring_of_their_month",
            retired_beside_writes,
        ),
    ]
}

/// As if what this transaction has written had been written in the month before last.
const DATE_BACK: &str = "select test.date_back(test.month(-2) + interval '10 days')";
const CLOSE: &str = "select from api.close_month((test.month(-2) at time zone 'UTC')::date)";

/// Somebody began to write when the month had not ended yet, and commits while it is being closed.
async fn closed_beside_a_write(database: Arc<Database>) -> Result<()> {
    let admin = database.client().await?;
    make_catalogue(&admin).await?;
    admin
        .batch_execute(&format!(
            "begin; select from api.add_stock('A', 'W1', 10); {DATE_BACK}; commit"
        ))
        .await?;
    let writer = database.client().await?;
    writer
        .batch_execute(&format!("begin; select from api.add_stock('A', 'W1', 5); {DATE_BACK}"))
        .await?;
    let closer = database.client().await?;
    let pid = inventory::pid(&closer).await?;
    let closing = tokio::spawn(async move { closer.batch_execute(CLOSE).await });
    inventory::wait_until_blocked(&admin, pid).await?;
    writer.batch_execute("commit").await?;
    closing.await??;
    let row = admin
        .query_one("select version, on_hand from inventory.closing_balance", &[])
        .await?;
    let closed: (i64, i64) = (row.get(0), row.get(1));
    ensure!(
        closed == (2, 15),
        "version and stock at the end of the month: {closed:?}"
    );
    invariants::assert_whole(&admin).await?;
    assert_no_deadlock(&database).await
}

/// A fact of a month that is closed, reported now.
fn late(happened: &str) -> Value {
    json!({"op": "add", "sku": "A", "location": "W1", "quantity": 1, "occurred_at": happened})
}

async fn retire(client: &Client) -> Result<u64, tokio_postgres::Error> {
    client
        .execute("select * from api.retire_movement_partitions('1 month')", &[])
        .await
}

async fn retired_beside_writes(database: Arc<Database>) -> Result<()> {
    let admin = database.client().await?;
    make_catalogue(&admin).await?;
    admin
        .batch_execute(&format!(
            "begin; select from api.add_stock('A', 'W1', 10); {DATE_BACK}; commit; select from api.close_finished_months('0')"
        ))
        .await?;
    let happened: String = admin
        .query_one(
            "select to_char(test.month(-2) + interval '11 days', 'YYYY-MM-DD\"T\"HH24:MI:SSOF')",
            &[],
        )
        .await?
        .get(0);
    // The other way round: whoever comes while the month is being taken away waits, and is not refused.
    let retiring = database.client().await?;
    retiring.batch_execute("begin").await?;
    ensure!(retire(&retiring).await? == 1, "one month is retired");
    let writer = database.client().await?;
    let (pid, fact) = (inventory::pid(&writer).await?, late(&happened));
    let writing = tokio::spawn(async move { apply_one(&writer, fact).await });
    inventory::wait_until_blocked(&admin, pid).await?;
    retiring.batch_execute("rollback").await?;
    ensure!(writing.await?? == "applied", "the month is still there");
    // Then many write while it goes for good; who retires gives up for a moment where the ledger is too busy.
    let facts = clients(&database, 4, move |client, _| {
        let fact = late(&happened);
        async move {
            let mut outcomes = Vec::new();
            for _ in 0..40 {
                outcomes.push(apply_one(&client, fact.clone()).await?);
            }
            Ok(outcomes)
        }
    });
    let gone = async {
        loop {
            match retire(&admin).await {
                Ok(months) => return Ok::<_, anyhow::Error>(months),
                Err(error) if error.code().is_some_and(|code| code.code() == "55P03") => {}
                Err(error) => return Err(error.into()),
            }
        }
    };
    let (facts, months) = tokio::join!(facts, gone);
    let facts = facts?.concat();
    ensure!(facts.iter().all(|outcome| outcome == "applied"), "{facts:?}");
    ensure!(months? == 1, "one month is retired");
    ensure!(level(&admin, "A", "W1").await? == (171, 0, 162), "a fact was lost");
    let error = admin
        .query(
            "select api.get_stock_as_of('A', test.month(-2) + interval '12 days')",
            &[],
        )
        .await
        .expect_err("that time was retired");
    ensure!(error.code().is_some_and(|code| code.code() == "IV033"), "{error}");
    invariants::assert_whole(&admin).await?;
    assert_no_deadlock(&database).await
}
