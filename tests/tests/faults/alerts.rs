//! Alerts that are edges of what is available.

use crate::play::{must_find, open, run};
use anyhow::{Result, bail, ensure};
use onhand_tests::database::Database;
use onhand_tests::invariants;
use onhand_tests::suite::{Body, test};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::sync::Arc;
use tokio_postgres::Client;

/// At or below it stock is low.
const THRESHOLD: i64 = 3;

/// Steps of a drawn history: enough for dozens of edges.
const STEPS: usize = 150;

pub(super) fn all() -> Vec<(String, Body)> {
    vec![test("f10_alert_missed_when_all_is_allocated", all_allocated)]
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Add(i64),
    Remove(i64),
    Reserve(i64),
    CancelOldest,
}

impl Step {
    fn draw(random: &mut StdRng) -> Self {
        let quantity = random.random_range(1..=5);
        // More is asked for than comes in, so that stock stays near the lines that alerts are about.
        match random.random_range(0..7) {
            0..2 => Self::Add(quantity),
            2..4 => Self::Remove(quantity),
            4..6 => Self::Reserve(quantity),
            _ => Self::CancelOldest,
        }
    }

    fn faulty(self, sku: &str) -> String {
        match self {
            Self::Add(quantity) => format!("select faulty.change('{sku}', {quantity}, 0)"),
            Self::Remove(quantity) => format!("select faulty.change('{sku}', -{quantity}, 0)"),
            Self::Reserve(quantity) => format!("select faulty.reserve('{sku}', {quantity})"),
            Self::CancelOldest => format!("select faulty.cancel('{sku}')"),
        }
    }

    fn ours(self, sku: &str) -> String {
        match self {
            Self::Add(quantity) => format!("select from api.add_stock('{sku}', 'W1', {quantity})"),
            Self::Remove(quantity) => format!("select from api.remove_stock('{sku}', 'W1', {quantity})"),
            Self::Reserve(quantity) => {
                format!(
                    "select from api.reserve_stock('{sku}', 'W1', {quantity}, expires_in => '1 day', owner => '{sku}')"
                )
            }
            Self::CancelOldest => format!(
                "select from api.cancel_reservation((select r.id from inventory.reservation as r \
                 where r.status = 'PENDING' and r.owner = '{sku}' order by r.id limit 1))"
            ),
        }
    }
}

/// What a shop says of an item: what was available after each version, and its alerts.
struct Story {
    available: Vec<(i64, i64)>,
    alerts: Vec<(i64, String)>,
}

/// saleor/saleor 11637: all of 5 are allocated, 10 more come in, and nobody hears that there is stock again. Then histories at random.
async fn all_allocated(database: Arc<Database>) -> Result<()> {
    let client = open(&database).await?;
    // Nothing of this test outlives the server, so nobody waits for its disk.
    client.batch_execute("set synchronous_commit = off").await?;
    client.batch_execute(include_str!("f10.sql")).await?;
    let reported = [Step::Add(5), Step::Reserve(5), Step::Add(10)];
    must_find(
        check(&faulty(&client, "A", &reported).await?),
        "no alert at version 3, now in_stock",
    )?;
    check(&ours(&client, "A", &reported).await?)?;
    let mut random = StdRng::seed_from_u64(11_637);
    for sku in ["B", "C"] {
        let drawn: Vec<Step> = (0..STEPS).map(|_| Step::draw(&mut random)).collect();
        ensure!(
            check(&faulty(&client, sku, &drawn).await?).is_err(),
            "a history at random shows nothing: {drawn:?}"
        );
        let story = ours(&client, sku, &drawn).await?;
        ensure!(story.alerts.len() > 20, "too few edges: {:?}", story.alerts);
        check(&story)?;
    }
    invariants::assert_hold(&client).await
}

/// Each edge of what is available has its alert, and no alert is without one.
fn check(story: &Story) -> Result<()> {
    let mut side = status(0);
    let mut alerts = story.alerts.iter().peekable();
    for (version, available) in &story.available {
        let alert = alerts
            .next_if(|(at, _)| at == version)
            .map(|(_, status)| status.as_str());
        let edge = Some(status(*available)).filter(|now| *now != side);
        match (edge, alert) {
            (Some(now), None) => bail!("no alert at version {version}, now {now}"),
            (edge, alert) => ensure!(
                edge == alert,
                "alert {alert:?} at version {version}, the edge is {edge:?}"
            ),
        }
        side = status(*available);
    }
    ensure!(
        alerts.next().is_none(),
        "alerts of versions that the ledger does not know"
    );
    Ok(())
}

fn status(available: i64) -> &'static str {
    match available {
        ..=0 => "out_of_stock",
        1..=THRESHOLD => "low_stock",
        _ => "in_stock",
    }
}

async fn faulty(client: &Client, sku: &str, steps: &[Step]) -> Result<Story> {
    let level = format!("insert into faulty.stock_level (sku, threshold) values ('{sku}', {THRESHOLD})");
    client.batch_execute(&level).await?;
    for step in steps {
        take(client, &step.faulty(sku)).await?;
    }
    Ok(Story {
        available: pairs(
            client,
            "select version, available from faulty.ledger where sku = $1 order by version",
            sku,
        )
        .await?,
        alerts: pairs(
            client,
            "select version, status from faulty.alert where sku = $1 order by version",
            sku,
        )
        .await?,
    })
}

async fn ours(client: &Client, sku: &str, steps: &[Step]) -> Result<Story> {
    let level = format!("select from api.set_stock_policy('{sku}', 'W1', reorder_point => {THRESHOLD})");
    client.batch_execute(&level).await?;
    for step in steps {
        take(client, &step.ours(sku)).await?;
    }
    let available = pairs(
        client,
        "select version, available from ours.ledger where sku = $1 order by version",
        sku,
    )
    .await?;
    let seen: Vec<(i64, i64)> = pairs(
        client,
        "select distinct version, available from ours.seen where sku = $1 order by version",
        sku,
    )
    .await?;
    ensure!(
        seen == available,
        "a consumer sees other rows than the ledger has: {seen:?}, {available:?}"
    );
    let mut alerts: Vec<(i64, String)> = pairs(
        client,
        "select distinct version, status from ours.seen where sku = $1 order by version",
        sku,
    )
    .await?;
    let mut last = status(0).to_owned();
    alerts.retain(|(_, status)| std::mem::replace(&mut last, status.clone()) != *status);
    Ok(Story { available, alerts })
}

/// A step may be refused, as IV001 where stock is short; it may not fail.
async fn take(client: &Client, step: &str) -> Result<()> {
    let outcome = run(client, step).await?;
    ensure!(outcome == "applied" || outcome.starts_with("IV"), "{outcome}: {step}");
    Ok(())
}

async fn pairs<T>(client: &Client, query: &str, sku: &str) -> Result<Vec<(i64, T)>>
where
    T: for<'a> tokio_postgres::types::FromSql<'a>,
{
    let rows = client.query(query, &[&sku]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}
