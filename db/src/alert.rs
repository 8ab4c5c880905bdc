//! Alerts: what they are judged by, their edges, and what is to be delivered of them.

use std::time::Duration;

use crate::DbError;
use deadpool_postgres::GenericClient;
use jiff::Timestamp;
use serde_json::Value;
use tokio_postgres::Row;
use uuid::Uuid;

/// What the alerts of a stock level were judged by last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertLevel {
    /// Id of the item.
    pub item_id: Uuid,
    /// Id of the location.
    pub location: String,
    /// Whether the item is archived.
    pub archived: bool,
    /// Version of the stock level; 0 if it was never judged.
    pub version: i64,
    /// Units that could be sold.
    pub available: i64,
    /// Units to keep in reserve.
    pub safety_stock: i64,
    /// Level at which to order again.
    pub reorder_point: i64,
    /// Whether it never runs out.
    pub unlimited: bool,
    /// Whether there was ever anything on hand.
    pub stocked: bool,
    /// Kinds of its alerts that are open.
    pub open_kinds: Vec<String>,
}

/// A rule of alerts that may be in force for a stock level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LevelRule {
    /// Kind of alert.
    pub kind: String,
    /// For this item alone.
    pub item_id: Option<Uuid>,
    /// For this location alone.
    pub location: Option<String>,
    /// False: no such alert there.
    pub enabled: bool,
    /// Opens at or below it.
    pub threshold: Option<i64>,
    /// Resolves only above threshold and this.
    pub margin: Option<i64>,
    /// How bad it is.
    pub severity: Option<String>,
}

/// An alert as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertState {
    /// What makes it this alert and no other.
    pub fingerprint: String,
    /// Kind of alert.
    pub kind: String,
    /// How bad it is.
    pub severity: String,
    /// Sku of its item.
    pub sku: Option<String>,
    /// Id of its item.
    pub item_id: Option<Uuid>,
    /// Id of its location.
    pub location: Option<String>,
    /// What else it is about.
    pub reference: Option<String>,
    /// What was found.
    pub value: Option<i64>,
    /// Against what.
    pub threshold: Option<i64>,
    /// Since when.
    pub opened_at: Timestamp,
}

/// A changed rule whose levels are to be judged anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleChange {
    /// Id of the change.
    pub id: i64,
    /// Of this item alone.
    pub item_id: Option<Uuid>,
    /// At this location alone.
    pub location: Option<String>,
}

/// When something that depends on time becomes an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Horizons {
    /// Before a lot expires.
    pub lot: Duration,
    /// Before a hold ends.
    pub hold: Duration,
    /// Shorter holds are none of it.
    pub hold_least_length: Duration,
    /// Smallest difference of a count.
    pub least_variance: i64,
}

/// A message that is to be sent now.
#[derive(Clone, PartialEq)]
pub struct ClaimedDelivery {
    /// Id of the delivery: the same for each attempt.
    pub id: Uuid,
    /// Which attempt this is, from 1.
    pub attempt: i32,
    /// `opened`, `resolved` or `established`.
    pub event: String,
    /// The alert.
    pub fingerprint: String,
    /// What there is to say.
    pub payload: Value,
    /// Where to, if it goes to a webhook.
    pub url: Option<String>,
    /// What it is signed with, if it goes to a webhook.
    pub secret: Option<String>,
}

impl std::fmt::Debug for ClaimedDelivery {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ClaimedDelivery")
            .field("id", &self.id)
            .field("attempt", &self.attempt)
            .field("event", &self.event)
            .field("fingerprint", &self.fingerprint)
            .finish_non_exhaustive()
    }
}

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// `delivered`, `failed`, `disabled`, or `retry`.
    pub outcome: &'static str,
    /// HTTP status, if there was an answer.
    pub response_status: Option<i32>,
    /// Why not.
    pub error: Option<String>,
    /// Before the next attempt.
    pub pause: Duration,
}

/// `api.lock_alert_levels`: locks what the alerts of these stock levels were judged by last.
///
/// # Errors
/// See [`DbError`].
pub async fn lock_alert_levels(
    client: &impl GenericClient,
    items: &[Uuid],
    locations: &[&str],
) -> Result<Vec<AlertLevel>, DbError> {
    let statement = client
        .prepare_cached(
            "select item_id, location, archived, version, available, safety_stock, reorder_point, unlimited, stocked, \
             open_kinds from api.lock_alert_levels($1, $2)",
        )
        .await?;
    let rows = client.query(&statement, &[&items, &locations]).await?;
    rows.iter().map(level).collect()
}

