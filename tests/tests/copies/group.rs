//! What happens when a partition changes hands, and when nothing is fetched of it.

use crate::pipeline::{Pipeline, Place, Shelf};
use crate::story::{level, record, schema};
use anyhow::{Result, ensure};
use onhand_cdc::Table;
use onhand_consumers::{RuntimeConfig, SinkKind};
use onhand_tests::database::Database;
use onhand_tests::kafka::RawRecord;
use onhand_tests::stack::eventually;
use onhand_tests::suite::{Body, must_find, test};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use uuid::Uuid;

/// The mock's coordinator sometimes refuses the offsets of a member that gives partitions up, for longer than it waits
/// (`RebalanceInProgress`). Then work is done again, as it must be; whoever throws it away does so each time.
const ATTEMPTS: usize = 3;

pub(super) fn all() -> Vec<(String, Body)> {
    vec![
        test("f23_work_of_the_drain_is_thrown_away", drained),
        test("lag_stands_still_while_nothing_is_fetched", paused),
    ]
}

/// PostHog 80897: a partition is taken away from somebody who is in the midst of a batch, and who waits for its end.
async fn drained(_: Arc<Database>) -> Result<()> {
    let mut faulty = Vec::new();
    let mut committed = 0;
    for drains in [true, false] {
        let batch = committed..committed + 2;
        faulty.extend(batch.clone().map(|offset| (0, offset)));
        // The mistake: the offsets of a batch are kept by the loop, and the drain is no part of the loop.
        if !drains {
            committed = batch.end;
        }
    }
    must_find(each_once(&faulty, 2), "2 records were written 4 times")?;

    let mut once = Ok(());
    for _ in 0..ATTEMPTS {
        let (written, sent) = handed_over().await?;
        once = each_once(&written, sent);
        if once.is_ok() {
            break;
        }
        // Nothing excuses a loss.
        all_written(&written, sent)?;
    }
    once
}

/// What two members wrote, of how many records, while partitions went from one to the other and back.
async fn handed_over() -> Result<(Vec<Place>, usize)> {
    let pipeline = Pipeline::start(SinkKind::Cache, 2).await?;
    pipeline.registry(|registry| drop(registry.schemas.insert(1, schema(&[]))));
    let mut config = pipeline.config()?;
    config.runtime = RuntimeConfig {
        batch_max_records: Some(2),
        ..config.runtime
    };
    let shelves = [(); 2].map(|()| Arc::new(Shelf::slow(Duration::from_millis(20))));
    let first = pipeline.consume(&shelves[0], config.clone());
    let mut sent = 0;
    let mut more = async || {
        let records: Vec<RawRecord> = (0..10).map(|_| change()).collect();
        sent += records.len();
        pipeline.send(&records).await.map(|()| sent)
    };
    more().await?;
    eventually("the first works", || async { Ok(!shelves[0].written().is_empty()) }).await?;
    config.runtime.metrics_listen = pipeline.config()?.runtime.metrics_listen;
    let second = pipeline.consume(&shelves[1], config);
    // There is work all the while, until the partitions are shared.
    let deadline = tokio::time::Instant::now() + onhand_tests::stack::SETTLE;
    while shelves[1].written().is_empty() {
        ensure!(tokio::time::Instant::now() < deadline, "the second has nothing to do");
        more().await?;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // Then the second goes, and the first has everything again.
    second.stop().await?;
    let sent = more().await?;
    let all = || shelves.iter().flat_map(|shelf| shelf.written()).collect::<Vec<Place>>();
    eventually("everything is written", || async {
        Ok(all().iter().collect::<HashSet<_>>().len() == sent)
    })
    .await?;
    first.stop().await?;
    Ok((all(), sent))
}

/// The sink is away, and more and more waits for it.
async fn paused(_: Arc<Database>) -> Result<()> {
    const BEFORE: usize = 30;
    const MEANWHILE: usize = 300;
    let check = |told: usize| {
        ensure!(
            told == BEFORE + MEANWHILE,
            "{told} records wait, it says, of {BEFORE} and {MEANWHILE}"
        );
        Ok(())
    };
    let mut faulty = 0;
    for (sent, is_fetched) in [(BEFORE, true), (MEANWHILE, false)] {
        // The mistake: the end of a partition is what the last fetch said of it.
        if is_fetched {
            faulty += sent;
        }
    }
    must_find(check(faulty), "30 records wait, it says, of 30 and 300")?;

    let kind = SinkKind::Alerts;
    let topic = Table::StockLevel.topic();
    let pipeline = Pipeline::start(kind, 1).await?;
    pipeline.registry(|registry| drop(registry.schemas.insert(1, schema(&[]))));
    let mut config = pipeline.config()?;
    config.runtime = RuntimeConfig {
        batch_max_records: Some(2),
        queue_max_records: Some(2),
        pause_after_ms: 50,
        lag_interval_ms: 200,
        ..config.runtime
    };
    let shelf = Arc::new(Shelf::default());
    let running = pipeline.consume_as(kind, &shelf, config);
    let send = async |count| pipeline.send(&(0..count).map(|_| change()).collect::<Vec<_>>()).await;
    send(1).await?;
    eventually("it is known that nothing waits", || async {
        Ok(shelf.written().len() == 1 && running.lag(&topic).await? == 0)
    })
    .await?;
    shelf.stuck.store(true, Ordering::Release);
    send(BEFORE).await?;
    eventually("it tells of the first that wait", || async {
        Ok(running.lag(&topic).await? == BEFORE)
    })
    .await?;
    send(MEANWHILE).await?;
    eventually("it tells of all that wait", || async {
        check(running.lag(&topic).await?).map(|()| true)
    })
    .await?;
    shelf.stuck.store(false, Ordering::Release);
    eventually("nothing waits any more", || async {
        Ok(shelf.written().len() == 1 + BEFORE + MEANWHILE && running.lag(&topic).await? == 0)
    })
    .await?;
    running.stop().await
}

fn change() -> RawRecord {
    record(1, &schema(&[]), &level(Uuid::now_v7(), 1, 5)).unwrap()
}

/// Nothing is lost.
fn all_written(written: &[Place], sent: usize) -> Result<()> {
    let different = written.iter().collect::<HashSet<_>>().len();
    ensure!(different == sent, "{different} of {sent} records were written");
    Ok(())
}

/// Nothing is lost, and nothing is done twice.
fn each_once(written: &[Place], sent: usize) -> Result<()> {
    all_written(written, sent)?;
    ensure!(
        written.len() == sent,
        "{sent} records were written {} times",
        written.len()
    );
    Ok(())
}
