//! Summaries and reports, kept up to date by whichever instance comes first.
//!
//! Every instance calls the fold; the function itself lets one in at a time, and whoever comes when
//! nothing has changed finds nothing. Reports are refreshed once they have reached an age that all
//! instances see alike, so that several instances do not refresh more often than one.

use std::time::{Duration, Instant};

use onhand_db::{DbError, Pool, ReportAge, STOCK_SUMMARY};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::config::check;
use crate::error::ApiError;
use crate::metrics;
use crate::store::in_full;

/// `api.fold_stock_summary` refuses larger steps.
const MAX_FOLD_BATCH: i32 = 1_000_000;
/// A fold works at most a fifth of the time: it rests this many times as long as it worked.
const REST: u32 = 4;
/// The longest that it rests because it had much to do: summaries are not to be older than a second.
const MOST_REST: Duration = Duration::from_millis(750);
/// Pause between two folds. Each change of a summary is a row that goes on to all who read summaries, and changes of one item that
/// meet in one fold are one.
const FOLD_INTERVAL: Duration = Duration::from_millis(400);
/// How often ages are measured.
const MEASURE: Duration = Duration::from_secs(1);
/// How often is looked for reports that are due, as a part of their interval.
const LOOKS: u32 = 10;
/// A report is refreshed at most this part of the time, however large it has become.
const SHARE: u32 = 20;

/// How summaries and reports are kept up to date.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SummaryConfig {
    /// Whether this process takes part in it.
    pub enabled: bool,
    /// Pause between two folds of what changed into the summaries. Longer when it had much to do.
    pub fold_interval_ms: u64,
    /// Movements folded by one call. The larger it is, the more changes of one item are folded as one when there is much to do.
    pub fold_batch: i32,
    /// Age at which a report is refreshed. One that takes longer than a twentieth of this is refreshed less often.
    pub report_interval_ms: u64,
    /// A refresh that takes longer is given up.
    pub report_timeout_ms: u64,
}

impl Default for SummaryConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            fold_interval_ms: u64::try_from(FOLD_INTERVAL.as_millis()).unwrap_or(u64::MAX),
            fold_batch: 100_000,
            report_interval_ms: 300_000,
            report_timeout_ms: 600_000,
        }
    }
}

impl SummaryConfig {
    pub(crate) fn validate(&self) -> Result<(), ApiError> {
        check(
            "api.summaries.fold_interval_ms",
            self.fold_interval_ms >= 10,
            "at least 10",
        )?;
        check(
            "api.summaries.fold_batch",
            (1..=MAX_FOLD_BATCH).contains(&self.fold_batch),
            "1 to 1000000",
        )?;
        check(
            "api.summaries.report_interval_ms",
            self.report_interval_ms >= 1_000,
            "at least 1000",
        )?;
        check(
            "api.summaries.report_timeout_ms",
            self.report_timeout_ms >= 1_000,
            "at least 1000",
        )
    }
}

/// Folds, refreshes and measures until the token is cancelled.
pub(crate) async fn run(config: SummaryConfig, pool: Pool, token: CancellationToken) {
    if !config.enabled {
        return;
    }
    let limit = Duration::from_millis(config.report_timeout_ms);
    let age = Duration::from_millis(config.report_interval_ms);
    let pause = Duration::from_millis(config.fold_interval_ms);
    tokio::join!(
        every(
            "fold",
            |took| rest(pause, took),
            &token,
            || fold(&pool, config.fold_batch)
        ),
        every(
            "reports",
            |_| age / LOOKS,
            &token,
            || refresh(&pool, age, limit, &token)
        ),
        every("ages", |_| MEASURE, &token, || measure(&pool)),
    );
}

