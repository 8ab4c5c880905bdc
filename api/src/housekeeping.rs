//! Housekeeping: what the database needs done now and then. One instance at a time carries out each duty.
//!
//! Writes never wait for it: a missing partition is made by the write itself, a hold or lot past its date is not counted,
//! answers about the past come from the ledger as long as a month is not closed. The same duties can be left to `pg_cron`
//! (see functions/README.md); two that do the same at once do no harm.

use std::time::Duration;

use onhand_db::{DbError, Pool, PooledClient};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::config::check;
use crate::error::ApiError;
use crate::leader::lead;
use crate::metrics;
use crate::store::in_full;

/// Advisory locks of the duties: this one and those behind it, which nothing else in this database uses.
const FIRST_LOCK: i64 = 0x6f6e_6861_6e64_0100;
/// A duty that failed is tried again after this, unless its turn comes earlier.
const RETRY: Duration = Duration::from_secs(60);
/// Places whose lots are taken from sale by one call.
const LOT_BATCH: i32 = 500;

/// When which duty is carried out. An interval of 0 leaves a duty to somebody else.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HousekeepingConfig {
    /// Whether this process takes part.
    pub enabled: bool,
    /// Pause between two looks for missing partitions of the ledger.
    pub partitions_interval_ms: u64,
    /// Months of partitions kept ready ahead.
    pub partition_months_ahead: i32,
    /// Pause between two purges of idempotency keys older than a day; those of ingest stay longer.
    pub purge_interval_ms: u64,
    /// Pause between two looks for months that have ended and are not closed.
    pub close_interval_ms: u64,
    /// Pause between two looks for months of the ledger past their retention.
    pub retire_interval_ms: u64,
    /// Months of the ledger that are kept; 0 keeps all. What is retired is detached, not dropped.
    pub retire_keep_months: i32,
    /// Pause between two looks for lots past their date.
    pub expire_lots_interval_ms: u64,
    /// Longest time that closing or retiring may take.
    pub statement_timeout_ms: u64,
}

impl Default for HousekeepingConfig {
    fn default() -> Self {
        const HOUR: u64 = 3_600_000;
        Self {
            enabled: true,
            partitions_interval_ms: HOUR,
            partition_months_ahead: 3,
            purge_interval_ms: HOUR,
            close_interval_ms: HOUR,
            retire_interval_ms: 24 * HOUR,
            // Letting history go is for an operator to decide.
            retire_keep_months: 0,
            expire_lots_interval_ms: 60_000,
            statement_timeout_ms: HOUR,
        }
    }
}

impl HousekeepingConfig {
    pub(crate) fn validate(&self) -> Result<(), ApiError> {
        for duty in Duty::ALL {
            check(
                duty.setting(),
                self.interval(duty)
                    .is_none_or(|interval| interval >= Duration::from_secs(1)),
                "0 or at least 1000",
            )?;
        }
        check(
            "api.housekeeping.partition_months_ahead",
            (1..=24).contains(&self.partition_months_ahead),
            "1 to 24",
        )?;
        check(
            "api.housekeeping.retire_keep_months",
            (0..=1_200).contains(&self.retire_keep_months),
            "0 to 1200",
        )?;
        check(
            "api.housekeeping.statement_timeout_ms",
            (1_000..=86_400_000).contains(&self.statement_timeout_ms),
            "1000 to 86400000",
        )
    }

    /// `None` if the duty is not carried out.
    fn interval(&self, duty: Duty) -> Option<Duration> {
        let milliseconds = match duty {
            Duty::Partitions => self.partitions_interval_ms,
            Duty::Purge => self.purge_interval_ms,
            Duty::Close => self.close_interval_ms,
            Duty::Retire if self.retire_keep_months == 0 => 0,
            Duty::Retire => self.retire_interval_ms,
            Duty::ExpireLots => self.expire_lots_interval_ms,
        };
        (self.enabled && milliseconds > 0).then(|| Duration::from_millis(milliseconds))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Duty {
    Partitions,
    Purge,
    Close,
    Retire,
    ExpireLots,
}

impl Duty {
    /// In the order in which they are carried out when several are due.
    const ALL: [Self; 5] = [
        Self::Partitions,
        Self::ExpireLots,
        Self::Purge,
        Self::Close,
        Self::Retire,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Partitions => "partitions",
            Self::Purge => "purge",
            Self::Close => "close",
            Self::Retire => "retire",
            Self::ExpireLots => "expire_lots",
        }
    }

    fn setting(self) -> &'static str {
        match self {
            Self::Partitions => "api.housekeeping.partitions_interval_ms",
            Self::Purge => "api.housekeeping.purge_interval_ms",
            Self::Close => "api.housekeeping.close_interval_ms",
            Self::Retire => "api.housekeeping.retire_interval_ms",
            Self::ExpireLots => "api.housekeeping.expire_lots_interval_ms",
        }
    }

    fn lock(self) -> i64 {
        FIRST_LOCK
            + match self {
                Self::Partitions => 0,
                Self::Purge => 1,
                Self::Close => 2,
                Self::Retire => 3,
                Self::ExpireLots => 4,
            }
    }
}

/// A duty and when its turn comes.
#[derive(Debug)]
struct Turn {
    duty: Duty,
    at: Instant,
    interval: Duration,
    failing: bool,
}

impl Turn {
    /// Sets the next turn, and tells metrics and log how this one went; the log hears of the first failure of a row and of its end.
    fn ended(&mut self, result: Result<bool, &DbError>) {
        let name = self.duty.name();
        match result {
            Ok(mine) => {
                self.at = Instant::now() + self.interval;
                if mine {
                    metrics::housekeeping_done(name);
                }
                if std::mem::take(&mut self.failing) {
                    tracing::info!(duty = name, "housekeeping is carried out again");
                }
            }
            Err(error) => {
                self.at = Instant::now() + self.interval.min(RETRY);
                metrics::upkeep_failure(name);
                if !std::mem::replace(&mut self.failing, true) {
                    tracing::warn!(duty = name, error = %in_full(error), "housekeeping failed");
                }
            }
        }
    }
}

