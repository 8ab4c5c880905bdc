//! Expires holds in good time; one instance at a time does it.
//!
//! Availability is right without the sweeper, because no function counts a hold past its deadline;
//! it only writes the EXPIRED rows so that read models and owners hear of it.

use std::time::Duration;

use onhand_db::{DbError, Pool, PooledClient};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::config::UpkeepConfig;
use crate::leader::lead;
use crate::metrics;
use crate::store::in_full;

/// Advisory lock of the sweep; any constant that nothing else in this database uses.
const LOCK: i64 = 0x6f6e_6861_6e64_0001;
/// As metrics and log call it.
const NAME: &str = "sweep";

/// Sweeps until the token is cancelled; what is under way is finished.
pub(crate) async fn run(config: UpkeepConfig, pool: Pool, token: CancellationToken) {
    if !config.enabled {
        return;
    }
    let mut interval = tokio::time::interval(Duration::from_millis(config.sweep_interval_ms));
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failing = false;
    while token.run_until_cancelled(interval.tick()).await.is_some() {
        let result = lead(&pool, LOCK, async |client| {
            sweep(client, config.sweep_batch, &token).await
        })
        .await;
        report(result.err().as_ref(), &mut failing);
    }
}

/// Counts each failure; tells the log of the first of a row, and of its end.
fn report(error: Option<&DbError>, failing: &mut bool) {
    let Some(error) = error else {
        if std::mem::take(failing) {
            tracing::info!("expired holds are swept again");
        }
        return;
    };
    metrics::upkeep_failure(NAME);
    if !std::mem::replace(failing, true) {
        tracing::warn!(duty = NAME, error = %in_full(error), "background duty failed");
    }
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
