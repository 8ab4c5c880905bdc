//! Postgres: what change capture rests on.

use std::time::Duration;

use anyhow::Result;
use onhand_db::migrate::{PUBLICATION, SLOT};
use tokio_postgres::Client;

use super::{Finding, locks};
use crate::connector::Definition;
use crate::stack::Stack;
use crate::stack::parts::{DATABASE, login};
use crate::stack::{probe, process};

const MIB: f64 = 1024.0 * 1024.0;
/// Half of, and nearly all that `max_slot_wal_keep_size` (4 GiB) keeps before the slot is given up.
const SLOT_LAG_BYTES: (f64, f64) = (2048.0 * MIB, 3584.0 * MIB);
/// The connector beats every five seconds.
const HEARTBEAT_SECONDS: (f64, f64) = (15.0, 60.0);
/// Deadlines of holds and ages of cached answers are compared across processes.
const CLOCK_SECONDS: (f64, f64) = (0.5, 5.0);

/// After so long without an end, a check of this group waits for somebody: long enough for [`locks`] to see that.
const PATIENCE: Duration = Duration::from_secs(8);

pub(super) async fn check(stack: &Stack) -> Result<Vec<Finding>> {
    let login = login(stack, "postgres", &stack.secrets.postgres, DATABASE);
    let client = probe::postgres(&login).await?;
    // A check that waits must not wait on in Postgres when nobody listens any more.
    client.batch_execute("set lock_timeout = '15s'").await?;
    let mut findings = Vec::new();
    let looked = tokio::time::timeout(PATIENCE, look(&client, stack, &mut findings)).await;
    let blocked = looked.is_err();
    // By a connection of its own: the other one may be among those that wait.
    findings.push(locks::check(&probe::postgres(&login).await?, blocked).await?);
    looked.unwrap_or(Ok(()))?;
    Ok(findings)
}

async fn look(client: &Client, stack: &Stack, findings: &mut Vec<Finding>) -> Result<()> {
    findings.push(wal_level(client).await?);
    findings.push(slot(client).await?);
    findings.push(publication(client).await?);
    findings.push(clock(client).await?);
    // These read tables, which somebody may have locked.
    findings.push(heartbeat(client, connect_age(stack)).await?);
    findings.push(ledger(client).await?);
    Ok(())
}

async fn wal_level(client: &Client) -> Result<Finding> {
    const WHAT: &str = "wal_level";
    let level: String = client
        .query_one("select pg_catalog.current_setting('wal_level')", &[])
        .await?
        .get(0);
    Ok(if level == "logical" {
        Finding::ok(WHAT, level)
    } else {
        Finding::fail(
            WHAT,
            level,
            "alter system set wal_level = logical; then restart Postgres",
        )
    })
}

async fn slot(client: &Client) -> Result<Finding> {
    const WHAT: &str = "slot";
    let row = client
        .query_opt(
            "select s.active, coalesce(s.wal_status, 'lost') as wal_status, \
                 coalesce(pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), s.confirmed_flush_lsn), 0)::float8 as lag \
             from pg_catalog.pg_replication_slots as s where s.slot_name = $1",
            &[&SLOT],
        )
        .await?;
    let Some(row) = row else {
        return Ok(Finding::fail(
            WHAT,
            format!("{SLOT} does not exist"),
            "onhand connect watch mends it by itself; by hand: onhand connect repair",
        ));
    };
    let (active, status, lag): (bool, String, f64) = (row.get(0), row.get(1), row.get(2));
    if status == "lost" {
        return Ok(Finding::fail(
            WHAT,
            format!("{SLOT} was given up: it lagged by more than max_slot_wal_keep_size"),
            "onhand connect watch mends it by itself; by hand: onhand connect repair",
        ));
    }
    let detail = format!("{SLOT}: {:.1} MiB behind, WAL {status}", lag / MIB);
    Ok(if active {
        Finding::by_bounds(
            WHAT,
            detail,
            lag,
            SLOT_LAG_BYTES,
            "see `onhand connect status`; WAL is kept until the connector has read it",
        )
    } else {
        Finding::fail(
            WHAT,
            format!("{detail}, nobody reads it"),
            "onhand connect status, then onhand connect resume or restart",
        )
    })
}