fn turns(config: &HousekeepingConfig, now: Instant) -> Vec<Turn> {
    Duty::ALL
        .into_iter()
        .filter_map(|duty| {
            config.interval(duty).map(|interval| Turn {
                duty,
                at: now,
                interval,
                failing: false,
            })
        })
        .collect()
}

/// Carries out the duties until the token is cancelled; what is under way is finished.
pub(crate) async fn run(config: HousekeepingConfig, pool: Pool, token: CancellationToken) {
    let mut turns = turns(&config, Instant::now());
    for turn in &turns {
        metrics::housekeeping_begun(turn.duty.name());
    }
    while let Some(turn) = turns.iter_mut().min_by_key(|turn| turn.at) {
        if token
            .run_until_cancelled(tokio::time::sleep_until(turn.at))
            .await
            .is_none()
        {
            return;
        }
        let result = lead(&pool, turn.duty.lock(), async |client| {
            carry_out(turn.duty, &config, client, &token).await
        })
        .await;
        turn.ended(result.as_ref().map(Option::is_some));
    }
}

async fn carry_out(
    duty: Duty,
    config: &HousekeepingConfig,
    client: &mut PooledClient,
    token: &CancellationToken,
) -> Result<(), DbError> {
    let timeout = Duration::from_millis(config.statement_timeout_ms);
    match duty {
        Duty::Partitions => {
            onhand_db::ensure_movement_partitions(client, config.partition_months_ahead).await?;
        }
        Duty::Purge => while !token.is_cancelled() && onhand_db::purge_idempotency_keys(client).await? > 0 {},
        Duty::Close => {
            let months = onhand_db::close_finished_months(client, timeout).await?;
            if months > 0 {
                tracing::info!(months, "closed months of the ledger");
            }
        }
        Duty::Retire => {
            let months = onhand_db::retire_movement_partitions(client, config.retire_keep_months, timeout).await?;
            if months > 0 {
                tracing::info!(months, "detached months of the ledger into schema archive");
            }
        }
        Duty::ExpireLots => {
            while !token.is_cancelled() && onhand_db::expire_lots(client, LOT_BATCH).await? == LOT_BATCH {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use onhand_db::DatabaseConfig;

    #[test]
    fn retiring_is_off_until_it_is_configured() {
        let mut config = HousekeepingConfig::default();
        config.validate().unwrap();
        let duties = |config: &HousekeepingConfig| -> Vec<Duty> {
            turns(config, Instant::now()).iter().map(|turn| turn.duty).collect()
        };
        assert_eq!(
            duties(&config),
            [Duty::Partitions, Duty::ExpireLots, Duty::Purge, Duty::Close]
        );
        config.retire_keep_months = 36;
        config.purge_interval_ms = 0;
        assert_eq!(
            duties(&config),
            [Duty::Partitions, Duty::ExpireLots, Duty::Close, Duty::Retire]
        );
        config.enabled = false;
        assert_eq!(duties(&config), []);
    }

    #[test]
    fn each_duty_has_a_lock_and_an_interval_of_its_own() {
        let mut locks: Vec<i64> = Duty::ALL.iter().map(|duty| duty.lock()).collect();
        locks.sort_unstable();
        locks.dedup();
        assert_eq!(locks.len(), Duty::ALL.len());
        let config = HousekeepingConfig {
            close_interval_ms: 1,
            ..HousekeepingConfig::default()
        };
        let error = config.validate().unwrap_err().to_string();
        assert_eq!(
            error,
            "setting api.housekeeping.close_interval_ms must be 0 or at least 1000"
        );
    }

    /// Without a series no alert tells of a duty that has failed ever since the start.
    #[tokio::test]
    async fn the_age_of_a_duty_that_never_succeeded_counts_from_the_start() {
        let handle = metrics::install().unwrap();
        let nowhere = DatabaseConfig {
            url: "postgres://nobody@127.0.0.1:1/none".to_owned().into(),
            ..DatabaseConfig::default()
        };
        let pool = Pool::new(&nowhere).unwrap();
        let token = CancellationToken::new();
        let config = HousekeepingConfig {
            purge_interval_ms: 0,
            ..HousekeepingConfig::default()
        };
        let begun = jiff::Timestamp::now().as_second();
        let running = tokio::spawn(run(config, pool, token.clone()));
        let series = |page: &str, duty: &str| -> Option<f64> {
            let name = format!("onhand_housekeeping_last_success_timestamp_seconds{{duty=\"{duty}\"}} ");
            page.lines().find_map(|line| line.strip_prefix(&name))?.parse().ok()
        };
        while series(&handle.render(), "partitions").is_none() {
            tokio::task::yield_now().await;
        }
        token.cancel();
        running.await.unwrap();
        let page = handle.render();
        assert!(series(&page, "partitions").unwrap() >= f64::from(i32::try_from(begun).unwrap()));
        assert_eq!(series(&page, "purge"), None, "what nobody here does has no age");
    }

    #[tokio::test]
    async fn a_duty_that_failed_is_tried_again_sooner() {
        let now = Instant::now();
        let mut turns = turns(&HousekeepingConfig::default(), now);
        let turn = turns.first_mut().unwrap();
        turn.ended(Err(&DbError::Unreachable("away".into())));
        assert!(turn.failing && turn.at < now + RETRY * 2);
        turn.ended(Ok(false));
        assert!(!turn.failing && turn.at > now + RETRY * 2);
    }
}