/// Carries a duty out again and again, with a pause in between that may depend on how long it took. Tells the log of the
/// first failure of a row, and of its end.
async fn every<F, D, P>(name: &'static str, pause: P, token: &CancellationToken, duty: D)
where
    F: Future<Output = Result<(), DbError>>,
    D: Fn() -> F,
    P: Fn(Duration) -> Duration,
{
    let mut failing = false;
    let mut wait = Duration::ZERO;
    while token.run_until_cancelled(tokio::time::sleep(wait)).await.is_some() {
        let started = Instant::now();
        let result = duty().await;
        wait = pause(started.elapsed());
        match result {
            Ok(()) if failing => {
                failing = false;
                tracing::info!(duty = name, "summaries and reports are kept up to date again");
            }
            Ok(()) => {}
            Err(error) => {
                metrics::upkeep_failure(name);
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!(duty = name, error = %in_full(&error), "summaries and reports cannot be kept up to date");
                }
            }
        }
    }
}

/// How long a fold that took so long rests. Writers come first when there is more to fold than it can carry, and more changes of one
/// item then meet in one fold.
fn rest(pause: Duration, took: Duration) -> Duration {
    pause.max(took.saturating_mul(REST).min(MOST_REST))
}

/// How long a fold that took so long rests under the default settings.
#[must_use]
pub fn fold_rest(took: Duration) -> Duration {
    rest(FOLD_INTERVAL, took)
}

/// Folds what has changed, unless another instance is at it.
async fn fold(pool: &Pool, batch: i32) -> Result<(), DbError> {
    let client = pool.get().await?;
    let started = Instant::now();
    if let Some(step) = onhand_db::fold_stock_summary(&client, batch).await? {
        metrics::folded(step.movements, started.elapsed());
    }
    Ok(())
}

/// Refreshes the reports that are due, each in a transaction of its own.
async fn refresh(pool: &Pool, age: Duration, limit: Duration, token: &CancellationToken) -> Result<(), DbError> {
    let mut client = pool.get().await?;
    for report in onhand_db::report_ages(&client).await? {
        if !is_due(&report, age) {
            continue;
        }
        // Not waited for at the end: it can take minutes, and what it did so far is rolled back.
        let refreshing = onhand_db::refresh_report(&mut client, &report.report, limit);
        match token.run_until_cancelled(refreshing).await {
            Some(Ok(Some(took))) => metrics::report_refreshed(&report.report, took),
            Some(Ok(None)) | None => return Ok(()),
            Some(Err(error)) => return Err(error),
        }
    }
    Ok(())
}

fn is_due(report: &ReportAge, age: Duration) -> bool {
    report.report != STOCK_SUMMARY && report.age >= age.max(report.took * SHARE)
}

async fn measure(pool: &Pool) -> Result<(), DbError> {
    let client = pool.get().await?;
    for report in onhand_db::report_ages(&client).await? {
        if report.report == STOCK_SUMMARY {
            metrics::summary_staleness(report.age, report.pending);
        } else {
            metrics::report_age(&report.report, report.age);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(name: &str, age: u64, took: u64) -> ReportAge {
        ReportAge {
            report: name.to_owned(),
            age: Duration::from_secs(age),
            took: Duration::from_secs(took),
            pending: 0,
        }
    }

    #[test]
    fn a_fold_with_much_to_do_rests_longer_than_it_worked() {
        let pause = Duration::from_millis(200);
        assert_eq!(rest(pause, Duration::from_millis(1)), pause);
        assert_eq!(rest(pause, Duration::from_millis(100)), Duration::from_millis(400));
        assert_eq!(rest(pause, Duration::from_secs(5)), MOST_REST);
    }

    #[test]
    fn a_report_is_due_at_its_age() {
        let age = Duration::from_secs(300);
        assert!(is_due(&report("report_abc", 300, 1), age));
        assert!(!is_due(&report("report_abc", 299, 1), age));
    }

    #[test]
    fn a_report_that_takes_long_is_due_less_often() {
        let age = Duration::from_secs(300);
        assert!(!is_due(&report("report_ageing", 1_199, 60), age));
        assert!(is_due(&report("report_ageing", 1_200, 60), age));
    }

    #[test]
    fn the_summaries_are_no_report() {
        assert!(!is_due(&report(STOCK_SUMMARY, 1_000, 0), Duration::from_secs(300)));
    }
}
