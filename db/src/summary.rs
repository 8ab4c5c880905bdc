//! Summaries of the stock by item, and the reports.

use std::time::Duration;

use crate::{DbError, PooledClient};
use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

/// Name under which [`report_ages`] tells of the summaries, among the reports.
pub const STOCK_SUMMARY: &str = "stock_summary";

/// An item over all its locations, as of the last fold. A location below zero counts as 0 in the totals.
#[derive(Debug, Clone, PartialEq)]
pub struct StockSummary {
    /// Id of the item.
    pub item_id: Uuid,
    /// Its sku.
    pub sku: String,
    /// Units on hand.
    pub on_hand: i64,
    /// Units held by reservations.
    pub reserved: i64,
    /// Units that can be sold.
    pub available: i64,
    /// Units on their way to a location.
    pub in_transit: i64,
    /// Units promised and not there.
    pub backordered: i64,
    /// Units that cannot be sold.
    pub damaged: i64,
    /// Units ordered from suppliers.
    pub incoming: i64,
    /// Units sold beyond what was there.
    pub oversold: i64,
    /// Sum of the larger of safety stock and reorder point.
    pub threshold: i64,
    /// `in_stock`, `low_stock` or `out_of_stock`.
    pub status: String,
    /// Number of locations with a stock level.
    pub location_count: i32,
    /// Status and states by location; states that are 0 may be left out.
    pub by_location: Value,
    /// Totals by type of location; states that are 0 may be left out.
    pub by_location_type: Value,
    /// Version of the row; 0 for an item that never was stocked.
    pub version: i64,
    /// When it last changed.
    pub updated_at: Option<Timestamp>,
}

/// What one call of the fold did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoldStep {
    /// Movements of the ledger that were read.
    pub movements: i64,
    /// Summaries that changed.
    pub changed: i64,
    /// Whether everything that was committed before the call is in the summaries.
    pub caught_up: bool,
}

/// How old a report or the summaries are.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportAge {
    /// Name of the report, or [`STOCK_SUMMARY`].
    pub report: String,
    /// Since the last refresh; of the summaries since the oldest movement that is not in them, 0 if all are.
    pub age: Duration,
    /// How long the last refresh took.
    pub took: Duration,
    /// Movements that are not in it, counted up to 1,000.
    pub pending: i64,
}

/// `api.get_stock_summary`: an item over all its locations; `None` if no item has this sku.
///
/// # Errors
/// See [`DbError`].
pub async fn get_stock_summary(client: &PooledClient, sku: &str) -> Result<Option<StockSummary>, DbError> {
    let statement = client
        .prepare_cached(
            "select item_id, sku, on_hand, reserved, available, in_transit, backordered, damaged, incoming, oversold, threshold, \
             status, location_count, by_location, by_location_type, version, updated_at from api.get_stock_summary($1)",
        )
        .await?;
    let Some(row) = client.query_opt(&statement, &[&sku]).await? else {
        return Ok(None);
    };
    Ok(Some(StockSummary {
        item_id: row.try_get(0)?,
        sku: row.try_get(1)?,
        on_hand: row.try_get(2)?,
        reserved: row.try_get(3)?,
        available: row.try_get(4)?,
        in_transit: row.try_get(5)?,
        backordered: row.try_get(6)?,
        damaged: row.try_get(7)?,
        incoming: row.try_get(8)?,
        oversold: row.try_get(9)?,
        threshold: row.try_get(10)?,
        status: row.try_get(11)?,
        location_count: row.try_get(12)?,
        by_location: row.try_get(13)?,
        by_location_type: row.try_get(14)?,
        version: row.try_get(15)?,
        updated_at: row.try_get(16)?,
    }))
}

/// `api.fold_stock_summary`: brings the summaries up to date, at most `max_movements` movements of the ledger in one call.
/// `None` if another session is folding.
///
/// # Errors
/// [`DbError::Refused`] if `max_movements` is not 1 to 1,000,000.
pub async fn fold_stock_summary(client: &PooledClient, max_movements: i32) -> Result<Option<FoldStep>, DbError> {
    let statement = client
        .prepare_cached("select movements, changed, caught_up from api.fold_stock_summary($1)")
        .await?;
    let Some(row) = client.query_opt(&statement, &[&max_movements]).await? else {
        return Ok(None);
    };
    Ok(Some(FoldStep {
        movements: row.try_get(0)?,
        changed: row.try_get(1)?,
        caught_up: row.try_get(2)?,
    }))
}

/// `api.report_staleness`: the summaries and all reports.
///
/// # Errors
/// See [`DbError`].
pub async fn report_ages(client: &PooledClient) -> Result<Vec<ReportAge>, DbError> {
    let statement = client
        .prepare_cached(
            "select report, age_seconds, coalesce(extract(epoch from duration), 0)::double precision, pending_movements \
             from api.report_staleness",
        )
        .await?;
    let rows = client.query(&statement, &[]).await?;
    rows.iter()
        .map(|row| {
            Ok(ReportAge {
                report: row.try_get(0)?,
                age: seconds(row.try_get(1)?),
                took: seconds(row.try_get(2)?),
                pending: row.try_get(3)?,
            })
        })
        .collect()
}

/// `api.refresh_reports` for one report, in a transaction with a time limit of its own: large reports take longer than what the
/// login may take otherwise. Answers how long it took; `None` if another session is refreshing.
///
/// # Errors
/// [`DbError::Refused`] if there is no such report.
pub async fn refresh_report(
    client: &mut PooledClient,
    report: &str,
    limit: Duration,
) -> Result<Option<Duration>, DbError> {
    let transaction = client.transaction().await?;
    transaction
        .execute(
            "select set_config('statement_timeout', $1, true)",
            &[&limit.as_millis().to_string()],
        )
        .await?;
    let row = transaction
        .query_opt(
            "select extract(epoch from duration)::double precision from api.refresh_reports($1)",
            &[&report],
        )
        .await?;
    transaction.commit().await?;
    row.map(|row| Ok(seconds(row.try_get(0)?))).transpose()
}

/// `api.rebuild_stock_summary`: makes all summaries anew. Returns how many were wrong.
///
/// # Errors
/// See [`DbError`].
pub async fn rebuild_stock_summary(client: &PooledClient) -> Result<i64, DbError> {
    let row = client.query_one("select api.rebuild_stock_summary()", &[]).await?;
    Ok(row.try_get(0)?)
}

/// A clock that was set back makes no negative age.
fn seconds(value: f64) -> Duration {
    Duration::try_from_secs_f64(value).unwrap_or_default()
}
