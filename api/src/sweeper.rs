//! Background duties that one instance at a time carries out: expiring holds in good time, and
//! housekeeping: partitions of the ledger made ahead, old idempotency keys forgotten.
//!
//! Availability is right without the sweeper, because no function counts a hold past its deadline;
//! it only writes the EXPIRED rows so that read models and owners hear of it.

use std::time::Duration;

use onhand_db::{DbError, Pool, PooledClient};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::config::UpkeepConfig;
use crate::metrics;
use crate::store::in_full;

/// Advisory lock of the sweep; any constant that nothing else in this database uses.
const SWEEP_LOCK: i64 = 0x6f6e_6861_6e64_0001;
/// Advisory lock of the housekeeping.
const HOUSEKEEPING_LOCK: i64 = 0x6f6e_6861_6e64_0002;

#[derive(Debug, Clone, Copy)]
enum Duty {
    Sweep,
    Housekeeping,
}

impl Duty {
    fn name(self) -> &'static str {
        match self {
            Self::Sweep => "sweep",
            Self::Housekeeping => "housekeeping",
        }
    }

    fn lock(self) -> i64 {
        match self {
            Self::Sweep => SWEEP_LOCK,
            Self::Housekeeping => HOUSEKEEPING_LOCK,
        }
    }
}

/// Runs the duties until the token is cancelled; what is under way is finished.
pub(crate) async fn run(config: UpkeepConfig, pool: Pool, token: CancellationToken) {
    if !config.enabled {
        return;
    }
    let mut sweep = interval(config.sweep_interval_ms);
    let mut housekeeping = interval(config.housekeeping_interval_ms);
    let mut failing = false;
    loop {
        let duty = tokio::select! {
            biased;
            () = token.cancelled() => return,
            _ = housekeeping.tick() => Duty::Housekeeping,
            _ = sweep.tick() => Duty::Sweep,
        };
        let result = carry_out(duty, &config, &pool, &token).await;
        report(duty, result.as_ref().err(), &mut failing);
    }
}

/// Counts each failure; tells the log of the first of a row, and of its end.
fn report(duty: Duty, error: Option<&DbError>, failing: &mut bool) {
    let Some(error) = error else {
        if std::mem::take(failing) {
            tracing::info!("background duties are carried out again");
        }
        return;
    };
    metrics::upkeep_failure(duty.name());
    if !std::mem::replace(failing, true) {
        tracing::warn!(duty = duty.name(), error = %in_full(error), "background duty failed");
    }
}

fn interval(milliseconds: u64) -> tokio::time::Interval {
    let mut interval = tokio::time::interval(Duration::from_millis(milliseconds));
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

/// The lock belongs to the session, and is given back before the session goes back to the pool.
async fn carry_out(duty: Duty, config: &UpkeepConfig, pool: &Pool, token: &CancellationToken) -> Result<(), DbError> {
    let client = pool.get().await?;
    let row = client
        .query_one("select pg_try_advisory_lock($1)", &[&duty.lock()])
        .await?;
    let mine: bool = row.try_get(0)?;
    if !mine {
        return Ok(());
    }
    let result = match duty {
        Duty::Sweep => sweep(&client, config.sweep_batch, token).await,
        Duty::Housekeeping => keep_house(&client, config.partition_months_ahead, token).await,
    };
    if let Err(error) = client.query_one("select pg_advisory_unlock($1)", &[&duty.lock()]).await {
        // A session that may still hold the lock must not be used again.
        drop(PooledClient::take(client));
        return Err(error.into());
    }
    result
}

/// Expires what is due, one bounded call after the other.
async fn sweep(client: &PooledClient, batch: i32, token: &CancellationToken) -> Result<(), DbError> {
    while !token.is_cancelled() {
        let expired = onhand_db::expire_reservations(client, batch).await?;
        metrics::holds_expired(u64::try_from(expired).unwrap_or(0));
        if expired < batch {
            return Ok(());
        }
    }
    Ok(())
}

/// Makes partitions ahead and forgets old idempotency keys, one bounded call after the other.
async fn keep_house(client: &PooledClient, months_ahead: i32, token: &CancellationToken) -> Result<(), DbError> {
    onhand_db::ensure_movement_partitions(client, months_ahead).await?;
    while !token.is_cancelled() {
        if onhand_db::purge_idempotency_keys(client).await? == 0 {
            return Ok(());
        }
    }
    Ok(())
}