/// The connector captures what it is told to and what is published: both must name the same tables.
async fn publication(client: &Client) -> Result<Finding> {
    const WHAT: &str = "publication";
    let rows = client
        .query(
            "select p.schemaname || '.' || p.tablename from pg_catalog.pg_publication_tables as p where p.pubname = $1",
            &[&PUBLICATION],
        )
        .await?;
    let published: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let definition = Definition::built_in()?;
    let wanted = definition
        .config
        .get("table.include.list")
        .and_then(|list| list.as_str())
        .unwrap_or_default()
        .replace('\\', "");
    let missing: Vec<&str> = wanted
        .split(',')
        .filter(|table| published.iter().all(|name| name != table))
        .collect();
    Ok(if missing.is_empty() {
        Finding::ok(WHAT, format!("{PUBLICATION}: {} tables", published.len()))
    } else {
        Finding::fail(
            WHAT,
            format!("{PUBLICATION} lacks {}", missing.join(", ")),
            "onhand migrate",
        )
    })
}

/// How many seconds the Connect worker has been running.
fn connect_age(stack: &Stack) -> Option<f64> {
    let started = process::recorded(&stack.layout, "connect")?.started_at()?;
    let age = jiff::Timestamp::now()
        .as_second()
        .saturating_sub(i64::try_from(started).ok()?);
    u32::try_from(age).ok().map(f64::from)
}

/// A worker that has just started is given time for its first beat.
async fn heartbeat(client: &Client, connect_age: Option<f64>) -> Result<Finding> {
    const WHAT: &str = "heartbeat";
    let age: Option<f64> = client
        .query_one(
            "select extract(epoch from clock_timestamp() - max(h.beat_at))::float8 from inventory.debezium_heartbeat as h",
            &[],
        )
        .await?
        .get(0);
    Ok(match age {
        None => Finding::fail(WHAT, "no row", "onhand migrate"),
        Some(age) => Finding::by_bounds(
            WHAT,
            format!("{age:.1} s ago"),
            connect_age.map_or(age, |since_start| age.min(since_start)),
            HEARTBEAT_SECONDS,
            "the connector does not write: onhand connect status, onhand logs connect",
        ),
    })
}

/// Whether the upkeep of the ledger keeps up: a partition for the month to come, and no month left open that ended days ago.
async fn ledger(client: &Client) -> Result<Finding> {
    const WHAT: &str = "ledger";
    const FIX: &str =
        "the housekeeping of `onhand api` does it (api.housekeeping), or pg_cron: see Upkeep in functions/README.md";
    let row = client
        .query_one(
            "select exists (select from internal.movement_partitions() as p \
                     where p.month = (date_trunc('month', now() at time zone 'UTC') + interval '1 month')::date), \
                 internal.month_end(internal.next_month_to_close()) < now() - interval '2 days', \
                 (select to_char(max(c.month), 'YYYY-MM') from inventory.closed_month as c), \
                 (select to_char(max(r.month), 'YYYY-MM') from inventory.retired_partition as r)",
            &[],
        )
        .await?;
    let (ahead, behind): (bool, Option<bool>) = (row.get(0), row.get(1));
    let (closed, retired): (Option<String>, Option<String>) = (row.get(2), row.get(3));
    let month = |month: Option<String>| month.unwrap_or_else(|| "none".to_owned());
    let detail = format!("last month closed: {}, retired: {}", month(closed), month(retired));
    Ok(if !ahead {
        Finding::warn(WHAT, format!("{detail}; the next month has no partition yet"), FIX)
    } else if behind == Some(true) {
        Finding::warn(WHAT, format!("{detail}; the month after it is not closed"), FIX)
    } else {
        Finding::ok(WHAT, detail)
    })
}

async fn clock(client: &Client) -> Result<Finding> {
    let before = jiff::Timestamp::now().as_duration().as_secs_f64();
    let theirs: f64 = client
        .query_one("select extract(epoch from clock_timestamp())::float8", &[])
        .await?
        .get(0);
    let after = jiff::Timestamp::now().as_duration().as_secs_f64();
    // The middle of the call is the fairest moment to compare with.
    let difference = (theirs - f64::midpoint(before, after)).abs();
    Ok(Finding::by_bounds(
        "clock",
        format!("Postgres differs from here by {:.0} ms", difference * 1000.0),
        difference,
        CLOCK_SECONDS,
        "let one time service set the clocks of all machines",
    ))
}