fn level(row: &Row) -> Result<AlertLevel, DbError> {
    Ok(AlertLevel {
        item_id: row.try_get(0)?,
        location: row.try_get(1)?,
        archived: row.try_get(2)?,
        version: row.try_get(3)?,
        available: row.try_get(4)?,
        safety_stock: row.try_get(5)?,
        reorder_point: row.try_get(6)?,
        unlimited: row.try_get(7)?,
        stocked: row.try_get(8)?,
        open_kinds: row.try_get(9)?,
    })
}

/// `api.find_level_rules`: all rules that may be in force for levels of these items and locations.
///
/// # Errors
/// See [`DbError`].
pub async fn find_level_rules(
    client: &impl GenericClient,
    items: &[Uuid],
    locations: &[&str],
) -> Result<Vec<LevelRule>, DbError> {
    let statement = client
        .prepare_cached(
            "select kind, item_id, location, enabled, threshold, margin, severity from api.find_level_rules($1, $2)",
        )
        .await?;
    let rows = client.query(&statement, &[&items, &locations]).await?;
    rows.iter()
        .map(|row| {
            Ok(LevelRule {
                kind: row.try_get(0)?,
                item_id: row.try_get(1)?,
                location: row.try_get(2)?,
                enabled: row.try_get(3)?,
                threshold: row.try_get(4)?,
                margin: row.try_get(5)?,
                severity: row.try_get(6)?,
            })
        })
        .collect()
}

/// `api.record_alert_levels`: what the levels were judged by, and the edges this made. `quiet`: nobody is told.
///
/// # Errors
/// See [`DbError`].
pub async fn record_alert_levels(
    client: &impl GenericClient,
    levels: &Value,
    edges: &Value,
    receivers: &Value,
    quiet: bool,
) -> Result<(), DbError> {
    let statement = client
        .prepare_cached("select api.record_alert_levels($1, $2, $3, $4)")
        .await?;
    client.execute(&statement, &[levels, edges, receivers, &quiet]).await?;
    Ok(())
}

/// `api.establish_alerts`: tells all that is open when alerting begins as one event, once. Returns when that was done;
/// with `dry_run` it only asks.
///
/// # Errors
/// See [`DbError`].
pub async fn establish_alerts(
    client: &impl GenericClient,
    receivers: &Value,
    dry_run: bool,
) -> Result<Option<Timestamp>, DbError> {
    let row = client
        .query_one("select api.establish_alerts($1, $2)", &[receivers, &dry_run])
        .await?;
    Ok(row.try_get(0)?)
}

/// `api.get_alerts`: open alerts, of one kind or all, after this fingerprint.
///
/// # Errors
/// See [`DbError`].
pub async fn get_open_alerts(
    client: &impl GenericClient,
    kind: Option<&str>,
    max_rows: i32,
    after: &str,
) -> Result<Vec<AlertState>, DbError> {
    let rows = client
        .query(
            "select fingerprint, kind, severity, sku, item_id, location, reference, value, threshold, opened_at \
             from api.get_alerts('open', $1, null, null, $2, $3)",
            &[&kind, &max_rows, &after],
        )
        .await?;
    rows.iter().map(alert).collect()
}

fn alert(row: &Row) -> Result<AlertState, DbError> {
    Ok(AlertState {
        fingerprint: row.try_get(0)?,
        kind: row.try_get(1)?,
        severity: row.try_get(2)?,
        sku: row.try_get(3)?,
        item_id: row.try_get(4)?,
        location: row.try_get(5)?,
        reference: row.try_get(6)?,
        value: row.try_get(7)?,
        threshold: row.try_get(8)?,
        opened_at: row.try_get(9)?,
    })
}

/// `api.find_rule_changes`: the oldest changed rules whose levels are to be judged anew, in their order.
///
/// # Errors
/// See [`DbError`].
pub async fn find_rule_changes(client: &impl GenericClient) -> Result<Vec<RuleChange>, DbError> {
    let rows = client
        .query("select id, item_id, location from api.find_rule_changes()", &[])
        .await?;
    rows.iter()
        .map(|row| {
            Ok(RuleChange {
                id: row.try_get(0)?,
                item_id: row.try_get(1)?,
                location: row.try_get(2)?,
            })
        })
        .collect()
}

/// `api.close_rule_changes`: their levels were judged anew.
///
/// # Errors
/// See [`DbError`].
pub async fn close_rule_changes(client: &impl GenericClient, ids: &[i64]) -> Result<(), DbError> {
    client.execute("select api.close_rule_changes($1)", &[&ids]).await?;
    Ok(())
}

/// `api.list_alert_levels`: keys of the levels that a changed rule is about, after this key.
///
/// # Errors
/// See [`DbError`].
pub async fn list_alert_levels(
    client: &impl GenericClient,
    change: &RuleChange,
    after: Option<&(Uuid, String)>,
    max_rows: i32,
) -> Result<Vec<(Uuid, String)>, DbError> {
    let (item, location) = match after {
        Some((item, location)) => (Some(item), Some(location)),
        None => (None, None),
    };
    let rows = client
        .query(
            "select item_id, location from api.list_alert_levels($1, $2, $3, $4, $5)",
            &[&change.item_id, &change.location, &item, &location, &max_rows],
        )
        .await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

/// `api.refresh_alert_conditions`: opens and resolves what depends on time and on the pipeline. Returns how many it
/// opened and resolved.
///
/// # Errors
/// See [`DbError`].
pub async fn refresh_alert_conditions(
    client: &impl GenericClient,
    horizons: &Horizons,
    conditions: &Value,
    receivers: &Value,
) -> Result<(i64, i64), DbError> {
    let row = client
        .query_one(
            "select opened, resolved from api.refresh_alert_conditions(make_interval(secs => $1), \
             make_interval(secs => $2), make_interval(secs => $3), $4, $5, $6)",
            &[
                &horizons.lot.as_secs_f64(),
                &horizons.hold.as_secs_f64(),
                &horizons.hold_least_length.as_secs_f64(),
                &horizons.least_variance,
                conditions,
                receivers,
            ],
        )
        .await?;
    Ok((row.try_get(0)?, row.try_get(1)?))
}

/// `api.get_capture_lag`: seconds since the last heartbeat of change capture, and bytes its slot has not confirmed
/// (none without the slot).
///
/// # Errors
/// See [`DbError`].
pub async fn get_capture_lag(client: &impl GenericClient, slot: &str) -> Result<(Option<i64>, Option<i64>), DbError> {
    let row = client
        .query_one(
            "select heartbeat_seconds, slot_bytes from api.get_capture_lag($1)",
            &[&slot],
        )
        .await?;
    Ok((row.try_get(0)?, row.try_get(1)?))
}

/// `api.list_due_receivers`: which of these receivers, and which webhooks, have something to be sent now.
///
/// # Errors
/// See [`DbError`].
pub async fn list_due_receivers(client: &impl GenericClient, receivers: &[&str]) -> Result<Vec<String>, DbError> {
    let rows = client
        .query("select r from api.list_due_receivers($1) as r", &[&receivers])
        .await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// `api.claim_deliveries`: takes messages for a receiver that are due; they are due again after the lease.
///
/// # Errors
/// See [`DbError`].
pub async fn claim_deliveries(
    client: &impl GenericClient,
    receiver: &str,
    max_rows: i32,
    lease: Duration,
) -> Result<Vec<ClaimedDelivery>, DbError> {
    let rows = client
        .query(
            "select delivery_id, attempt, event, fingerprint, payload, url, secret \
             from api.claim_deliveries($1, $2, make_interval(secs => $3))",
            &[&receiver, &max_rows, &lease.as_secs_f64()],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(ClaimedDelivery {
                id: row.try_get(0)?,
                attempt: row.try_get(1)?,
                event: row.try_get(2)?,
                fingerprint: row.try_get(3)?,
                payload: row.try_get(4)?,
                url: row.try_get(5)?,
                secret: row.try_get(6)?,
            })
        })
        .collect()
}

/// `api.settle_delivery`: what became of an attempt. Returns whether that changed something.
///
/// # Errors
/// See [`DbError`].
pub async fn settle_delivery(
    client: &impl GenericClient,
    delivery: &ClaimedDelivery,
    settlement: &Settlement,
) -> Result<bool, DbError> {
    let row = client
        .query_one(
            "select api.settle_delivery($1, $2, $3, $4, $5, make_interval(secs => $6))",
            &[
                &delivery.id,
                &delivery.attempt,
                &settlement.outcome,
                &settlement.response_status,
                &settlement.error,
                &settlement.pause.as_secs_f64(),
            ],
        )
        .await?;
    Ok(row.try_get(0)?)
}

/// `api.purge_alert_history`: forgets events older than so many days, a bounded number in one call. Returns how many.
///
/// # Errors
/// See [`DbError`].
pub async fn purge_alert_history(client: &impl GenericClient, days: i32) -> Result<i64, DbError> {
    let row = client
        .query_one("select api.purge_alert_history(make_interval(days => $1))", &[&days])
        .await?;
    Ok(row.try_get(0)?)
}
